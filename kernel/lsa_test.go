package kernel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A logon session lives as long as its tokens. So does the linked session of an administrator. If no process took the
// token, the returned end function ends them, and a failed logon creates none (L-10).
func TestLogonSessionEndsWithItsTokens(t *testing.T) {
	authority := logon.Example(sid.SID{})
	s := kernel.Boot(kernel.Config{LSA: authority})
	defer s.Close()
	r := check.Result(authority.LogOn(logon.Request{Package: logon.Password, Type: winnt.LOGON32_LOGON_INTERACTIVE,
		Name: "Administrator", Password: logon.ExamplePassword}))
	k := check.Must(s.SystemThread())
	alive := func(id winnt.LUID) bool {
		return k.SeMarkLogonSessionForTerminationNotification(id) == ntstatus.Success
	}
	unused, end, err := s.LogOn(r)
	check.RequireThat(t, err == nil && alive(unused.AuthenticationID()),
		"LogOn: session %v is not alive (error %v), want it alive", unused.AuthenticationID(), err)
	end()
	check.That(t, !alive(unused.AuthenticationID()),
		"after end(), session %v of an unused token is alive, want it ended", unused.AuthenticationID())
	tok, end, err := s.LogOn(r)
	check.NoError(t, err)
	p := check.Must(s.NewProcess("shell", tok))
	end()
	id := tok.AuthenticationID()
	check.That(t, alive(id) && alive(id+1), "a process has the token, but one of its sessions %v and %v ended", id, id+1)
	p.Close()
	check.That(t, !alive(id) && !alive(id+1), "no process has the token, but one of its sessions %v and %v is alive", id,
		id+1)
	if _, _, err := s.LogOn(logon.Result{}); err == nil {
		t.Error("LogOn with a zero logon.Result: no error, want one")
	}
	check.NoError(t, s.Close())
}

// A kernel without a logon authority knows the well-known names and lets nobody log on.
func TestKernelWithoutAuthorityRefusesLogons(t *testing.T) {
	s := boot(t, kernel.Config{})
	p := check.Must(s.NewProcess("p", system(t)))
	th := check.Must(p.NewThread())
	h, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	names, look := th.LsaLookupSids(h, sid.LocalSystem, sid.SID{})
	if st != 0 || look != ntstatus.SomeNotMapped || names.Names[0].Name != "SYSTEM" ||
		names.Names[1].Use != winnt.SidTypeInvalid {
		t.Errorf("LsaLookupSids of SYSTEM and of no SID: LsaOpenPolicy %v, lookup %v, %+v; want %v, %v, SYSTEM "+
			"and an invalid name", st, look, names, ntstatus.Success, ntstatus.SomeNotMapped)
	}
	_, end, err := s.LogOn(logon.Result{})
	check.ErrorIs(t, err, ntstatus.InvalidSID.Err(), "LogOn of no result")
	end() // does nothing
	for _, message := range []uint32{nt.InteractiveLogon, nt.S4ULogon} {
		check.Equal(t, check.Status(th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: message, UserName: "User",
				Password: logon.ExamplePassword}})), ntstatus.LogonFailure,
			"LsaLogonUser with message type %d", message)
	}
}

// system returns the token of LocalSystem.
func system(t *testing.T) *token.Token {
	t.Helper()
	return check.Must(token.New(token.LocalSystem()))
}

// LsaOpenPolicy checks the impersonated client (L-40) for the requested access and accepts only names of this computer
// (L-43). LsaLogonUser accepts two message types (L-42).
func TestPolicyAndLogonInputsAreChecked(t *testing.T) {
	s := boot(t, kernel.Config{LSA: logon.Example(sid.SID{})})
	p := check.Must(s.NewProcess("p", system(t)))
	th := check.Must(p.NewThread())
	call := th.Services()
	opens := func(name string, desired winnt.AccessMask, want ntstatus.Status) winnt.Handle {
		t.Helper()
		out, st := call.LsaOpenPolicy(nt.LsaOpenPolicyIn{SystemName: name, DesiredAccess: desired})
		check.Equal(t, st, want, "LsaOpenPolicy(%q) for %v", name, desired)
		return out.PolicyHandle
	}
	opens("REFMON", winnt.POLICY_LOOKUP_NAMES, ntstatus.Success)
	opens("BUILTIN", winnt.POLICY_LOOKUP_NAMES, ntstatus.ObjectNameNotFound)
	self := nt.ImpersonateAnonymousTokenIn{ThreadHandle: winnt.NtCurrentThread}
	check.Require(t, check.Status(call.NtImpersonateAnonymousToken(self)), ntstatus.Success,
		"NtImpersonateAnonymousToken")
	opens("", winnt.POLICY_LOOKUP_NAMES, ntstatus.AccessDenied) // L-40: Anonymous, in a process of another user
	check.Require(t, th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0), ntstatus.Success,
		"NtSetInformationThread")
	opens("", winnt.POLICY_LOOKUP_NAMES, ntstatus.Success)
	for m := range uint32(32) {
		in := nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: nt.LogonInformation{
			MessageType: m, UserName: "User", Password: logon.ExamplePassword}}
		_, st := call.LsaLogonUser(in)
		if served := m == nt.InteractiveLogon || m == nt.S4ULogon; (st == ntstatus.BadValidationClass) == served {
			t.Errorf("L-42: message type %d: %v, want the type accepted: %t", m, st, served)
		}
	}
}

