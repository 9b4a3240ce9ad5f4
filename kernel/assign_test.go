package kernel_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
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
	check.Equal(t, st, ntstatus.NoSecurityOnObject, "SeSetSecurityDescriptorInfoEx without a descriptor of the object")
	out, st := k.SeSetSecurityDescriptorInfoEx(kernel.SeSetSecurityDescriptorInfoExIn{ModificationDescriptor: nt.Cap(d),
		SecurityInformation:       winnt.DACL_SECURITY_INFORMATION,
		ObjectsSecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;0x2;;;BA)"))})
	text, _ := sddl.Format(out, sddl.Options{})
	check.That(t, st == ntstatus.Success && text == "O:BAG:BAD:(A;;CC;;;SY)",
		"SeSetSecurityDescriptorInfoEx with a new DACL: %s, %v; want O:BAG:BAD:(A;;CC;;;SY), %v", text, st,
		ntstatus.Success)
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
		check.That(t, st != ntstatus.Success || out.Owner() == sid.MustParse(owner),
			"SeSetSecurityDescriptorInfoEx set the owner %v, want %s", out.Owner(), owner)
		return st
	}
	want := func(who, own, other string) {
		t.Helper()
		check.Equal(t, ask(own), ntstatus.Success, "the %s sets its own user as the owner", who)
		check.Equal(t, ask(other), ntstatus.InvalidOwner, "the %s sets another user as the owner", who)
	}
	want("process", server, client)
	tok := check.Must(token.New(token.StandardUser(sid.MustParse(client))))
	check.NoError(t, sys.As(th, tok, func() error {
		now, _ := sys.Acting(k.Thread().ID())
		check.RequireThat(t, now.Level >= winnt.SecurityImpersonation,
			"As: the thread acts at level %v, want at least %v", now.Level, winnt.SecurityImpersonation)
		want("client", client, server)
		return nil
	}))
	want("process, after As,", server, client)
}

// SeAssignSecurityEx limits the mask of each effective entry to the rights of GENERIC_ALL (S-65). A subject context
// without a primary token counts as none (S-60).
func TestSeAssignSecurityExLimitsMasks(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k := check.Must(sys.SystemThread())
	s := k.SeCaptureSubjectContext()
	mapping := nt.Cap(winnt.GenericMapping{Read: 0x24001, Write: 0x26002, Execute: 0x25004, All: 0x1F800F})
	parent := sddl.MustParse("D:(A;CI;GRGX;;;WD)")
	in := kernel.SeAssignSecurityExIn{SubjectContext: s, GenericMapping: mapping, IsDirectoryObject: true}
	for _, c := range []struct {
		parent, explicit *sd.Descriptor
		want             winnt.AccessMask
	}{{nil, sddl.MustParse("D:(A;;GRGX;;;WD)"), 0x20005}, {parent, nil, 0x20005}} {
		in.ParentDescriptor, in.ExplicitDescriptor = nt.Cap(c.parent), nt.Cap(c.explicit)
		d, st := k.SeAssignSecurityEx(in)
		check.That(t, st == ntstatus.Success && d.DACL().Len() != 0 && d.DACL().At(0).Mask() == c.want,
			"S-65: SeAssignSecurityEx: %v, %x; want the first mask %#x", st, d.Binary(), uint32(c.want))
	}
	released := k.SeCaptureSubjectContext()
	k.SeReleaseSubjectContext(released)
	for _, none := range []*kernel.SubjectContext{nil, {}, released} {
		in.SubjectContext = none
		if d, st := k.SeAssignSecurityEx(in); st != ntstatus.NoToken || d != nil {
			t.Errorf("S-60: SeAssignSecurityEx without a token: %v, %v; want %v, nil", st, d, ntstatus.NoToken)
		}
	}
	k.SeReleaseSubjectContext(s)
}

// An access check does not treat an unreadable input as missing, because that would drop its restrictions (O-3).
func TestCheckOfUnreadableInputIsRefused(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	s := k.SeCaptureSubjectContext()
	d := check.Must(sddl.Parse("O:SYG:SYD:", sddl.Options{}))
	fault := nt.Captured[*sd.Descriptor]{Status: ntstatus.AccessViolation}
	mapping := nt.Cap(winnt.FileObject.Mapping)
	out := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(d), SubjectSecurityContext: s,
		DesiredAccess:  winnt.GENERIC_ALL,
		GenericMapping: nt.Captured[winnt.GenericMapping]{Status: ntstatus.AccessViolation}})
	check.That(t, !out.Result && out.AccessStatus == ntstatus.AccessViolation,
		"SeAccessCheck with an unreadable mapping: %+v, want result false and status %v", out, ntstatus.AccessViolation)
	for mode, want := range map[access.Mode]ntstatus.Status{access.User: ntstatus.AccessViolation,
		access.Kernel: ntstatus.Success} { // a check in kernel mode does not read the descriptor
		out := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: fault, SubjectSecurityContext: s,
			DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: mapping, AccessMode: mode})
		check.That(t, out.AccessStatus == want && out.Result == want.IsSuccess(),
			"A-31: SeAccessCheck in mode %v: %+v, want status %v and result %t", mode, out, want, want.IsSuccess())
	}
	k.SeReleaseSubjectContext(s)
}

