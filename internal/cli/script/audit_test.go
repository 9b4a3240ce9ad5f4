package script_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
)

// TestFailingAuditLogFailsCall checks that the caller's log stores each record before the program sees it, and that a
// failing log makes the call fail.
func TestFailingAuditLogFailsCall(t *testing.T) {
	const program = prelude + `
audit_policy({"Handle Manipulation": "success, failure"})
th.NtDuplicateObject(SourceProcessHandle=NtCurrentProcess(), SourceHandle=NtCurrentThread(),
    TargetProcessHandle=NtCurrentProcess(), DesiredAccess=THREAD_QUERY_INFORMATION)
print(len(audit_records()))
close_all()
`
	kept := audit.NewMemory(0, 0)
	out := mustRun(t, script.Config{Audit: kept}, program)
	check.That(t, kept.Len() != 0 && strings.Contains(out, "\n1\n"),
		"%d records in the log, output\n%s\nwant at least 1 record, and 1 in the output", kept.Len(), out)
	full := audit.NewMemory(1, 1)
	for full.Write(audit.LogFull()) == nil {
	}
	if out := mustRun(t, script.Config{Audit: full}, program); !strings.Contains(out, "\n0\n") {
		t.Errorf("output\n%s\nwant 0, because the program must not see a record that the log rejected", out)
	}
}