// full is an audit sink that fails every write.
type full struct{}

func (full) Write(audit.Event) error { return errors.New("the disk is full") }

// logons boots a kernel with the accounts of logon.Example that records logons. It returns the kernel and a thread of
// LocalSystem.
func logons(t *testing.T, sink audit.Sink, fails audit.CrashOnAuditFail) (*kernel.System, *nt.Thread) {
	t.Helper()
	p := check.Must(audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth, audit.Logoff: audit.OnBoth,
			audit.SpecialLogon: audit.OnBoth}, Options: audit.Options{CrashOnAuditFail: fails}}))
	log := &audit.Log{Sink: sink}
	log.Policy.Store(p)
	s := boot(t, kernel.Config{LSA: logon.Example(sid.SID{}), Log: log})
	process := check.Must(s.NewProcess("winlogon", system(t)))
	return s, check.Must(process.NewThread())
}

func logOn(th *nt.Thread, name, password string, typ winnt.LogonType) (winnt.Handle, ntstatus.Status) {
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: typ, AuthenticationInformation: nt.LogonInformation{
		MessageType: nt.InteractiveLogon, UserName: name, Password: logon.Secret(password)}})
	return out.Token, st
}

// drain returns and removes the records in m, each as its event id and the given fields.
func drain(m *audit.Memory, fields ...string) (out []string) {
	for _, e := range m.Drain() {
		text := fmt.Sprint(e.ID)
		for _, f := range fields {
			if v, ok := e.Field(f); ok {
				text += " " + v
			}
		}
		out = append(out, text)
	}
	return out
}

// Each token of a linked pair has a logon record. A token's sensitive privileges are recorded right after its logon.
// The end of each session is recorded (L-48).
func TestLogonAndLogoffAreRecorded(t *testing.T) {
	m := audit.NewMemory(0, 0)
	_, th := logons(t, m, 0)
	h, st := logOn(th, "Administrator", string(logon.ExamplePassword), winnt.LOGON32_LOGON_INTERACTIVE)
	check.Require(t, st, ntstatus.Success, "logon")
	var ids, linked []string
	for e := range m.Events() {
		if id, ok := e.Field("TargetLogonId"); ok {
			other, _ := e.Field("TargetLinkedLogonId")
			ids, linked = append(ids, id), append(linked, other)
		}
	}
	check.That(t, len(ids) == 2 && ids[0] != ids[1] && linked[0] == ids[1] && linked[1] == ids[0],
		"L-48: logons %q name %q as their linked logons, want two logons that name each other", ids, linked)
	got := drain(m, "SubjectUserSid", "TargetUserSid", "LogonType", "ElevatedToken", "AuthenticationPackageName")
	want := []string{"4624 S-1-5-18 S-1-5-21-1-2-3-500 2 %%1842 password", "4672 S-1-5-21-1-2-3-500",
		"4624 S-1-5-18 S-1-5-21-1-2-3-500 2 %%1843 password"}
	check.SlicesEqual(t, got, want, "L-48: records of an administrator's logon")
	check.Require(t, th.NtClose(h), ntstatus.Success, "NtClose")
	want = []string{"4634 S-1-5-21-1-2-3-500 2", "4634 S-1-5-21-1-2-3-500 2"}
	check.SlicesEqual(t, drain(m, "TargetUserSid", "LogonType"), want,
		"L-48: records after the administrator's token was closed")
	h, st = logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK)
	got = drain(m, "TargetUserSid", "LogonType", "TargetLinkedLogonId")
	check.That(t, st == 0 && slices.Equal(got, []string{"4624 S-1-5-21-1-2-3-1001 3 0x0"}),
		"L-48: a user's logon: %v, records %q; want %v and one 4624 without a linked logon", st, got, ntstatus.Success)
	if st := th.NtClose(h); st != ntstatus.Success || len(drain(m)) != 1 {
		t.Errorf("L-48: NtClose of the user's token = %v, want %v and one record", st, ntstatus.Success)
	}
}

