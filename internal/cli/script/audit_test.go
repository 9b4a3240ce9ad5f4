package script_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/cli/script"
)

// TestDurableLog: a log that the caller gives takes each record before the program sees it, and one that fails refuses
// it.
func TestDurableLog(t *testing.T) {
	const program = prelude + `
audit_policy({"Handle Manipulation": "success"})
th.NtDuplicateObject(SourceProcessHandle=NtCurrentProcess(), SourceHandle=NtCurrentThread(),
    TargetProcessHandle=NtCurrentProcess(), DesiredAccess=THREAD_QUERY_INFORMATION)
print(len(audit_records()))
close_all()
`
	kept := audit.NewMemory(0, 0)
	out := mustRun(t, script.Config{Audit: kept}, program)
	if kept.Len() == 0 || !strings.Contains(out, "\n1\n") {
		t.Errorf("%d records are kept:\n%s, want at least 1, text containing %q", kept.Len(), out, "\n1\n")
	}
	full := audit.NewMemory(1, 1)
	for full.Write(audit.LogFull()) == nil {
	}
	if out := mustRun(t, script.Config{Audit: full}, program); !strings.Contains(out, "\n0\n") {
		t.Errorf("a record was seen that was not kept:\n%s, want text containing %q", out, "\n0\n")
	}
}