// The descriptor routines return the status of each condition of their tables, and its rule as the reason.
func TestDescriptorRoutinesReportTheirRules(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	k := sys.KernelMode(th)
	var traced calls
	k.Trace(&traced)
	subject := k.SeCaptureSubjectContext()
	defer k.SeReleaseSubjectContext(subject)
	parse := func(text string) nt.Captured[*sd.Descriptor] { return nt.Cap(sddl.MustParse(text)) }
	mapping := nt.Cap(winnt.FileObject.Mapping)
	assign := func(parent, explicit string, flags sd.AutoInherit) func() ntstatus.Status {
		return func() ntstatus.Status {
			return check.Status(k.SeAssignSecurityEx(kernel.SeAssignSecurityExIn{ParentDescriptor: parse(parent),
				ExplicitDescriptor: parse(explicit), IsDirectoryObject: true, AutoInheritFlags: flags,
				SubjectContext: subject, GenericMapping: mapping}))
		}
	}
	set := func(information uint32, modification string, flags sd.AutoInherit) func() ntstatus.Status {
		return func() ntstatus.Status {
			return check.Status(k.SeSetSecurityDescriptorInfoEx(kernel.SeSetSecurityDescriptorInfoExIn{
				SecurityInformation: information, ModificationDescriptor: parse(modification), AutoInheritFlags: flags,
				ObjectsSecurityDescriptor: parse("O:SYG:SYD:AI" + strings.Repeat("(A;ID;FA;;;WD)", 2000)),
				GenericMapping:            mapping}))
		}
	}
	const dacl, owner, group = winnt.DACL_SECURITY_INFORMATION, winnt.OWNER_SECURITY_INFORMATION,
		winnt.GROUP_SECURITY_INFORMATION
	const label, trust = winnt.LABEL_SECURITY_INFORMATION, 0x80
	long := strings.Repeat("(A;CI;GA;;;WD)", 2000)
	for name, c := range map[string]struct {
		ask  func() ntstatus.Status
		st   ntstatus.Status
		rule string
	}{
		"new object without a subject": {func() ntstatus.Status {
			return check.Status(k.SeAssignSecurityEx(kernel.SeAssignSecurityExIn{GenericMapping: mapping}))
		}, ntstatus.NoToken, "S-60"},
		"another user as owner": {assign("", "O:SY", 0), ntstatus.InvalidOwner, "S-61"},
		"parent without a group": {assign("O:SY", "", sd.DefaultGroupFromParent), ntstatus.InvalidPrimaryGroup,
			"S-62"},
		"SACL without the privilege": {assign("", "S:(AU;SA;FA;;;WD)", 0), ntstatus.PrivilegeNotHeld, "S-71"},
		// A folder inherits each of these entries as two.
		"too long inherited list": {assign("D:"+long, "", 0), ntstatus.InvalidACL, "S-17"},

		"both protected and unprotected": {set(0xA0000000|dacl, "D:", 0), ntstatus.InvalidParameter, "S-75"},
		"no owner":                       {set(owner, "G:SY", 0), ntstatus.InvalidOwner, "S-73"},
		"no group":                       {set(group, "O:SY", 0), ntstatus.InvalidPrimaryGroup, "S-73"},
		"label above the caller's":       {set(label, "S:(ML;;NW;;;SI)", 0), ntstatus.PrivilegeNotHeld, "O-65"},
		"label at the caller's level":    {set(label, "S:(ML;;NW;;;ME)", 0), ntstatus.Success, ""},
		"trust label above the caller's": {set(trust, "S:(TL;;FA;;;S-1-19-512-8192)", 0), ntstatus.AccessDenied,
			"O-65"},
		"too long changed list": {set(dacl, "D:AR"+long, sd.DACLAutoInherit), ntstatus.InvalidACL, "S-17"},
	} {
		st := c.ask()
		last := traced[len(traced)-1]
		check.That(t, st == c.st && last.Status == c.st && last.Why.Rule == c.rule,
			"%s: %v, traced as %v by %q; want %v by %q", name, st, last.Status, last.Why.Rule, c.st, c.rule)
	}
}

// A new object inherits the entries of its parent that are for its own type, and only those (S-69).
func TestAssignedDescriptorHasEntriesOfItsType(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	s := k.SeCaptureSubjectContext()
	own, other := winnt.GUID{1}, winnt.GUID{2}
	for typ, want := range map[*winnt.GUID]int{&own: 1, &other: 0, nil: 0} {
		parent := sddl.MustParse("D:(OA;CI;0x1;;" + own.String() + ";WD)")
		d := check.Result(k.SeAssignSecurityEx(kernel.SeAssignSecurityExIn{ParentDescriptor: nt.Cap(parent),
			ObjectType: nt.Cap(typ), IsDirectoryObject: true, SubjectContext: s,
			GenericMapping: nt.Cap(winnt.GenericMapping{All: 0xF01FF})}))
		effective := 0
		for i := range d.DACL().Len() {
			if a := d.DACL().At(i); a.Mask() == 1 && a.Flags()&sd.InheritOnly == 0 {
				effective++
			}
		}
		check.Equal(t, effective, want, "entries that apply to an object of type %v", typ)
	}
	k.SeReleaseSubjectContext(s)
}
