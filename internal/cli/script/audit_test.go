package script_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
)

// TestFailingAuditLogFailsCall checks that the caller's log stores each record before the program sees it, and that a
// failing log makes the call fail if the policy says so.
func TestFailingAuditLogFailsCall(t *testing.T) {
	const program = prelude + `
audit_policy({"Handle Manipulation": "success, failure"}, crash_on_audit_fail=%s)
st = th.NtDuplicateObject(SourceProcessHandle=NtCurrentProcess(), SourceHandle=NtCurrentThread(),
    TargetProcessHandle=NtCurrentProcess(), DesiredAccess=THREAD_QUERY_INFORMATION)
print(len(audit_records()), st.status)
close_all()
`
	kept := audit.NewMemory(0, 0)
	cfg := script.Config{Audit: kept, Clock: func() int64 { return 7 }}
	out := mustRun(t, cfg, fmt.Sprintf(program, "True"))
	out += mustRun(t, cfg, "audit_full(True)\n"+fmt.Sprintf(program, "True"))
	records := slices.Collect(kept.Events())
	check.That(t, len(records) == 1 && records[0].Time == 7 && strings.Contains(out, "\n1 STATUS_SUCCESS\n") &&
		strings.Contains(out, "\n0 STATUS_AUDIT_FAILED\n"), "records %v, output\n%s\nwant 1 record, of the first run",
		records, out)
	full := audit.NewMemory(1, 1)
	for full.Write(audit.LogFull()) == nil {
	}
	for crash, want := range map[string]string{"False": "\n0 STATUS_SUCCESS\n", "True": "\n0 STATUS_AUDIT_FAILED\n"} {
		out := mustRun(t, script.Config{Audit: full}, fmt.Sprintf(program, crash))
		check.That(t, strings.Contains(out, want), "output\n%s\nwant %s: no record that the log rejected", out, want)
	}
}
