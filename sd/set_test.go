package sd_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const (
	owner  = winnt.OWNER_SECURITY_INFORMATION
	group  = winnt.GROUP_SECURITY_INFORMATION
	dacl   = winnt.DACL_SECURITY_INFORMATION
	sacl   = winnt.SACL_SECURITY_INFORMATION
	label  = winnt.LABEL_SECURITY_INFORMATION
	backup = winnt.BACKUP_SECURITY_INFORMATION
)

// Setting parts: S-73, S-74, S-75, S-79.
func TestSetChangesOnlySelectedParts(t *testing.T) {
	const old = `O:BAG:SYD:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)`
	for _, c := range []struct {
		id      string
		info    uint32
		old, in string
		flags   sd.AutoInherit
		want    string
	}{
		{"S-73 owner", owner, old, "O:SYG:BAD:S:", 0, "O:SYG:SYD:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)"},
		{"S-73 group", group, old, "O:SYG:BA", 0, "O:BAG:BAD:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)"},
		{"S-73 list removed", dacl, old, "O:SY", 0, "O:BAG:SYS:(AU;SA;FA;;;WD)(ML;;NW;;;LW)"},
		{"S-73 NULL list", dacl, old, "D:NO_ACCESS_CONTROL", 0, "O:BAG:SYD:NO_ACCESS_CONTROLS:(AU;SA;FA;;;WD)(ML;;NW;;;LW)"},
		{"S-73 nothing chosen", 0, old, "O:SYG:BAD:S:", 0, old},
		{"S-74 label", label, old, "S:(ML;;NWNR;;;ME)(AU;FA;FA;;;WD)", 0,
			"O:BAG:SYD:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:(AU;SA;FA;;;WD)(ML;;NWNR;;;ME)"},
		{"S-74 label removed", label, "O:BAS:(ML;;NW;;;LW)", "", 0, "O:BAS:"},
		{"S-74 added", winnt.SCOPE_SECURITY_INFORMATION, "O:BA", "S:(SP;;;;;S-1-17-1)", 0, "O:BAS:(SP;;;;;S-1-17-1)"},
		{"S-74 label, auto-inheritance is for whole lists", label, "S:(AU;IDSA;FA;;;WD)(ML;;NW;;;LW)",
			"S:(ML;ID;NWNR;;;ME)", sd.SACLAutoInherit, "S:(AU;IDSA;FA;;;WD)(ML;ID;NWNR;;;ME)"},
		{"whole SACL", sacl, old, "S:P(AU;FA;FA;;;WD)", 0, "O:BAG:SYD:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:P(AU;FA;FA;;;WD)"},
		{"S-75 auto-inherit", dacl, "D:AI(A;;FA;;;BA)(A;ID;FR;;;WD)", "D:(A;;FW;;;BU)(A;ID;FA;;;AN)", sd.DACLAutoInherit,
			"D:AI(A;;FW;;;BU)(A;ID;FR;;;WD)"},
		{"S-75 inherited entries that are inherit-only stay", dacl | sacl,
			"D:AI(A;ID;FR;;;WD)(A;OICIIOID;FW;;;CO)S:AI(AU;OICIIOIDSA;FW;;;WD)", "D:(A;;FW;;;BU)S:",
			sd.DACLAutoInherit | sd.SACLAutoInherit,
			"D:AI(A;;FW;;;BU)(A;ID;FR;;;WD)(A;OICIIOID;FW;;;CO)S:AI(AU;OICIIOIDSA;FW;;;WD)"},
		{"S-75 protected", dacl | winnt.PROTECTED_DACL_SECURITY_INFORMATION, "D:AI(A;;FA;;;BA)(A;ID;FR;;;WD)",
			"D:(A;;FW;;;BU)(A;ID;FA;;;AN)", sd.DACLAutoInherit, "D:P(A;;FW;;;BU)(A;;FA;;;AN)"},
		{"S-75 the class of an entry stays", dacl, "D:", "D:(OA;CI;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)",
			sd.DACLAutoInherit, "D:AI(OA;CI;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)"},
		{"S-75 only the bit", winnt.PROTECTED_DACL_SECURITY_INFORMATION, "D:AI(A;;FA;;;BA)", "", 0, "D:PAI(A;;FA;;;BA)"},
		{"S-75 unprotect", winnt.UNPROTECTED_DACL_SECURITY_INFORMATION, "D:PAI(A;;FA;;;BA)", "", 0, "D:AI(A;;FA;;;BA)"},
		{"S-75 SACL", sacl, "S:AI(AU;SA;FA;;;BA)(AU;IDSA;FR;;;WD)", "S:(AU;FA;FA;;;WD)", sd.SACLAutoInherit,
			"S:AI(AU;FA;FA;;;WD)(AU;IDSA;FR;;;WD)"},
		{"S-75 only the SACL's bit", winnt.PROTECTED_SACL_SECURITY_INFORMATION, "S:AI(AU;SA;FA;;;BA)", "", 0,
			"S:PAI(AU;SA;FA;;;BA)"},
		{"S-75 SACL protected", sacl | winnt.PROTECTED_SACL_SECURITY_INFORMATION, "S:AI(AU;SA;FA;;;BA)(AU;IDSA;FR;;;WD)",
			"S:(AU;FA;FA;;;WD)(AU;IDSA;FW;;;AN)", sd.SACLAutoInherit, "S:P(AU;FA;FA;;;WD)(AU;SA;FW;;;AN)"},
		{"S-75 SACL auto-inherit beside a protected DACL", sacl, "D:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;BA)(AU;IDSA;FR;;;WD)",
			"S:(AU;FA;FA;;;WD)", sd.SACLAutoInherit, "D:P(A;;FA;;;BA)S:AI(AU;FA;FA;;;WD)(AU;IDSA;FR;;;WD)"},
		{"S-75 DACL auto-inherit beside a protected SACL", dacl, "D:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:P(AU;SA;FA;;;BA)",
			"D:(A;;FW;;;BU)", sd.DACLAutoInherit, "D:AI(A;;FW;;;BU)(A;ID;FR;;;WD)S:P(AU;SA;FA;;;BA)"},
		{"S-75 unprotect the SACL", winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, "D:P(A;;FA;;;BA)S:PAI(AU;SA;FA;;;BA)", "", 0,
			"D:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;BA)"},
		{"S-75 auto-inheritance is for the list named", dacl | sacl, "D:AI(A;ID;FR;;;WD)S:AI(AU;IDSA;FR;;;WD)",
			"D:(A;;FW;;;BU)S:(AU;SA;FW;;;BU)", sd.SACLAutoInherit, "D:(A;;FW;;;BU)S:AI(AU;SA;FW;;;BU)(AU;IDSA;FR;;;WD)"},
		{"S-75 a list and its bit", dacl | winnt.PROTECTED_DACL_SECURITY_INFORMATION, "D:AI(A;;FA;;;BA)S:AI(AU;SA;FA;;;BA)",
			"D:(A;;FR;;;BA)", 0, "D:P(A;;FR;;;BA)S:AI(AU;SA;FA;;;BA)"},
		{"S-75 a list without its bit", dacl | winnt.UNPROTECTED_DACL_SECURITY_INFORMATION,
			"D:PAI(A;;FA;;;BA)S:P(AU;SA;FA;;;BA)", "D:P(A;;FR;;;BA)", 0, "D:(A;;FR;;;BA)S:P(AU;SA;FA;;;BA)"},
		{"S-75 a SACL and its bit", sacl | winnt.PROTECTED_SACL_SECURITY_INFORMATION,
			"D:AI(A;;FA;;;BA)S:AI(AU;SA;FA;;;BA)", "S:(AU;SA;FR;;;BA)", 0, "D:AI(A;;FA;;;BA)S:P(AU;SA;FR;;;BA)"},
		{"S-75 a SACL without its bit", sacl | winnt.UNPROTECTED_SACL_SECURITY_INFORMATION,
			"D:P(A;;FA;;;BA)S:PAI(AU;SA;FA;;;BA)", "S:P(AU;SA;FR;;;BA)", 0, "D:P(A;;FA;;;BA)S:(AU;SA;FR;;;BA)"},
		{"S-75 a label and the SACL's bit", label | winnt.UNPROTECTED_SACL_SECURITY_INFORMATION,
			"D:P(A;;FA;;;BA)S:PAI(AU;SA;FA;;;BA)", "S:(ML;;NW;;;LW)", 0, "D:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;BA)(ML;;NW;;;LW)"},
		{"S-79 SACL AI", sacl, "", "S:AI(AU;SA;FA;;;BA)", 0, "S:(AU;SA;FA;;;BA)"},
		{"S-79 SACL P|AI|AR", sacl, "", "S:PARAI(AU;IDSA;FA;;;BA)", 0, "S:PAI(AU;IDSA;FA;;;BA)"},
		{"C-81 AI", dacl, "", "D:AI(A;;FA;;;BA)", 0, "D:(A;;FA;;;BA)"},
		{"C-81 AR", dacl, "", "D:AR(A;;FA;;;BA)", 0, "D:(A;;FA;;;BA)"},
		{"C-81 AI|AR", dacl, "", "D:ARAI(A;;FA;;;BA)", 0, "D:AI(A;;FA;;;BA)"},
		{"C-81 P|AI|AR", dacl, "", "D:PARAI(A;ID;FA;;;BA)", 0, "D:PAI(A;ID;FA;;;BA)"},
		{"generic bits mapped", dacl, "", "D:(A;;GR;;;BA)(A;OICIIO;GR;;;BA)(A;CIIOID;GR;;;BA)", 0,
			"D:(A;;FR;;;BA)(A;OICIIO;GR;;;BA)(A;CIIOID;GR;;;BA)"},
		{"S-65 the new owner and group", owner | group | dacl, "O:BAG:SY", "O:SYG:BAD:(A;;FR;;;CO)(A;;FW;;;CG)",
			sd.DACLAutoInherit, "O:SYG:BAD:AI(A;;FR;;;SY)(A;;FW;;;BA)"},
		{"backup is everything", backup, old, "O:SYG:BAD:(A;;FA;;;SY)", 0, "O:SYG:BAD:(A;;FA;;;SY)"},
	} {
		t.Run(c.id, func(t *testing.T) {
			before := parse(c.old)
			d := check.Result(sd.Set(&sd.SetRequest{Information: c.info, Old: before, New: parse(c.in), Flags: c.flags,
				Mapping: &winnt.FileObject.Mapping}))
			got := text(t, d)
			check.That(t, got == c.want, "got  %s\nwant %s", got, c.want)
			check.That(t, before == nil || text(t, before) == c.old,
				"S-76: the old descriptor became %s, want %s", text(t, before), c.old)
		})
	}
	split, _ := sd.Set(&sd.SetRequest{Information: dacl, Old: parse("O:BAG:SY"),
		New:   parse("D:(A;OICI;GR;;;CO)(A;;FW;;;CG)"),
		Flags: sd.DACLAutoInherit, IsContainer: true, Mapping: &winnt.FileObject.Mapping})
	check.Equal(t, text(t, split), "O:BAG:SYD:AI(A;;FR;;;BA)(A;OICIIO;GR;;;CO)(A;;FW;;;SY)",
		"S-65: placeholders set on a container become")
	whole, _ := sd.Set(&sd.SetRequest{Information: dacl, Old: parse("O:BAG:SY"), New: parse("D:(A;OICI;GR;;;BU)"),
		IsContainer: true, Mapping: &winnt.FileObject.Mapping})
	check.Equal(t, text(t, whole), "O:BAG:SYD:(A;OICI;FR;;;BU)", "S-79: without auto-inheritance an entry becomes")
	for _, bits := range []string{"P", "AR", "AI", "PAR", "PAI", "ARAI", "PARAI"} {
		for info, stored := range map[uint32]string{
			dacl: "D:" + bits + "(A;;FA;;;BA)", sacl: "S:" + bits + "(AU;SA;FA;;;BA)",
		} {
			// Without an object each bit is stored as given (S-79).
			d, _ := sd.Set(&sd.SetRequest{Information: info, New: parse(stored), Bare: true})
			check.Equal(t, text(t, d), stored, "the bare call stores")
		}
	}
}