// If the audit policy is to fail when a record cannot be written, a logon without its record fails and leaves no
// session (L-48).
func TestLogonFailsWithoutItsRecord(t *testing.T) {
	s, th := logons(t, full{}, audit.FailOnAuditFail)
	before := counts(s)
	h, st := logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK)
	check.That(t, h == 0 && st == ntstatus.AuditFailed,
		"L-48: LsaLogonUser when its record cannot be written: handle %v, %v; want 0, %v", h, st, ntstatus.AuditFailed)
	check.Equal(t, counts(s), before, "objects, handles and references after the failed logon")
	r, _ := logon.Example(sid.SID{}).LogOn(logon.Request{Package: logon.Password,
		Type: winnt.LOGON32_LOGON_NETWORK, Name: "User", Password: logon.ExamplePassword})
	tok, end, err := s.LogOn(r)
	check.NoError(t, err)
	defer end()
	check.Equal(t, s.RecordLogon(kernel.LogonSource{}, winnt.LOGON32_LOGON_NETWORK, tok), ntstatus.AuditFailed,
		"RecordLogon to a full disk")
	s.RecordRefusedLogon(kernel.LogonSource{}, winnt.LOGON32_LOGON_NETWORK, r.Account, ntstatus.LogonFailure)
}

func counts(s *kernel.System) [3]int64 {
	o, h, n := s.Counts()
	return [3]int64{o, h, n}
}

// A caller with SeTcbPrivilege or SeImpersonatePrivilege may set the origin of a logon. The kernel ignores an origin
// from other callers, so that they cannot invent addresses and get a separate limit for each (L-64).
func TestOriginNameNeedsTrustedCaller(t *testing.T) {
	m := audit.NewMemory(0, 0)
	_, th := logons(t, m, 0)
	ask := func(th *nt.Thread, origin, password string) ntstatus.Status {
		_, st := th.LsaLogonUser(nt.LsaLogonUserIn{OriginName: origin, LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "User",
				Password: logon.Secret(password)}})
		return st
	}
	one := func(th *nt.Thread, origin, password, want string) {
		t.Helper()
		ask(th, origin, password)
		if got := drain(m, "IpAddress"); len(got) == 0 || got[0] != want {
			t.Errorf("L-64: LsaLogonUser with origin %q: records %q, want first %q", origin, got, want)
		}
	}
	word := string(logon.ExamplePassword)
	one(th, "192.0.2.7", word, "4624 192.0.2.7")
	one(th, "192.0.2.7", "wrong", "4625 192.0.2.7")
	one(th, "", word, "4624 -")
	one(th, "a\nb", word, "4624 a\ufffdb")
	check.Equal(t, ask(th, strings.Repeat("a", 256), word), ntstatus.InvalidParameter, "L-64: origin of 256 bytes")
	check.Equal(t, ask(th, strings.Repeat("a", 255), word), ntstatus.Success, "L-64: origin of 255 bytes")
	m.Drain()
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	for _, c := range []struct {
		tcb, impersonate uint32
		want             string
	}{{0, winnt.SE_PRIVILEGE_ENABLED, "192.0.2.7"}, {winnt.SE_PRIVILEGE_ENABLED, 0, "192.0.2.7"}, {0, 0, "-"}} {
		check.Require(t, check.Status(th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{
			{LUID: winnt.SeTcbPrivilege.LUID(), Attributes: c.tcb},
			{LUID: winnt.SeImpersonatePrivilege.LUID(), Attributes: c.impersonate}}, false)), ntstatus.Success,
			"NtAdjustPrivilegesToken")
		one(th, "192.0.2.7", word, "4624 "+c.want)
		m.Drain()
		one(th, "192.0.2.7", "wrong", "4625 "+c.want)
	}
}

// names resolves every SID to an account.
type names struct{}

func (names) Account(s sid.SID) (name, domain string, ok bool) {
	return "name of " + s.String(), "domain", true
}

