package kernel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// names knows every account.
type names struct{}

func (names) Account(s sid.SID) (name, domain string, ok bool) {
	return "name of " + s.String(), "domain", true
}

// TestServicesLeaveRecords: a privilege that was adjusted, a process that was made, one
// that was given a token, and a logon are each one record, which names the process that
// called and the one that it is about; a call that changed nothing leaves no record (U-20,
// U-78, L-48).
func TestServicesLeaveRecords(t *testing.T) {
	m := audit.NewMemory(0, 0)
	sys, th := logons(t, m, 0)
	policy, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.ProcessCreation: audit.OnBoth, audit.TokenRightAdjusted: audit.OnBoth, audit.Logon: audit.OnBoth}})
	if err != nil {
		t.Fatal(err)
	}
	sys.Audit().Policy.Store(policy)
	own := sys.ThreadObject(th).Process()
	caller := fmt.Sprintf("%#x winlogon S-1-5-18", uint64(own.ID()))
	check := func(what string, st ntstatus.Status, fields []string, want ...string) {
		t.Helper()
		got := said(m, append([]string{"ProcessId", "ProcessName", "SubjectUserSid"}, fields...)...)
		if st != ntstatus.Success || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %q, want %q", what, st, got, want)
		}
	}
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	check("opened", st, nil)
	off := []nt.LUIDAndAttributes{{LUID: winnt.SeDebugPrivilege.LUID()}}
	adjusted := []string{"TargetUserSid", "EnabledPrivilegeList", "DisabledPrivilegeList"}
	_, st = th.NtAdjustPrivilegesToken(h, false, off, false)
	check("disabled", st, adjusted, "4703 "+caller+" S-1-5-18 - SeDebugPrivilege")
	_, st = th.NtAdjustPrivilegesToken(h, false, off, false)
	check("disabled again", st, adjusted)
	off[0].Attributes = winnt.SE_PRIVILEGE_ENABLED
	_, st = th.NtAdjustPrivilegesToken(h, false, off, false)
	check("enabled", st, adjusted, "4703 "+caller+" S-1-5-18 SeDebugPrivilege -")

	out, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED})
	made := []string{"NewProcessId", "TargetUserSid", "ParentProcessName"}
	child := fmt.Sprintf("%#x", uint64(out.ClientID.UniqueProcess))
	// 4688 has the parent's name in a field of its own and no ProcessName.
	check("made", st, made, fmt.Sprintf("4688 %#x S-1-5-18 %s S-1-5-18 winlogon", uint64(own.ID()), child))
	st = th.NtSetInformationProcess(out.ProcessHandle, nt.ProcessAccessToken, h)
	check("assigned", st, []string{"TargetUserSid", "TargetProcessId"}, "4696 "+caller+" S-1-5-18 "+child)
	st = th.NtSetInformationProcess(out.ProcessHandle, nt.ProcessAccessToken, out.ProcessHandle)
	if st != ntstatus.ObjectTypeMismatch || len(said(m)) != 0 {
		t.Errorf("a process for a token: %v, recorded", st)
	}

	_, st = logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK)
	who := []string{"TargetUserSid", "LogonProcessName"}
	check("logged on", st, who, "4624 "+caller+" S-1-5-21-1-2-3-1001 LsaLogonUser")
	sys.Audit().Names = names{}
	_, st = logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK)
	check("named", st, []string{"TargetUserName", "TargetDomainName", "SubjectUserName"},
		"4624 "+caller+" name of S-1-5-21-1-2-3-1001 domain name of S-1-5-18")
	sys.Audit().Names = nil
	_, st = logOn(th, "User", "wrong", winnt.LOGON32_LOGON_NETWORK)
	if st != ntstatus.LogonFailure {
		t.Error(st)
	}
	check("refused", 0, who, "4625 "+caller+" S-1-5-21-1-2-3-1001 LsaLogonUser")
}