// Setting a part also sets its DEFAULTED bit as in the new descriptor, and changes no other DEFAULTED bit (S-73).
func TestSetCopiesDefaultedMarkOfPart(t *testing.T) {
	const all = sd.OwnerDefaulted | sd.GroupDefaulted | sd.DACLDefaulted | sd.SACLDefaulted
	for info, mark := range map[uint32]sd.Control{owner: sd.OwnerDefaulted, group: sd.GroupDefaulted,
		dacl: sd.DACLDefaulted, sacl: sd.SACLDefaulted} {
		for _, c := range []struct{ old, in, want sd.Control }{{0, all, mark}, {all, 0, all &^ mark}} {
			marked := func(text string, c sd.Control) *sd.Descriptor {
				p := parse(text).Parts()
				p.Control |= c
				return sd.New(p)
			}
			d, st := sd.Set(&sd.SetRequest{Information: info, Old: marked("O:BAG:BAD:S:", c.old),
				New: marked("O:SYG:SYD:S:", c.in)})
			check.That(t, st == ntstatus.Success && d.Control()&all == c.want,
				"setting %#x: %v, marks %#x, want %#x", info, st, d.Control()&all, c.want)
		}
	}
}

func TestSetReturnsDocumentedStatuses(t *testing.T) {
	const protectBoth = winnt.PROTECTED_DACL_SECURITY_INFORMATION | winnt.UNPROTECTED_DACL_SECURITY_INFORMATION
	trusted := sid.MustParse("S-1-19-512-4096")
	for _, c := range []struct {
		id      string
		info    uint32
		old, in string
		change  func(*sd.SetRequest)
		want    ntstatus.Status
	}{
		{"C-78", protectBoth, "", "", nil, ntstatus.InvalidParameter},
		{"C-78 SACL", winnt.PROTECTED_SACL_SECURITY_INFORMATION | winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, "", "", nil,
			ntstatus.InvalidParameter},
		{"S-73 no owner", owner, "O:BA", "G:BA", nil, ntstatus.InvalidOwner},
		{"S-73 no group", group, "G:BA", "O:BA", nil, ntstatus.InvalidPrimaryGroup},
		{"S-61 other owner", owner, "O:BA", "O:SY", nil, ntstatus.InvalidOwner},
		{"S-61 not checked", owner, "O:BA", "O:SY", func(r *sd.SetRequest) { r.Flags = sd.AvoidOwnerCheck },
			ntstatus.Success},
		{"label above", label, "", "S:(ML;;NW;;;HI)", nil, ntstatus.PrivilegeNotHeld},
		{"label above, for children only", label, "", "S:(ML;OICIIO;NW;;;HI)", nil, ntstatus.PrivilegeNotHeld},
		{"label above, after another", label, "", "S:(ML;;NW;;;ME)(ML;;NW;;;HI)", nil, ntstatus.PrivilegeNotHeld},
		{"label above, privilege", label, "", "S:(ML;;NW;;;HI)", func(r *sd.SetRequest) { r.Subject.Relabel = true },
			ntstatus.Success},
		{"S-73 a label that is not set is not checked", dacl, "", "D:S:(ML;;NW;;;HI)", nil, ntstatus.Success},
		{"S-73 a trust label that is not set is not checked", dacl, "", "D:S:(TL;;RC;;;S-1-19-512-4096)", nil,
			ntstatus.Success},
		{"label above, with the whole list", sacl, "", "S:(ML;;NW;;;HI)",
			func(r *sd.SetRequest) { r.Flags = sd.AvoidPrivilegeCheck }, ntstatus.PrivilegeNotHeld},
		{"label of the caller", label, "", "S:(ML;;NW;;;ME)", nil, ntstatus.Success},
		{"S-86 trust label", winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "", "S:(TL;;RC;;;S-1-19-512-4096)", nil,
			ntstatus.AccessDenied},
		{"trust label dominated", winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "", "S:(TL;;RC;;;S-1-19-512-4096)",
			func(r *sd.SetRequest) { r.Subject.Trust = trusted }, ntstatus.Success},
		{"S-86 trust label, with the whole list", sacl, "", "S:(TL;;RC;;;S-1-19-512-4096)", nil, ntstatus.AccessDenied},
		{"S-86 old trust label, with the whole list", sacl, "S:(TL;;RC;;;S-1-19-1024-4096)", "S:(AU;SA;GA;;;WD)",
			func(r *sd.SetRequest) { r.Subject.Trust = trusted }, ntstatus.AccessDenied},
		{"S-86 trust label dominated, with the whole list", sacl, "S:(TL;;RC;;;S-1-19-512-4096)", "S:",
			func(r *sd.SetRequest) { r.Subject.Trust = trusted }, ntstatus.Success},
		{"S-86 no trust label", winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "", "S:(TL;;RC;;;S-1-19-512-4096-1)",
			func(r *sd.SetRequest) { r.Subject.Trust = trusted }, ntstatus.AccessDenied},
		{"S-86 old trust label higher", winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "S:(TL;;RC;;;S-1-19-1024-4096)", "S:",
			func(r *sd.SetRequest) { r.Subject.Trust = trusted }, ntstatus.AccessDenied},
	} {
		t.Run(c.id, func(t *testing.T) {
			r := &sd.SetRequest{Information: c.info, Old: parse(c.old), New: parse(c.in), Subject: caller()}
			if c.change != nil {
				c.change(r)
			}
			_, st := sd.Set(r)
			check.That(t, st == c.want, "got %v, want %v", st, c.want)
		})
	}
}

