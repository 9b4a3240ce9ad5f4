package script_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/verbs/script"
)

// TestPrograms: what programs of a few lines see, each state twice.
func TestPrograms(t *testing.T) {
	for name, program := range map[string]string{
		"work is done more than once": `
for i in range(2):
    expect(queue_system_work(th, lambda w, r: (type(w), str(r))), ("kernel thread", "SECURITY_SUBJECT_CONTEXT"))
`,
		"structures of the kernel": `
c, d = [k.SeCaptureSubjectContext().SubjectContext for _ in range(2)]
expect([c == c, c == d, c != d, bool(c), type(c)], [True, False, True, True, "SECURITY_SUBJECT_CONTEXT"])
k.SeReleaseSubjectContext(SubjectContext=c)
k.SeReleaseSubjectContext(SubjectContext=d)
`,
		"records are kept, taken once, and refused where the log is full": `
audit_policy({"Token Right Adjusted Events": "success", "File System": "none", "Registry": ""})
adj = process("adj", token(user="BA", privileges=["SeBackupPrivilege"])).thread
h = adj.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=0xF01FF).TokenHandle
def switch(on):
    return adj.NtAdjustPrivilegesToken(TokenHandle=h, NewState={"SeBackupPrivilege": 2 if on else 0}).status
switch(False)
got = audit_records()
expect([(r["event"], r["computer"], r["data"]["DisabledPrivilegeList"]) for r in got], [(4703, "refmon", ["SeBackupPrivilege"])])
expect(audit_records(), [])
audit_full(True)
switch(True)
expect(audit_records(), [])
audit_full(False)
switch(False)
expect(len(audit_records()) >= 1, True)
audit_policy({})
switch(True)
expect(audit_records(), [])
adj.NtClose(Handle=h)
`,
		"a job filters by each of its lists": `
p = process("p", token(user="S-1-5-21-1-2-3-1107", groups=["BU", "BG"], privileges=["SeBackupPrivilege"]))
expect(job(p, "FILTER_TOKENS", SidsToDisable=["BG"], PrivilegesToDelete=["SeBackupPrivilege"], RestrictedSids=["WD"]),
    STATUS_SUCCESS)
`,
		"exports of a thread that ends": `
other = process("other", token(user="BA"))
t2 = other.new_thread()
expect((t2.process == other, t2.name, other.thread.name, t2.id == other.thread.id), (True, "other/2", "other/1", False))
expect(process_by_id(other.id) == other, True)
other.exit()
`,
	} {
		if out, err, leak := run(t, script.Config{Quiet: true}, prelude+program); err != nil || leak != nil {
			t.Errorf("%s: %v, %v\n%s", name, err, leak, out)
		}
	}
}

// TestDurableLog: a log that the caller gives takes each record before the program sees it, and one that fails refuses it.
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
		t.Errorf("%d records are kept:\n%s", kept.Len(), out)
	}
	full := audit.NewMemory(1, 1)
	for full.Write(audit.LogFull()) == nil {
	}
	if out := mustRun(t, script.Config{Audit: full}, program); !strings.Contains(out, "\n0\n") {
		t.Errorf("a record was seen that was not kept:\n%s", out)
	}
}

// TestRecordedFunctions: a function above the services is recorded with its result and what it left for GetLastError.
func TestRecordedFunctions(t *testing.T) {
	got := recorded(t, prelude+`
r = th.OpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY)
th.OpenProcessToken(ProcessHandle=400, DesiredAccess=TOKEN_QUERY)
th.NtClose(Handle=r.TokenHandle)
`)
	if len(got) != 3 || !strings.Contains(got[0], `OpenProcessToken ERROR_SUCCESS`) ||
		!strings.Contains(got[0], `{"TokenHandle":"handle of line 6","result":true}`) ||
		!strings.Contains(got[1], `OpenProcessToken ERROR_INVALID_HANDLE`) || !strings.Contains(got[1], ` {"result":false} [O-`) ||
		!strings.Contains(got[2], `NtClose STATUS_SUCCESS {"Handle":"handle of line 6"}`) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
