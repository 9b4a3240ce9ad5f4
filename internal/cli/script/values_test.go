package script_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
)

// valued is a program's beginning with a value of each kind.
const valued = asking + `
o = k.ObReferenceObjectByHandle(Handle=NtCurrentThread(), ObjectType="Thread").Object
both = token_object(alice)
values = [("token", alice, "token(S-1-5-21-1-2-3-1107)"), ("process", svc, "server"), ("thread", th, "server/1"),
    ("kernel thread", k, "server/1 (k)"), ("object", o, "Thread object"),
    ("token object", both, "token(S-1-5-21-1-2-3-1107)"),
    ("object_attributes", object_attributes(name="x", attributes=0x40), 'object_attributes(name="x", attributes=64)'),
    ("sqos", sqos(SecurityIdentification), "sqos(SecurityIdentification)"),
    ("privilege_set", privilege_set(["SeBackupPrivilege"]), "privilege_set[SeBackupPrivilege]"),
    ("bad pointer", bad_pointer(), "bad_pointer(STATUS_ACCESS_VIOLATION)"),
    ("security_attributes", security_attributes(inherit=True), "security_attributes(inherit=True)"),
    ("NTSTATUS", STATUS_PENDING, "STATUS_PENDING")]
`

// done releases what valued references.
const done = "\nk.ObDereferenceObject(Object=o)\n"

// Each value has a kind and a name and is true. It can be a key of a dict only if it has a lasting identity.
func TestValuesHaveKindAndName(t *testing.T) {
	mustRun(t, script.Config{Quiet: true}, valued+`
for kind, v, name in values:
    expect(type(v), kind)
    expect(str(v), name)
    expect(bool(v), True, kind)
expect({STATUS_PENDING: 1, STATUS_SUCCESS: 2}[STATUS_PENDING], 1)
expect({both: 1}[both], 1)
expect([type(v) for _, v, _ in values if dir(v)], ["process", "thread", "kernel thread", "object", "token object"])
expect(dir(svc), ["exit", "id", "name", "new_thread", "thread"])
expect(dir(o), ["HandleCount", "PointerCount"])
expect(dir(both), ["HandleCount", "PointerCount", "TokenId"])
expect("NtClose" in dir(th), True)
expect("ImpersonateSelf" in dir(th), True)
expect("PsRevertToSelf" in dir(th), False)
expect("PsRevertToSelf" in dir(k), True)
expect("NtClose" in dir(k), False)
expect([x in dir(th) for x in ("id", "name", "process")] + ["name" in dir(k)], [True] * 4)
expect((svc.name, th.name, k.name, th.process == svc), ("server", "server/1", "server/1 (k)", True))
expect(svc.id == th.id, False)
`+done)
	for _, kind := range []string{"token", "process", "thread", "kernel thread", "object", "object_attributes", "sqos",
		"privilege_set", "security_attributes"} {
		program := valued + fmt.Sprintf("for kind, v, _ in values:\n    if kind == %q:\n        {v: 1}\n", kind)
		_, err, _ := run(t, script.Config{Quiet: true}, program)
		check.That(t, err != nil && strings.Contains(err.Error(), "unhashable: "+kind),
			`%s as a key: %v, want "unhashable"`, kind, err)
	}
}

// The TokenId of a token object is the one in its statistics.
func TestTokenObjectHasTokenID(t *testing.T) {
	mustRun(t, script.Config{Quiet: true}, prelude+`
own = k.PsReferencePrimaryToken(Process=svc).Token
h = th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
expect(own.HandleCount, 1)
expect(own.TokenId, th.NtQueryInformationToken(TokenHandle=h,
    TokenInformationClass=TokenStatistics).TokenInformation.TokenId)
th.NtClose(Handle=h)
k.PsDereferencePrimaryToken(PrimaryToken=own)
`)
}

