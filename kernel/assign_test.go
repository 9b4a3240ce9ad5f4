package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// If several inputs of a descriptor routine are unreadable, it returns the status of the first (O-3).
func TestFirstUnreadableInputIsReported(t *testing.T) {
	sys, th := threadOf(t, kernel.Config{}, token.LocalSystem())
	k := sys.KernelMode(th)
	status := func(n uint32) ntstatus.Status { return ntstatus.Status(0xE0000000 + n) }
	for i := uint32(1); i <= 4; i++ {
		var a kernel.SeAssignSecurityExIn
		var s kernel.SeSetSecurityDescriptorInfoExIn
		for n, of := range map[uint32]*ntstatus.Status{1: &a.ParentDescriptor.Status, 2: &a.ExplicitDescriptor.Status,
			3: &a.ObjectType.Status, 4: &a.GenericMapping.Status} {
			if n >= i {
				*of = status(n)
			}
		}
		for n, of := range map[uint32]*ntstatus.Status{1: &s.ModificationDescriptor.Status,
			2: &s.ObjectsSecurityDescriptor.Status, 3: &s.GenericMapping.Status} {
			if n >= i {
				*of = status(n)
			}
		}
		check.Equal(t, check.Status(k.SeAssignSecurityEx(a)), status(i),
			"SeAssignSecurityEx with inputs %d to 4 unreadable", i)
		wanted := status(i)
		if i == 4 {
			wanted = ntstatus.InvalidSecurityDescr
		}
		check.Equal(t, check.Status(k.SeSetSecurityDescriptorInfoEx(s)), wanted,
			"SeSetSecurityDescriptorInfoEx with inputs %d to 3 unreadable", i)
	}
	d := sddl.MustParse("O:SYG:SYD:(A;;0x1;;;SY)")
	_, st := k.SeSetSecurityDescriptorInfoEx(kernel.SeSetSecurityDescriptorInfoExIn{ModificationDescriptor: nt.Cap(d)})
	check.Equal(t, st, ntstatus.NoSecurityOnObject,
		"SeSetSecurityDescriptorInfoEx without a descriptor of the object")
	out, st := k.SeSetSecurityDescriptorInfoEx(kernel.SeSetSecurityDescriptorInfoExIn{ModificationDescriptor: nt.Cap(d),
		SecurityInformation:       winnt.DACL_SECURITY_INFORMATION,
		ObjectsSecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;0x2;;;BA)"))})
	if text, _ := sddl.Format(out, sddl.Options{}); st != ntstatus.Success || text != "O:BAG:BAD:(A;;CC;;;SY)" {
		t.Errorf("SeSetSecurityDescriptorInfoEx with a new DACL: %s, %v; want O:BAG:BAD:(A;;CC;;;SY), %v", text, st,
			ntstatus.Success)
	}
}

// The token that decides which owners may be assigned is the client's while the thread impersonates, and otherwise
// the process's (S-61, S-73).
func TestOwnerDependsOnImpersonation(t *testing.T) {
	const server, client = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
	own := token.StandardUser(sid.MustParse(server))
	own.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	own.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	sys, th := userThread(t, own)
	k := sys.KernelMode(th)
	ask := func(owner string) ntstatus.Status {
		out, st := k.SeSetSecurityDescriptorInfoEx(kernel.SeSetSecurityDescriptorInfoExIn{
			SecurityInformation:       winnt.OWNER_SECURITY_INFORMATION,
			ModificationDescriptor:    nt.Cap(sddl.MustParse("O:" + owner)),
			ObjectsSecurityDescriptor: nt.Cap(sddl.MustParse("O:SYG:SYD:(A;;GA;;;SY)")),
			GenericMapping:            nt.Cap(winnt.FileObject.Mapping)})
		if st == ntstatus.Success && out.Owner() != sid.MustParse(owner) {
			t.Errorf("SeSetSecurityDescriptorInfoEx set the owner %v, want %s", out.Owner(), owner)
		}
		return st
	}
	want := func(who, own, other string) {
		t.Helper()
		check.Equal(t, ask(own), ntstatus.Success, "the %s sets its own user as the owner", who)
		check.Equal(t, ask(other), ntstatus.InvalidOwner, "the %s sets another user as the owner", who)
	}
	want("process", server, client)
	tok := must(token.New(token.StandardUser(sid.MustParse(client))))
	check.NoError(t, sys.As(th, tok, func() error {
		now, _ := sys.Acting(k.Thread().ID())
		check.RequireThat(t, now.Level >= winnt.SecurityImpersonation,
			"As: the thread acts at level %v, want at least %v", now.Level, winnt.SecurityImpersonation)
		want("client", client, server)
		return nil
	}))
	want("process, after As,", server, client)
}
