package sd_test

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// most is how many entries of 32 bytes a list holds: 65532 bytes and a header of 8.
const most = (65532 - 8) / 32

// filler returns a list of entries for strangers with flags, as long as a list can be but for so
// many entries of 28 bytes.
func filler(t *testing.T, typ sd.Type, flags uint8, short int) *sd.ACL {
	t.Helper()
	var aces []sd.ACE
	for i := range most - short {
		s, ok := sid.New(5, 21, 1, uint32(i), 7)
		if !ok {
			t.Fatal("no SID")
		}
		a, err := sd.NewACE(typ, flags, 1, s)
		if err != nil {
			t.Fatal(err)
		}
		aces = append(aces, a)
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// with returns a descriptor with a list put in.
func with(d *sd.Descriptor, change func(p *sd.Parts)) *sd.Descriptor {
	p := d.Parts()
	change(&p)
	return sd.New(p)
}

// TestSetMended: a request to set parts has everything wrong at once, and one thing after the other is
// mended: each answer is that of the first that is still wrong (S-75, S-73, S-61, S-73, S-74, S-20).
// What is refused makes nothing.
func TestSetMended(t *testing.T) {
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
		{"the level of the old one", func() { r.Subject.Trust = sid.MustParse("S-1-19-1024-4096") },
			ntstatus.AccessDenied},
		{"a DACL that is too long", func() { r.Subject.Trust = sid.MustParse("S-1-19-1024-8192") },
			ntstatus.InvalidACL},
		{"nothing is wrong", change(func(p *sd.Parts) { p.DACL = nil }), ntstatus.Success},
	} {
		m.mend()
		d, st := sd.Set(r)
		if st != m.want || (d != nil) != (st == ntstatus.Success) {
			t.Errorf("%s: %v, %v, want %v", m.what, d, st, m.want)
		}
	}
	// A SACL that is too long is refused like the DACL.
	for short, want := range map[int]ntstatus.Status{9: ntstatus.InvalidACL, most - 11: ntstatus.InvalidACL,
		most - 10: ntstatus.Success} {
		_, st := sd.Set(&sd.SetRequest{Information: sacl, Flags: sd.SACLAutoInherit,
			Old: with(parse("S:"), func(p *sd.Parts) {
				p.SACL = filler(t, sd.SystemAudit, sd.Inherited|sd.SuccessfulAccess, 10)
			}),
			New: with(parse("S:"), func(p *sd.Parts) { p.SACL = filler(t, sd.SystemAudit, sd.SuccessfulAccess, short) })})
		if st != want {
			t.Errorf("a SACL with %d entries: %v, want %v", most-short, st, want)
		}
	}
	// Kernel mode may give any owner and any label, above its own and above its trust.
	r.Subject = caller()
	r.Subject.Kernel = true
	r.New = with(r.New, func(p *sd.Parts) { p.Owner = sid.Guests })
	if d, st := sd.Set(r); st != ntstatus.Success || d.Owner() != sid.Guests {
		t.Errorf("kernel mode: %v", st)
	}
	// The privilege to restore gives the owner alone.
	r.Subject.Kernel, r.Subject.Restore = false, true
	if _, st := sd.Set(r); st != ntstatus.PrivilegeNotHeld {
		t.Errorf("the privilege to restore and a label above: %v", st)
	}
}

// TestAssignMended: of all that can be wrong with a new object the answer is about the first: the
// subject, the owner, the group, the SACL, the length of the lists (S-60, S-61, S-62, S-71).
func TestAssignMended(t *testing.T) {
	r := &sd.AssignRequest{
		Parent: with(parse("D:S:"), func(p *sd.Parts) {
			p.DACL = filler(t, sd.AccessAllowed, sd.ObjectInherit, 5)
			p.SACL = filler(t, sd.SystemAudit, sd.ObjectInherit|sd.SuccessfulAccess, 5)
		}),
		Creator: with(parse("D:S:"), func(p *sd.Parts) {
			p.DACL = filler(t, sd.AccessAllowed, 0, most-20)
			p.SACL = filler(t, sd.SystemAudit, sd.SuccessfulAccess, most-20)
		}),
		Flags: sd.DACLAutoInherit | sd.SACLAutoInherit | sd.DefaultOwnerFromParent | sd.DefaultGroupFromParent,
	}
	for _, m := range []struct {
		what string
		mend func()
		want ntstatus.Status
	}{
		{"S-60", func() {}, ntstatus.NoToken},
		{"S-61 no owner of the parent", func() { r.Subject = caller() }, ntstatus.InvalidOwner},
		{"S-61 no owner of the token", func() {
			r.Flags &^= sd.DefaultOwnerFromParent
			r.Subject.Owner = sid.SID{}
		}, ntstatus.InvalidOwner},
		{"S-61 an owner of others", func() { r.Creator = with(r.Creator, func(p *sd.Parts) { p.Owner = bob }) },
			ntstatus.InvalidOwner},
		{"S-62 no group of the parent", func() { r.Subject.Owner = bob }, ntstatus.InvalidPrimaryGroup},
		{"S-71", func() { r.Flags &^= sd.DefaultGroupFromParent }, ntstatus.PrivilegeNotHeld},
		{"the DACL is too long", func() { r.Subject.Security = true }, ntstatus.InvalidACL},
		{"the SACL is too long", func() { r.Flags &^= sd.DACLAutoInherit }, ntstatus.InvalidACL},
		{"nothing is wrong", func() { r.Flags &^= sd.SACLAutoInherit }, ntstatus.Success},
	} {
		m.mend()
		d, st := sd.Assign(r)
		if st != m.want || (d != nil) != (st == ntstatus.Success) {
			t.Errorf("%s: %v, want %v", m.what, st, m.want)
		}
	}
}

// TestAssignRarely: lists that are NULL, protected and labelled, as the table of S-63 and S-70 has
// them.
func TestAssignRarely(t *testing.T) {
	const attribute = `(RA;OI;;;;WD;("a",TI,0x0,1))`
	for name, c := range map[string]struct {
		parent, creator string
		flags           sd.AutoInherit
		change          func(r *sd.AssignRequest)
		want            string
	}{
		"S-70 attributes pass a NULL list that is protected": {"S:(AU;OISA;FA;;;WD)" + attribute,
			"D:S:PNO_ACCESS_CONTROL", 0, nil, og + `D:S:P(RA;;;;;WD;("a",TI,0x0,1))`},
		"S-70 and one that is not": {"S:(AU;OISA;FA;;;WD)" + attribute, "D:S:NO_ACCESS_CONTROL", 0, nil,
			og + "D:S:NO_ACCESS_CONTROL"},
		"S-70 the label that is there counts": {"", "D:S:(AU;SA;FA;;;WD)(ML;;NR;;;LW)", sd.LabelNoWriteUp, nil,
			og + "D:S:(AU;SA;FA;;;WD)(ML;;NR;;;LW)"},
		"S-70 a NULL list gets a label": {"", "D:S:NO_ACCESS_CONTROL", sd.LabelNoWriteUp, nil, og + "D:S:(ML;;NW;;;ME)"},
		"S-70 a label that the flags ask for has the token's level": {"", "D:", sd.LabelNoWriteUp | sd.LabelNoExecuteUp,
			func(r *sd.AssignRequest) { r.Subject.Integrity = sid.HighLevel }, og + "D:S:(ML;;NWNX;;;HI)"},
		"S-70 a low token and a label by flags": {"", "D:", sd.LabelNoReadUp,
			func(r *sd.AssignRequest) { r.Subject.Integrity = sid.LowLevel }, og + "D:S:(ML;;NR;;;LW)"},
		"S-70 a low token and an inherited label": {"S:(ML;OI;NW;;;HI)", "D:", 0,
			func(r *sd.AssignRequest) { r.Subject.Integrity = sid.LowLevel }, og + "D:S:(ML;;NW;;;HI)"},
		"S-70 the parent's label that is not passed on does not count": {"S:(ML;;NR;;;HI)", "D:", sd.LabelNoWriteUp, nil,
			og + "D:S:(ML;;NW;;;ME)"},
		"S-70 nor one for heirs of heirs": {"S:(ML;CI;NR;;;HI)", "D:", sd.LabelNoWriteUp, nil,
			og + "D:S:(ML;;NW;;;ME)"},
		"S-67 an entry that no child gets is not split": {"", "D:S:(AU;SA;GA;;;WD)", sd.SACLAutoInherit,
			func(r *sd.AssignRequest) { r.IsContainer = true }, og + "D:S:AI(AU;SA;FA;;;WD)"},
		"S-67 nor a critical one": {"", "D:S:(FL;CR;GA;;;WD;(@User.a==1))", sd.SACLAutoInherit,
			func(r *sd.AssignRequest) { r.IsContainer = true }, og + "D:S:AI(FL;CR;FA;;;WD;(@USER.a == 1))"},
		"S-63 no list at all": {"", "", 0, func(r *sd.AssignRequest) { r.Subject.DefaultDACL = nil },
			og + "D:NO_ACCESS_CONTROL"},
		"S-63 a NULL list stays, with a default beside it": {"D:(A;OI;FA;;;WD)", "D:NO_ACCESS_CONTROL", 0, nil,
			og + "D:NO_ACCESS_CONTROL"},
		"S-63 a NULL list that is a default stays, too": {"D:(A;OI;FA;;;WD)", "D:NO_ACCESS_CONTROL",
			sd.DefaultDescriptor, nil, og + "D:NO_ACCESS_CONTROL"},
		"S-63 an empty list is a list": {"D:(A;OI;FA;;;WD)", "D:", 0, nil, og + "D:"},
		"S-63 an empty list of the creator follows its parent": {"D:(A;OI;CC;;;WD)", "D:", sd.DACLAutoInherit, nil,
			og + "D:AI(A;ID;CC;;;WD)"},
	} {
		r := &sd.AssignRequest{Parent: parse(c.parent), Creator: parse(c.creator), Flags: c.flags |
			sd.AvoidPrivilegeCheck, Subject: caller(), Mapping: &winnt.FileObject.Mapping}
		if c.change != nil {
			c.change(r)
		}
		d, st := sd.Assign(r)
		if st != ntstatus.Success || text(t, d) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, st, text(t, d), c.want)
		}
	}
}