// Constants of a kind are ordered and compared by their numbers. Two references are equal if they refer to the same
// object.
func TestConstantsCompareByNumber(t *testing.T) {
	mustRun(t, script.Config{Quiet: true}, valued+`
A, I, D = SecurityAnonymous, SecurityIdentification, SecurityDelegation
expect([A < I, I < A, I < I, A <= I, I <= I, D <= I], [True, False, False, True, True, False])
expect([A > I, I > A, I > I, A >= I, I >= I, D >= I], [False, True, False, False, True, True])
expect([I == I, I == D, I != I, I != D, I == TokenPrimary, I != TokenPrimary], [True, False, False, True, False, True])
again = k.ObReferenceObjectByHandle(Handle=NtCurrentThread(), ObjectType="Thread").Object
own = k.PsReferencePrimaryToken(Process=svc).Token
expect([o == again, o != again], [True, False])
h = k.ObOpenObjectByPointer(Object=th, ObjectType="Thread", DesiredAccess=THREAD_QUERY_LIMITED_INFORMATION).Handle
own_thread = k.ObReferenceObjectByHandle(Handle=h, ObjectType="Thread").Object
expect(o == own_thread, True)
k.ObDereferenceObject(Object=own_thread)
th.NtClose(Handle=h)
expect([both == both, both == own, both != own], [True, False, True])
k.PsDereferencePrimaryToken(PrimaryToken=own)
k.ObDereferenceObject(Object=again)
`+done)
	for _, c := range []struct{ program, want string }{
		{"SecurityAnonymous < TokenPrimary", "SECURITY_IMPERSONATION_LEVEL and TOKEN_TYPE cannot be ordered"},
		{"o < o", "objects have no order"}, {"both >= both", "objects have no order"},
		{"svc.nam", "process has no attribute nam: did you mean name"}, {"o.PointerCoun", "did you mean PointerCount"},
		{"both.TokenID", "token object has no attribute TokenID: did you mean TokenId"},
		{"k.PsRevertToSlf", "kernel thread has no attribute PsRevertToSlf: did you mean PsRevertToSelf"},
		{"svc.nonsense", "process has no .nonsense"},
	} {
		_, err, _ := run(t, script.Config{Quiet: true}, valued+c.program)
		check.That(t, err != nil && strings.Contains(err.Error(), c.want), "%s: %v, want %s", c.program, err, c.want)
	}
}

// No function ignores a parameter that it does not have.
func TestUnknownParameterIsRefused(t *testing.T) {
	for call, want := range map[string]string{
		"audit_full": "", "audit_policy": "", "audit_records": "", "bad_pointer": "", "capability_sid": "",
		"close_all": "", "counts": "", "expect": "", "fault": "", "file": "", "handle_information": "",
		"job_security_limits": "", "kernel_mode": "", "logon_session": "", "object_attributes": "",
		"package_directory": "", "package_sid": "", "privilege_set": "", "process": "", "process_by_id": "",
		"profile": "", "queue_system_work": "", "security_attributes": "", "security_policy": "", "sqos": "", "step": "",
		"system": "", "token_object": "", "token_profile": "", "token_with": "", "NtCurrentProcess": "",
		"NtCurrentThread": "", "NtCurrentProcessToken": "", "NtCurrentThreadToken": "", "NtCurrentEffectiveToken": "",
		"svc.new_thread": "new_thread", "svc.exit": "exit",
		"range": "range", "token": "token: token file: nonsense",
	} {
		if want == "" {
			want = call
		}
		out, err, _ := run(t, script.Config{}, prelude+call+"(nonsense=1)\n")
		check.That(t, err != nil && strings.Contains(err.Error(), want) &&
			(strings.Contains(err.Error(), "nonsense") || call == "range"),
			"%s(nonsense=1): %v, want an error that names the parameter\n%s", call, err, out)
	}
}