// Adjusting a privilege, creating a process, assigning its token and logging on are each recorded once, with the
// calling process and the target. A call that changes nothing leaves no record (U-20, U-78, L-48).
func TestServicesRecordOnlyChanges(t *testing.T) {
	m := audit.NewMemory(0, 0)
	sys, th := logons(t, m, 0)
	policy := check.Must(audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.ProcessCreation: audit.OnBoth, audit.TokenRightAdjusted: audit.OnBoth, audit.Logon: audit.OnBoth}}))
	sys.Audit().Policy.Store(policy)
	own := sys.ThreadObject(th).Process()
	caller := fmt.Sprintf("%#x winlogon S-1-5-18", uint64(own.ID()))
	wrote := func(what string, st ntstatus.Status, fields []string, want ...string) {
		t.Helper()
		got := drain(m, append([]string{"ProcessId", "ProcessName", "SubjectUserSid"}, fields...)...)
		check.That(t, st == ntstatus.Success && slices.Equal(got, want),
			"%s: %v, records %q; want %v, %q", what, st, got, ntstatus.Success, want)
	}
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	wrote("NtOpenProcessToken", st, nil)
	off := []nt.LUIDAndAttributes{{LUID: winnt.SeDebugPrivilege.LUID()}}
	adjusted := []string{"TargetUserSid", "EnabledPrivilegeList", "DisabledPrivilegeList"}
	_, st = th.NtAdjustPrivilegesToken(h, false, off, false)
	wrote("disable a privilege", st, adjusted, "4703 "+caller+" S-1-5-18 - SeDebugPrivilege")
	wrote("disable it again", check.Status(th.NtAdjustPrivilegesToken(h, false, off, false)), adjusted)
	off[0].Attributes = winnt.SE_PRIVILEGE_ENABLED
	_, st = th.NtAdjustPrivilegesToken(h, false, off, false)
	wrote("enable it", st, adjusted, "4703 "+caller+" S-1-5-18 SeDebugPrivilege -")

	out, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED})
	made := []string{"NewProcessId", "TargetUserSid", "ParentProcessName"}
	child := fmt.Sprintf("%#x", uint64(out.ClientID.UniqueProcess))
	// Record 4688 has the parent's name in its own field, and no ProcessName.
	wrote("create a process", st, made, fmt.Sprintf("4688 %#x S-1-5-18 %s S-1-5-18 winlogon", uint64(own.ID()), child))
	st = th.NtSetInformationProcess(out.ProcessHandle, nt.ProcessAccessToken, h)
	wrote("assign a process token", st, []string{"TargetUserSid", "TargetProcessId"}, "4696 "+caller+" S-1-5-18 "+child)
	st = th.NtSetInformationProcess(out.ProcessHandle, nt.ProcessAccessToken, out.ProcessHandle)
	check.That(t, st == ntstatus.ObjectTypeMismatch && len(drain(m)) == 0,
		"assigning a process handle as a token: %v, want %v and no record", st, ntstatus.ObjectTypeMismatch)

	_, st = logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK)
	who := []string{"TargetUserSid", "LogonProcessName"}
	wrote("log on", st, who, "4624 "+caller+" S-1-5-21-1-2-3-1001 LsaLogonUser")
	sys.Audit().Names = names{}
	_, st = logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK)
	wrote("log on with account names", st, []string{"TargetUserName", "TargetDomainName", "SubjectUserName"},
		"4624 "+caller+" name of S-1-5-21-1-2-3-1001 domain name of S-1-5-18")
	sys.Audit().Names = nil
	_, st = logOn(th, "User", "wrong", winnt.LOGON32_LOGON_NETWORK)
	check.Equal(t, st, ntstatus.LogonFailure, "LsaLogonUser with a wrong password")
	wrote("log on with a wrong password", 0, who, "4625 "+caller+" S-1-5-21-1-2-3-1001 LsaLogonUser")
}

// Anonymous tokens have the group Everyone exactly while the policy says so, which is off at first (I-74).
func TestAnonymousTokenFollowsEveryonePolicy(t *testing.T) {
	sys, th := userThread(t, token.LocalSystem())
	for _, on := range []bool{false, true, false} {
		if on {
			sys.SetEveryoneIncludesAnonymous(true)
		}
		check.Success(t, th.NtImpersonateAnonymousToken(winnt.NtCurrentThread))
		acting, _ := sys.Acting(sys.KernelMode(th).Thread().ID())
		check.Equal(t, acting.User, sid.Anonymous, "user of the anonymous token")
		everyone := false
		for _, g := range acting.Token.Groups() {
			everyone = everyone || g.SID == sid.Everyone
		}
		check.Equal(t, everyone, on, "I-74: the anonymous token has Everyone")
		sys.KernelMode(th).PsRevertToSelf()
		sys.SetEveryoneIncludesAnonymous(false)
	}
}