// The bits for trust, server security, automatic inheritance and protection can be set alone, and no other bit (S-26).
func TestSetControlAcceptsOnlyChangeableBits(t *testing.T) {
	for bit := sd.Control(1); bit != 0; bit <<= 1 {
		want, wantSet, wantCleared := ntstatus.InvalidParameter, ^bit, sd.Control(0xFFFF)
		if bit >= sd.DACLTrusted && bit <= sd.SACLProtected {
			want, wantSet, wantCleared = ntstatus.Success, 0xFFFF, ^bit
		}
		_, st := sd.SetControl(^bit, 0, bit)
		check.Equal(t, st, ntstatus.InvalidParameter, "setting bit %#x outside the mask", bit)
		set, st := sd.SetControl(^bit, bit, bit)
		cleared, st2 := sd.SetControl(0xFFFF, bit, 0)
		check.That(t, st == want && st2 == want && set == wantSet && cleared == wantCleared,
			"bit %#x: set to %#x, %v, and cleared to %#x, %v, want %#x and %#x, %v", bit, set, st, cleared, st2, wantSet,
			wantCleared, want)
	}
}

// If entries of one kind are replaced, the list keeps its revision, even if it is higher than they need (S-74).
func TestSetKeepsTheRevision(t *testing.T) {
	fourth := func(l *sd.ACL) *sd.ACL {
		b := []byte(l.Binary())
		b[0] = 4
		l, _, _ = sd.DecodeACL(b)
		return l
	}
	old, in := parse("D:S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)"), parse("D:S:(ML;;NR;;;LW)")
	for _, r := range []sd.SetRequest{
		{Information: label, Old: sd.New(sd.Parts{SACL: fourth(old.SACL())}), New: in},
		{Information: label, Old: old, New: sd.New(sd.Parts{SACL: fourth(in.SACL())})},
		{Information: dacl, Old: old, New: sd.New(sd.Parts{DACL: fourth(in.DACL())})},
	} {
		d, st := sd.Set(&r)
		got := max(d.SACL().Revision(), d.DACL().Revision())
		check.That(t, st == ntstatus.Success && got == 4, "parts %#x: revision %d, %v, want 4", r.Information, got, st)
	}
}