// TestPropagateStops: who takes no more changes is told none, on whatever level it stopped, and a
// node without a descriptor changes nothing (S-78).
func TestPropagateStops(t *testing.T) {
	leaf := func(name string, children ...*sd.Node) *sd.Node {
		return &sd.Node{Name: name, Descriptor: sddl.MustParse("O:SYD:AI"), IsContainer: true, Children: children}
	}
	root := &sd.Node{Descriptor: sddl.MustParse("D:(A;OICI;FR;;;WD)"), IsContainer: true, Children: []*sd.Node{
		{Name: "none"}, leaf("a", leaf("b", leaf("c")), leaf("d")), leaf("e")}}
	all := []string{"a", "b", "c", "d", "e"}
	for stop := range all {
		var got []string
		for c := range sd.Propagate(root, nil) {
			if got = append(got, c.Path[len(c.Path)-1]); len(got) == stop+1 {
				break
			}
		}
		if len(got) != stop+1 || got[stop] != all[stop] {
			t.Errorf("stopped after %d: %v", stop+1, got)
		}
	}
	if d := sd.Reinherit(nil, root.Descriptor, &sd.Heir{}); d != nil {
		t.Errorf("no descriptor became %v", d)
	}
}

// TestReinheritTooLong: a list that would become too long stays as it was, and the other list follows
// its parent (S-78).
func TestReinheritTooLong(t *testing.T) {
	d := with(sddl.MustParse("D:AIS:AI(AU;SA;FA;;;WD)"), func(p *sd.Parts) { p.DACL = filler(t, sd.AccessAllowed, 0, 0) })
	parent := sddl.MustParse("D:(A;OICI;FA;;;S-1-5-21-1-2-3-1107)S:(AU;OISA;FR;;;WD)")
	got := sd.Reinherit(d, parent, &sd.Heir{})
	if got.DACL().Len() != d.DACL().Len() || got.SACL().Len() != 2 {
		t.Errorf("%d and %d entries", got.DACL().Len(), got.SACL().Len())
	}
	d = with(d, func(p *sd.Parts) { p.DACL = filler(t, sd.AccessAllowed, 0, 1) })
	if got := sd.Reinherit(d, parent, &sd.Heir{}); got.DACL().Len() != d.DACL().Len()+1 {
		t.Errorf("there was room for one entry: %d of %d", got.DACL().Len(), d.DACL().Len())
	}
}
