package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TC-41, T-80: a ReturnLength that cannot be written comes before the handle
// and after the class.
func TestQueryProbesFirst(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("server"))
	for _, c := range []struct {
		class winnt.TokenInfoClass
		want  ntstatus.Status
	}{
		{0, ntstatus.InvalidInfoClass},
		{winnt.TokenUser, ntstatus.AccessViolation},
		{winnt.TokenSessionReference, ntstatus.AccessViolation},
	} {
		_, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{
			TokenHandle: 0xDEAD0, TokenInformationClass: c.class, FaultReturnLength: ntstatus.AccessViolation})
		if st != c.want {
			t.Errorf("class %s: %s, want %s", c.class, st, c.want)
		}
	}
}

// T-102: a privilege counts enabled in the effective token, at
// SecurityImpersonation at least, and always in kernel mode. What it opens
// here is ACCESS_SYSTEM_SECURITY (O-30).
func TestPrivilegesThatCount(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	if err := w.sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")); err != nil {
		t.Fatal(err)
	}
	open := func(th *nt.Thread) ntstatus.Status {
		h, st := th.NtOpenFile(winnt.ACCESS_SYSTEM_SECURITY, &nt.ObjectAttributes{ObjectName: "f"}, 0, 0)
		if st == ntstatus.Success {
			th.NtClose(h)
		}
		return st
	}
	th, k := w.thread(w.process("server", winnt.SeImpersonatePrivilege, winnt.SeSecurityPrivilege))
	if st := open(th); st != ntstatus.Success {
		t.Errorf("with the privilege: %s", st)
	}
	for _, c := range []struct {
		name string
		tok  *kernel.AccessToken
		want ntstatus.Status
	}{
		{"the client lacks it", w.token(k, client, winnt.SecurityImpersonation), ntstatus.PrivilegeNotHeld},
		{"the client holds it", w.token(k, client, winnt.SecurityImpersonation, winnt.SeSecurityPrivilege),
			ntstatus.Success},
		{"the client holds it and only identifies",
			w.token(k, client, winnt.SecurityIdentification, winnt.SeSecurityPrivilege), ntstatus.PrivilegeNotHeld},
	} {
		k.PsImpersonateClient(k.Thread(), c.tok, false, false, winnt.SecurityDelegation)
		if st := open(th); st != c.want {
			t.Errorf("%s: %s, want %s", c.name, st, c.want)
		}
		if st := open(k.Zw()); st != ntstatus.Success {
			t.Errorf("%s, in kernel mode: %s", c.name, st)
		}
	}
}

// O-4: a service does not write into what it was given, and what it returns is
// not the caller's memory.
func TestInputsAreCopied(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("server", winnt.SeShutdownPrivilege))
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	set := &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeShutdownPrivilege.LUID()}}}
	found, ok, st := th.NtPrivilegeCheck(h, set)
	if !ok || st != ntstatus.Success || set.Privilege[0].Attributes != 0 ||
		found.Privilege[0].Attributes != winnt.SE_PRIVILEGE_USED_FOR_ACCESS {
		t.Errorf("privilege check: %t %s, set now %+v, found %+v", ok, st, set, found)
	}
	state := []nt.LUIDAndAttributes{{LUID: winnt.SeShutdownPrivilege.LUID()}}
	if _, st := th.NtAdjustPrivilegesToken(h, false, state, true); st != ntstatus.Success || state[0].Attributes != 0 {
		t.Errorf("adjust: %s, state now %+v", st, state)
	}
	q := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}
	oa := &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT, SecurityQualityOfService: q}
	if _, st := th.NtDuplicateToken(h, 0, oa, false, winnt.TokenImpersonation); st != ntstatus.Success ||
		oa.Attributes != winnt.OBJ_INHERIT || oa.SecurityQualityOfService != q ||
		*q != (nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}) {
		t.Errorf("duplicate: %s, attributes now %+v", st, oa)
	}
}

// The direct paths allocate nothing: opening and closing handles, setting and
// ending an impersonation.
func TestDirectPathsAllocateNothing(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeImpersonatePrivilege)
	th, k := w.thread(p)
	tok := w.token(k, client, winnt.SecurityImpersonation)
	k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation)
	h, st := k.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_IMPERSONATE, winnt.TokenObject, kernel.KernelMode)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"NtOpenThreadToken and NtClose", func() {
			h, _ := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
			th.NtClose(h)
		}},
		{"NtOpenProcessToken and NtClose", func() {
			h, _ := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
			th.NtClose(h)
		}},
		{"NtSetInformationThread, twice", func() {
			th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, h)
			th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0)
		}},
		{"a refused NtOpenThreadToken", func() {
			th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY,
				true)
		}},
		{"NtClose of nothing", func() { th.NtClose(0xDEAD0) }},
	} {
		if n := testing.AllocsPerRun(100, c.f); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}