func ExampleSetControl() {
	c, st := sd.SetControl(sd.DACLPresent, sd.DACLProtected, sd.DACLProtected)
	fmt.Println(c == sd.DACLPresent|sd.DACLProtected, st)
	_, st = sd.SetControl(c, sd.DACLPresent, 0) // a part cannot be removed
	fmt.Println(st)
	// Output:
	// true STATUS_SUCCESS
	// STATUS_INVALID_PARAMETER
}

// A request to set parts starts with every error, and they are fixed one by one. Each result is the first remaining
// error (S-75, S-73, S-61, S-73, S-74, S-20). A refused request returns no descriptor.
func TestSetReportsFirstOfSeveralErrors(t *testing.T) {
	const both = winnt.PROTECTED_DACL_SECURITY_INFORMATION | winnt.UNPROTECTED_DACL_SECURITY_INFORMATION
	const bothSACL = winnt.PROTECTED_SACL_SECURITY_INFORMATION | winnt.UNPROTECTED_SACL_SECURITY_INFORMATION
	const trust = winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION
	long := func(typ sd.Type, short int) *sd.ACL { return filler(t, typ, 0, short) }
	old := with(parse("O:BAG:BAS:(TL;;RC;;;S-1-19-1024-8192)"), func(p *sd.Parts) {
		p.DACL = filler(t, sd.AccessAllowed, sd.Inherited, 10)
	})
	r := &sd.SetRequest{Information: owner | group | dacl | label | trust | both | bothSACL, Old: old,
		New: with(parse("S:(ML;;NW;;;HI)(TL;;RC;;;S-1-19-512-4096)"), func(p *sd.Parts) {
			p.DACL, p.Control = long(sd.AccessAllowed, 9), p.Control|sd.DACLPresent
		}), Subject: caller(), Flags: sd.DACLAutoInherit | sd.SACLAutoInherit}
	change := func(f func(p *sd.Parts)) func() { return func() { r.New = with(r.New, f) } }
	for _, m := range []struct {
		what string
		mend func()
		want ntstatus.Status
	}{
		{"S-75 both lists protected and not", func() {}, ntstatus.InvalidParameter},
		{"S-75 the SACL protected and not", func() { r.Information &^= both }, ntstatus.InvalidParameter},
		{"S-73 no owner", func() { r.Information &^= bothSACL }, ntstatus.InvalidOwner},
		{"S-61 another's", change(func(p *sd.Parts) { p.Owner = sid.Guests }), ntstatus.InvalidOwner},
		{"S-73 no group", change(func(p *sd.Parts) { p.Owner = bob }), ntstatus.InvalidPrimaryGroup},
		{"a label above", change(func(p *sd.Parts) { p.Group = sid.Guests }), ntstatus.PrivilegeNotHeld},
		{"the old trust label", func() { r.Subject.Relabel, r.Subject.Trust = true, sid.MustParse("S-1-19-512-8192") },
			ntstatus.AccessDenied},
		{"the level of the old one", func() { r.Subject.Trust = sid.MustParse("S-1-19-1024-4096") }, ntstatus.AccessDenied},
		{"a DACL that is too long", func() { r.Subject.Trust = sid.MustParse("S-1-19-1024-8192") }, ntstatus.InvalidACL},
		{"nothing is wrong", change(func(p *sd.Parts) { p.DACL = nil }), ntstatus.Success},
	} {
		m.mend()
		d, st := sd.Set(r)
		check.That(t, st == m.want && (d != nil) == (st == ntstatus.Success), "%s: %v, %v, want %v", m.what, d, st, m.want)
	}
	// A SACL that is too long is refused like the DACL.
	for short, want := range map[int]ntstatus.Status{9: ntstatus.InvalidACL, most - 11: ntstatus.InvalidACL,
		most - 10: ntstatus.Success} {
		_, st := sd.Set(&sd.SetRequest{Information: sacl, Flags: sd.SACLAutoInherit,
			Old: with(parse("S:"), func(p *sd.Parts) {
				p.SACL = filler(t, sd.SystemAudit, sd.Inherited|sd.SuccessfulAccess, 10)
			}),
			New: with(parse("S:"), func(p *sd.Parts) { p.SACL = filler(t, sd.SystemAudit, sd.SuccessfulAccess, short) })})
		check.Equal(t, st, want, "a SACL with %d entries", most-short)
	}
	// Kernel mode may give any owner and any label, above its own and above its trust.
	r.Subject = caller()
	r.Subject.Kernel = true
	r.New = with(r.New, func(p *sd.Parts) { p.Owner = sid.Guests })
	if d, st := sd.Set(r); st != ntstatus.Success || d.Owner() != sid.Guests {
		t.Errorf("Set in kernel mode: %v, want success and the owner Guests", st)
	}
	// The privilege to restore gives the owner alone.
	r.Subject.Kernel, r.Subject.Restore = false, true
	check.Equal(t, check.Status(sd.Set(r)), ntstatus.PrivilegeNotHeld, "the privilege to restore and a label above")
}