// An argument that a function cannot use is refused by its name.
func TestWrongArgumentIsRefusedByName(t *testing.T) {
	for _, c := range []struct{ program, want string }{
		{`token("S-1-5-20")`, `token takes the fields of a token file by name`},
		{`token(user=svc)`, `token: user: a process has no JSON form`},
		{`token(user="BA", groups=[svc])`, `token: groups: a process has no JSON form`},
		{`token(user="BA", claims={1: 2})`, `token: claims: key 1: want a string`},
		{`token(user="BA", claims={"a": svc})`, `token: claims: a process has no JSON form`},
		{`token_profile("user", user="stranger")`, `token_profile: user: `},
		{`process("p", alice, sd="O:")`, `sd: .*SDDL`}, {`process("p")`, `process: missing argument for token`},
		{`fault("x", -1)`, `fault: count: want 0 or more, got -1`},
		{`token_object(alice, sd="O:")`, `sd: .*SDDL`}, {`security_attributes(sd="O:")`, `sd: .*SDDL`},
		{`file("f", sd="D:", type="Key")`, `file: type "Key": only File objects can be made`},
		{`object_attributes(attributes="x")`, `attributes: want a number, got "x"`},
		{`object_attributes(attributes=1 << 32)`, `attributes: 4294967296 does not fit into 32 bits`},
		{`object_attributes(root="x")`, `root: want a handle, got "x"`},
		{`object_attributes(sd="O:")`, `sd: .*SDDL`},
		{`sqos("high")`, `sqos: level: want a level`}, {`sqos(1 << 32)`, `sqos: level: want a level`},
		{`token_with(alice, SessionId=1 << 32)`, `SessionId: 4294967296 does not fit into 32 bits`},
		{`token_with(alice, AuthenticationId=-1)`, `AuthenticationId: want a number, got -1`},
		{`privilege_set(["SeGodPrivilege"])`, `SeGodPrivilege`}, {`privilege_set(7)`, `want privilege names`},
		{`job()`, `job: want a process and flags`}, {`job(alice)`, `job: want a process, got token`},
		{`job(svc, 16)`, `job: no limit 16`}, {`job(svc, JobToken=alice)`, `token object`},
		{`job(svc, "FILTER_TOKENS", SidsToDisable=["XX"])`, `job: .*XX`},
		{`job(svc, "FILTER_TOKENS", RestrictedSids=["XX"])`, `job: .*XX`},
		{`job(svc, "FILTER_TOKENS", PrivilegesToDelete=["SeGodPrivilege"])`, `job: .*SeGodPrivilege`},
		{`job_security_limits(JobToken="x")`, `JobToken: want a handle`},
		{`job_security_limits(SidsToDisable=["XX"])`, `XX`}, {`job_security_limits(RestrictedSids=["XX"])`, `XX`},
		{`job_security_limits(PrivilegesToDelete=["SeGodPrivilege"])`, `PrivilegesToDelete: .*SeGodPrivilege`},
		{`process_by_id("x")`, `want a handle`}, {`process_by_id(3)`, `process_by_id: no process has the id 3`},
		{`handle_information(th, "x")`, `want a handle, got "x"`},
		{`audit_policy({"Nonsense": "success"})`, `audit_policy: .*Nonsense`},
		{`audit_policy({"File System": ["success"]})`, `audit_policy: File System: want a string, got list`},
		{`audit_policy({7: "success"})`, `audit_policy: 7: want a string, got int`},
		{`audit_policy({"File System": "sometimes"})`, `audit_policy: File System: "sometimes": want success, failure`},
		{`package_sid("")`, `package_sid: want a name of 1 to \d+ letters`}, {`package_sid(65 * "a")`, `1 to 64`},
		{`capability_sid("")`, `want a name`}, {`package_directory(svc)`, `the token of S-1-5-20 is of no AppContainer`},
		{`queue_system_work(th, lambda w, r: queue_system_work(th, lambda w, r: None))`,
			`queue_system_work: work in the queue cannot wait for other work`},
		{`th.LsaLogonUser(LogonType=2, AuthenticationInformation="x")`, `AuthenticationInformation: want a dict`},
		{`th.LsaLogonUser(LogonType=2, AuthenticationInformation={"MessageType": "x"})`, `MessageType: want a number`},
		{`th.LsaLogonUser(LogonType=2, AuthenticationInformation={"MessageType": 1 << 32})`,
			`MessageType: 4294967296 does not fit into 32 bits`},
		{`th.LsaLogonUser(LogonType=2, AuthenticationInformation={"Name": "x"})`, `no field "Name"`},
		{`th.LsaLogonUser(LogonType=2, AuthenticationInformation={"UserName": 7})`, `UserName: want a string, got int`},
		{`th.ImpersonateSelf(SecurityIdentification)`, `ImpersonateSelf takes its parameters by name`},
		{`th.ImpersonateSelf(ImpersonationLevel="x")`, `ImpersonateSelf: ImpersonationLevel: want a number`},
		{`th.NtOpenFile(ObjectAttributes=7)`, `ObjectAttributes: want object_attributes\(…\) or None, got int`},
		{`th.NtOpenProcessToken(ProcessHandle=bad_pointer())`, `ProcessHandle: not a pointer parameter`},
		{`th.NtSetInformationObject(Handle=4, ObjectInformationClass=4, ObjectInformation=7)`,
			`want {"Inherit": True, "ProtectFromClose": False}, got int`},
		{`th.NtOpenFile(ObjectName="f", Attributes=1 << 32)`, `Attributes: 4294967296 does not fit into 32 bits`},
		{`k.PsReferencePrimaryToken()`, `PsReferencePrimaryToken: Process is missing, and the call requires it`},
		{`k.PsReferencePrimaryToken(Process=None)`, `Process: want a process, got NoneType`},
		{`k.PsReferencePrimaryToken(Process=th)`, `Process: want a process, got thread`},
		{`k.SeReleaseSubjectContext(SubjectContext=k.SeCreateClientSecurity(ClientThread=th,
    ClientSecurityQos=sqos(SecurityImpersonation)).ClientContext)`,
			`want a SECURITY_SUBJECT_CONTEXT that a routine returned, or None, got SECURITY_CLIENT_CONTEXT`},
		{`k.ObDereferenceObject()`, `Object is missing, and the call requires it`},
		{`th.NtQuerySecurityAttributesToken(TokenHandle=4, Attributes=[7])`, `Attributes: want a string, got int`},
		{`th.NtAdjustTokenClaimsAndDeviceGroups(TokenHandle=4, NewUserState=[{"type": "string"}])`,
			`NewUserState: a claim needs a name`},
		{`th.NtAdjustTokenClaimsAndDeviceGroups(TokenHandle=4, NewUserState=[th.NtClose(Handle=4)])`,
			`NewUserState: "NtClose" struct has no .Name attribute`},
		{`th.NtAdjustTokenClaimsAndDeviceGroups(TokenHandle=4, NewUserState=[{"name": 7}])`,
			`NewUserState: want a string, got int`},
		{`th.NtAdjustTokenClaimsAndDeviceGroups(TokenHandle=4, NewUserState=[{"name": "a", "flags": "x"}])`,
			`NewUserState: want a number, got "x"`},
		{`th.NtAdjustTokenClaimsAndDeviceGroups(TokenHandle=4, NewUserState=[{"name": "a", "type": 7}])`,
			`NewUserState: want a string, got int`},
		{`th.NtAdjustTokenClaimsAndDeviceGroups(TokenHandle=4, NewUserState=[{"name": "a", "type": "x", "values": []}])`,
			`claim a: want a type such as int64, uint64, string, sid, boolean or octets`},
		{`th.NtAdjustTokenClaimsAndDeviceGroups(TokenHandle=4, NewUserState=[{"name": "a", "type": "octets",
    "values": ["0g"]}])`, `invalid byte`},
		{`th.NtDuplicateToken(ExistingTokenHandle=4, EffectiveOnly=1)`, `EffectiveOnly: want True or False, got int`},
		{`th.NtClose(Handle=1 << 64)`, `Handle: want a handle`},
		{`th.NtSetInformationToken(TokenHandle=4, TokenInformationClass=TokenSessionId, TokenInformation=1 << 32)`,
			`4294967296 does not fit into 32 bits`},
		{`th.NtSetInformationToken(TokenHandle=4, TokenInformationClass=TokenOwner, TokenInformation="WD")
th.NtSetInformationToken(TokenHandle=4, TokenInformation="WD")`, `:6:.*TokenInformation: want a number, got "WD"`},
		{`th.NtSetInformationToken(TokenHandle=4, TokenInformationClass=TokenAuditPolicy, TokenInformation=7)`,
			`want a string, got int`},
		{`th.NtSetInformationToken(TokenHandle=4, TokenInformationClass=TokenSecurityAttributes, TokenInformation=[7])`,
			`want \(operation, attribute\), got 7`},
		{`th.NtSetInformationToken(TokenHandle=4, TokenInformationClass=TokenSecurityAttributes,
    TokenInformation=[(7, {"name": "a"})])`, `want a string, got int`},
		{`th.NtSetInformationToken(TokenHandle=4, TokenInformationClass=TokenSecurityAttributes,
    TokenInformation=[("KEEP", {"name": "a"})])`, `no operation KEEP: want ADD, DELETE, REPLACE or REPLACE_ALL`},
		{`th.NtSetInformationToken(TokenHandle=4, TokenInformationClass=TokenSecurityAttributes,
    TokenInformation=[("ADD", 7)])`, `want a claim such as`},
		{`th.NtAdjustPrivilegesToken(TokenHandle=4, NewState={"SeBackupPrivilege": 1 << 32})`, `does not fit into 32`},
		{`th.NtAdjustPrivilegesToken(TokenHandle=4, NewState={"SeGodPrivilege": 2})`, `SeGodPrivilege`},
		{`th.NtAdjustGroupsToken(TokenHandle=4, NewState=[("BA", 0, 0)])`, `want \(SID, attributes\), got`},
		{`th.NtAdjustGroupsToken(TokenHandle=4, NewState=[("BA", "x")])`, `NewState: want a number, got "x"`},
		{`th.NtAdjustGroupsToken(TokenHandle=4, NewState={7: 0})`, `NewState: want a string, got int`},
		{`k.SeRegisterLogonSessionTerminatedRoutine(CallbackRoutine=7)`, `want a function of one parameter, got int`},
		{`k.PsAssignImpersonationToken(Thread=7)`, `Thread: want a thread, got int`},
		{`k.SeAccessCheck(AccessMode="x")`, `AccessMode: want KernelMode or UserMode, got "x"`},
	} {
		out, err, _ := run(t, script.Config{Quiet: true}, prelude+c.program)
		if err == nil || errors.Is(err, script.ErrExpectation) || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s:\n got %v\nwant %s\n%s", c.program, err, c.want, out)
		}
	}
}

