package script_test

import (
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/token"
)

// Short programs run and check their own results with expect.
func TestProgramsCheckTheirOwnResults(t *testing.T) {
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
expect([(r["event"], r["computer"], r["data"]["DisabledPrivilegeList"]) for r in got],
    [(4703, "refmon", ["SeBackupPrivilege"])])
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
expect(job(p, "FILTER_TOKENS", SidsToDisable=["BG", "DA"], PrivilegesToDelete=["SeBackupPrivilege"],
    RestrictedSids=["WD"]), STATUS_SUCCESS)
`,
		"a token object starts a process and limits a job": `
own = token_object(token(user="S-1-5-21-1-2-3-1107"))
p = process("p", own)
h = p.thread.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
user = p.thread.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=TokenUser).TokenInformation
expect(user.Sid, "S-1-5-21-1-2-3-1107")
p.thread.NtClose(Handle=h)
expect(job(process("q", token(user="BA")), "ONLY_TOKEN", JobToken=own), STATUS_SUCCESS)
expect(job(process("r", token(user="BA")), "ONLY_TOKEN"), STATUS_INVALID_PARAMETER)
expect(job(process("s", token(user="BA")), 1), STATUS_ACCESS_DENIED) # NO_ADMIN
user = process("t", token_profile("user"))
expect(job(user, "RESTRICTED_TOKEN", "NO_ADMIN"), STATUS_ACCESS_DENIED)
expect(job(user, "NO_ADMIN"), STATUS_SUCCESS)
`,
		"a server opens its client's token, unless that has a default DACL of its own": `
own = token(user="S-1-5-21-1-2-3-1107", type="Impersonation", defaultDacl="D:")
for of, want in [(alice, STATUS_SUCCESS), (own, STATUS_ACCESS_DENIED),
                 (token_with(own, SessionId=1), STATUS_ACCESS_DENIED)]:
    for thread in [th, k]:
        k.PsImpersonateClient(Thread=thread, Token=of, ImpersonationLevel=SecurityImpersonation)
        expect(th.NtOpenThreadToken(ThreadHandle=NtCurrentThread(), DesiredAccess=TOKEN_QUERY,
            OpenAsSelf=True).status, want)
close_all()
`,
		"a policy of the system ends": `
file("f", sd="O:SYG:SYD:(A;;FR;;;WD)")
def read(everyone):
    security_policy(EveryoneIncludesAnonymous=everyone)
    th.NtImpersonateAnonymousToken(ThreadHandle=NtCurrentThread())
    return th.NtOpenFile(ObjectName="f", DesiredAccess=FILE_READ_DATA).status
expect([read(True), read(False)], [STATUS_SUCCESS, STATUS_ACCESS_DENIED])
close_all()
`,
		"exports of a thread that ends": `
other = process("other", token(user="BA"))
t2 = other.new_thread()
expect((t2.process == other, t2.name, other.thread.name, t2.id == other.thread.id), (True, "other/2", "other/1", False))
expect(process_by_id(other.id) == other, True)
file("f", sd=None)
made = th.NtCreateUserProcess(ProcessDesiredAccess=PROCESS_TERMINATE, ThreadDesiredAccess=THREAD_TERMINATE,
    ImageName="f")
expect(process_by_id(made.ClientId.UniqueProcess) == process_by_id(made.ClientId.UniqueProcess), True)
other.exit()
`,
	} {
		out, err, leak := run(t, script.Config{Quiet: true}, prelude+program)
		check.That(t, err == nil && leak == nil, "%s: %v, %v, want nil, nil\n%s", name, err, leak, out)
	}
	// The token of a run replaces the token of a process, but no token object.
	mustRun(t, script.Config{Quiet: true, Token: check.Must(token.New(token.LocalSystem()))}, `
alice, k = token_profile("user"), system()
for given, want in [(alice, "S-1-5-18"), (token_object(alice), "S-1-5-21-1-2-3-1001")]:
    own = k.PsReferencePrimaryToken(Process=process("p", given)).Token
    expect(k.SeQueryInformationToken(Token=own, TokenInformationClass=TokenUser).TokenInformation.Sid, want)
    k.PsDereferencePrimaryToken(PrimaryToken=own)
`)
}
