package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A token is opened with the attributes that are asked for, and by the forms without attributes
// with none: a child inherits no handle that its parent did not mean it to have (T-34, I-27).
func TestOpenedTokensAreInheritedAsAsked(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	flags := func(h winnt.Handle, st ntstatus.Status) nt.HandleFlagInformation {
		t.Helper()
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		x, st := th.NtQueryObject(h, nt.ObjectHandleFlagInformation)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		return x.(nt.HandleFlagInformation)
	}
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if got := flags(own, st); got != (nt.HandleFlagInformation{}) {
		t.Errorf("T-34: NtOpenProcessToken gives %+v", got)
	}
	oa := &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation}}
	imp, st := th.NtDuplicateToken(own, 0, oa, false, winnt.TokenImpersonation)
	if got := flags(imp, st); got != (nt.HandleFlagInformation{}) {
		t.Errorf("T-47: NtDuplicateToken gives %+v", got)
	}
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, imp); st != ntstatus.Success {
		t.Fatal(st)
	}
	if got := flags(th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)); got !=
		(nt.HandleFlagInformation{}) {
		t.Errorf("I-27: NtOpenThreadToken gives %+v", got)
	}
	for attributes, want := range map[uint32]bool{0: false, winnt.OBJ_INHERIT: true} {
		if got := flags(th.NtOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, attributes)); got.Inherit != want {
			t.Errorf("T-34: NtOpenProcessTokenEx with %#x gives %+v", attributes, got)
		}
		if got := flags(th.NtOpenThreadTokenEx(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true, attributes)); got.Inherit !=
			want {
			t.Errorf("I-27: NtOpenThreadTokenEx with %#x gives %+v", attributes, got)
		}
	}
}

// Who gives a duplicate a SACL needs SeSecurityPrivilege in the token that it acts with: that of the client,
// where it acts for one, and not that of its process (T-52).
func TestDuplicateSACLAsksTheClient(t *testing.T) {
	with := sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")
	for name, c := range map[string]struct{ server, client, want bool }{
		"both": {true, true, true}, "the client": {false, true, true}, "the server": {true, false, false},
	} {
		specOf := func(holds bool) token.Spec {
			s := token.LocalSystem()
			s.EnabledPrivileges = s.Privileges
			if !holds {
				s.Privileges &^= winnt.SeSecurityPrivilege.Bit()
				s.EnabledPrivileges = s.Privileges
			}
			return s
		}
		sys, th := userThread(t, specOf(c.server))
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		spec := specOf(c.client)
		spec.Type, spec.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
		v, err := token.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		k := sys.KernelMode(th)
		client := k.NewToken(v)
		st = k.PsImpersonateClient(sys.ThreadObject(th), client, false, false, winnt.SecurityImpersonation)
		k.PsDereferenceImpersonationToken(client)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		_, st = th.NtDuplicateToken(own, 0, &nt.ObjectAttributes{SecurityDescriptor: with}, false, winnt.TokenPrimary)
		if want := map[bool]ntstatus.Status{true: ntstatus.Success, false: ntstatus.PrivilegeNotHeld}[c.want]; st != want {
			t.Errorf("T-52: %s holds the privilege: %v, want %v", name, st, want)
		}
	}
}