// A Win32 function is one line of JSON with its result, its last error, and its service calls.
func TestWin32FunctionIsOneJSONLine(t *testing.T) {
	out := mustRun(t, script.Config{JSON: true}, prelude+`
th.ImpersonateSelf(ImpersonationLevel=SecurityIdentification)
r = th.OpenThreadToken(ThreadHandle=NtCurrentThread(), DesiredAccess=TOKEN_QUERY, OpenAsSelf=True)
th.SetThreadToken(Thread=None, Token=None)
th.NtClose(Handle=r.TokenHandle)
th.OpenProcessToken(ProcessHandle=400, DesiredAccess=TOKEN_QUERY)
`)
	lines := slices.DeleteFunc(objects(t, out), func(l map[string]any) bool { return l["call"] == "NtClose" })
	check.RequireThat(t, len(lines) == 4, "%d lines, want 4\n%s", len(lines), out)
	for i, want := range []struct {
		call, lastError, status string
		result                  bool
		in, out                 string
	}{
		{"ImpersonateSelf", "ERROR_SUCCESS", "STATUS_SUCCESS", true,
			`{"ImpersonationLevel":"SecurityIdentification"}`, `{}`},
		{"OpenThreadToken", "ERROR_SUCCESS", "STATUS_SUCCESS", true,
			`{"DesiredAccess":"TOKEN_QUERY","OpenAsSelf":"True","ThreadHandle":"NtCurrentThread()"}`,
			`{"TokenHandle":"0x4"}`},
		{"SetThreadToken", "ERROR_SUCCESS", "STATUS_SUCCESS", true, `{"Thread":"NULL","Token":"NULL"}`, `{}`},
		{"OpenProcessToken", "ERROR_INVALID_HANDLE", "STATUS_INVALID_HANDLE", false,
			`{"DesiredAccess":"TOKEN_QUERY","ProcessHandle":"0x190"}`, `null`},
	} {
		l := lines[i]
		in, _ := json.Marshal(l["in"])
		out, _ := json.Marshal(l["out"])
		check.That(t, l["thread"] == "server/1" && l["call"] == want.call && l["lastError"] == want.lastError &&
			l["status"] == want.status && l["result"] == want.result && string(in) == want.in &&
			string(out) == want.out, "%v: in %s, out %s, want %+v", l, in, out, want)
	}
	if why := fmt.Sprint(lines[3]["why"]); !strings.Contains(why, "the value is not a valid handle") &&
		!strings.Contains(why, "ProcessHandle is not a valid handle") {
		t.Errorf("reason of the failed open = %s, want an invalid handle", why)
	}
}
