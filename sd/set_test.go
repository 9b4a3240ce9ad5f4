package sd_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
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
func TestSet(t *testing.T) {
	const old = `O:BAG:SYD:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)`
	for _, c := range []struct {
		id    string
		info  uint32
		old   string
		in    string
		flags sd.AutoInherit
		want  string
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
			"S:(AU;FA;FA;;;WD)(AU;IDSA;FW;;;AN)", sd.SACLAutoInherit,
			"S:P(AU;FA;FA;;;WD)(AU;SA;FW;;;AN)"},
		{"S-75 SACL auto-inherit beside a protected DACL", sacl, "D:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;BA)(AU;IDSA;FR;;;WD)",
			"S:(AU;FA;FA;;;WD)", sd.SACLAutoInherit,
			"D:P(A;;FA;;;BA)S:AI(AU;FA;FA;;;WD)(AU;IDSA;FR;;;WD)"},
		{"S-75 DACL auto-inherit beside a protected SACL", dacl, "D:AI(A;;FA;;;BA)(A;ID;FR;;;WD)S:P(AU;SA;FA;;;BA)",
			"D:(A;;FW;;;BU)", sd.DACLAutoInherit,
			"D:AI(A;;FW;;;BU)(A;ID;FR;;;WD)S:P(AU;SA;FA;;;BA)"},
		{"S-75 unprotect the SACL", winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, "D:P(A;;FA;;;BA)S:PAI(AU;SA;FA;;;BA)", "", 0,
			"D:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;BA)"},
		{"S-75 auto-inheritance is for the list named", dacl | sacl, "D:AI(A;ID;FR;;;WD)S:AI(AU;IDSA;FR;;;WD)",
			"D:(A;;FW;;;BU)S:(AU;SA;FW;;;BU)", sd.SACLAutoInherit,
			"D:(A;;FW;;;BU)S:AI(AU;SA;FW;;;BU)(AU;IDSA;FR;;;WD)"},
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
		{"generic bits mapped", dacl, "", "D:(A;;GR;;;BA)(A;OICIIO;GR;;;BA)", 0, "D:(A;;FR;;;BA)(A;OICIIO;GR;;;BA)"},
		{"backup is everything", backup, old, "O:SYG:BAD:(A;;FA;;;SY)", 0, "O:SYG:BAD:(A;;FA;;;SY)"},
	} {
		t.Run(c.id, func(t *testing.T) {
			before := parse(c.old)
			d, st := sd.Set(&sd.SetRequest{Information: c.info, Old: before, New: parse(c.in), Flags: c.flags,
				Mapping: &winnt.FileObject.Mapping})
			if st != ntstatus.Success {
				t.Fatal(st)
			}
			if got := text(t, d); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if before != nil && text(t, before) != c.old { // S-76
				t.Error("S-76: the old value changed")
			}
		})
	}
	split, _ := sd.Set(&sd.SetRequest{Information: dacl, Old: parse("O:BA"), New: parse("D:(A;OICI;GR;;;CO)"),
		Flags: sd.DACLAutoInherit, IsContainer: true, Mapping: &winnt.FileObject.Mapping})
	if got := text(t, split); got != "O:BAD:AI(A;;FR;;;BA)(A;OICIIO;GR;;;CO)" { // S-65
		t.Errorf("a placeholder set on a container becomes %s", got)
	}
	for _, bits := range []string{"P", "AR", "AI", "PAR", "PAI", "ARAI", "PARAI"} {
		for info, stored := range map[uint32]string{
			dacl: "D:" + bits + "(A;;FA;;;BA)", sacl: "S:" + bits + "(AU;SA;FA;;;BA)",
		} {
			// Without an object each bit is stored as given (S-79).
			d, _ := sd.Set(&sd.SetRequest{Information: info, New: parse(stored), Bare: true})
			if got := text(t, d); got != stored {
				t.Errorf("the bare call stores %s, want %s", got, stored)
			}
		}
	}
}

// S-73: with a part its mark as defaulted is set, and with no other part.
func TestSetDefaulted(t *testing.T) {
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
			if st != ntstatus.Success || d.Control()&all != c.want {
				t.Errorf("setting %#x: %v, marks %#x, want %#x", info, st, d.Control()&all, c.want)
			}
		}
	}
}

func TestSetRefuses(t *testing.T) {
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
		{"label above, privilege", label, "", "S:(ML;;NW;;;HI)", func(r *sd.SetRequest) { r.Subject.Relabel = true },
			ntstatus.Success},
		{"S-73 a label that is not set is not looked at", dacl, "", "D:S:(ML;;NW;;;HI)", nil, ntstatus.Success},
		{"S-73 a trust label that is not set is not looked at", dacl, "", "D:S:(TL;;RC;;;S-1-19-512-4096)", nil,
			ntstatus.Success},
		{"label above, with the whole list", sacl, "", "S:(ML;;NW;;;HI)",
			func(r *sd.SetRequest) { r.Flags = sd.AvoidPrivilegeCheck }, ntstatus.PrivilegeNotHeld},
		{"label of the caller", label, "", "S:(ML;;NW;;;ME)", nil, ntstatus.Success},
		{"trust label", winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "", "S:(TL;;RC;;;S-1-19-512-4096)", nil,
			ntstatus.AccessDenied},
		{"trust label dominated", winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "", "S:(TL;;RC;;;S-1-19-512-4096)",
			func(r *sd.SetRequest) { r.Subject.Trust = trusted }, ntstatus.Success},
		{"old trust label higher", winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "S:(TL;;RC;;;S-1-19-1024-4096)", "S:",
			func(r *sd.SetRequest) { r.Subject.Trust = trusted }, ntstatus.AccessDenied},
	} {
		t.Run(c.id, func(t *testing.T) {
			r := &sd.SetRequest{Information: c.info, Old: parse(c.old), New: parse(c.in), Subject: caller()}
			if c.change != nil {
				c.change(r)
			}
			if _, st := sd.Set(r); st != c.want {
				t.Errorf("got %v, want %v", st, c.want)
			}
		})
	}
}

// Access to read and to change parts.
func TestInformationAccess(t *testing.T) {
	const rc, wd, wo, ass = winnt.READ_CONTROL, winnt.WRITE_DAC, winnt.WRITE_OWNER, winnt.ACCESS_SYSTEM_SECURITY
	for _, c := range []struct {
		info       uint32
		query, set winnt.AccessMask
	}{
		{owner, rc, wo}, {group, rc, wo}, {dacl, rc, wd}, {sacl, ass, ass}, {label, rc, wo},
		{winnt.ATTRIBUTE_SECURITY_INFORMATION, rc, wd}, {winnt.SCOPE_SECURITY_INFORMATION, rc, ass},
		{winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, rc, wd}, {winnt.ACCESS_FILTER_SECURITY_INFORMATION, rc, wd},
		{winnt.PROTECTED_DACL_SECURITY_INFORMATION, 0, wd}, {winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, 0, ass},
		{backup, rc | ass, wd | wo | ass}, {owner | dacl, rc, wo | wd},
	} {
		if q, s := sd.QueryAccess(c.info), sd.SetAccess(c.info); q != c.query || s != c.set {
			t.Errorf("%#x: query %v, set %v, want %v, %v", c.info, q, s, c.query, c.set)
		}
	}
}

func TestSelect(t *testing.T) {
	d := parse("O:BAG:SYD:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)")
	for info, want := range map[uint32]string{owner | dacl: "O:BAD:P(A;;FA;;;BA)", label: "S:AI(ML;;NW;;;LW)",
		group | sacl: "G:SYS:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)", winnt.SCOPE_SECURITY_INFORMATION: "",
		backup: "O:BAG:SYD:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)"} {
		if got := text(t, sd.Select(d, info)); got != want {
			t.Errorf("%#x: %s, want %s", info, got, want)
		}
	}
}

// What is left out takes its control bits with it, and no others.
func TestSelectTakesControlBits(t *testing.T) {
	parts := parse("O:BAG:SYD:(A;;FA;;;BA)S:(AU;SA;FA;;;WD)").Parts()
	bits := map[uint32]sd.Control{
		owner: sd.OwnerDefaulted, group: sd.GroupDefaulted,
		dacl: sd.DACLPresent | sd.DACLDefaulted | sd.DACLAutoInheritRequest | sd.DACLAutoInherited | sd.DACLProtected,
		sacl: sd.SACLPresent | sd.SACLDefaulted | sd.SACLAutoInheritRequest | sd.SACLAutoInherited | sd.SACLProtected,
	}
	for _, b := range bits {
		parts.Control |= b
	}
	d := sd.New(parts)
	for chosen := range uint32(16) {
		want := d.Control()
		for part, b := range bits {
			if chosen&part == 0 {
				want &^= b
			}
		}
		if got := sd.Select(d, chosen).Control(); got != want {
			t.Errorf("parts %#x: control %#x, want %#x", chosen, got, want)
		}
	}
}

// S-16: what is selected of a list has the list's revision.
func TestSelectKeepsTheRevision(t *testing.T) {
	for revision := byte(2); revision <= 4; revision++ {
		raw := append([]byte(nil), parse("S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)").Binary()...)
		raw[20] = revision
		d, err := sd.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := sd.Select(d, label).SACL().Revision(); got != revision {
			t.Errorf("revision %d became %d", revision, got)
		}
	}
}

func TestSetControl(t *testing.T) { // S-26
	if c, st := sd.SetControl(sd.DACLPresent, sd.DACLProtected|sd.DACLAutoInherited,
		sd.DACLProtected); st != ntstatus.Success || c != sd.DACLPresent|sd.DACLProtected {
		t.Error(c, st)
	}
	for bit := sd.Control(1); bit != 0; bit <<= 1 {
		want := ntstatus.InvalidParameter
		if bit >= sd.DACLTrusted && bit <= sd.SACLProtected {
			want = ntstatus.Success
		}
		if c, st := sd.SetControl(0, bit, bit); st != want || st == ntstatus.Success && c != bit {
			t.Errorf("bit %#x: %#x, %v, want %v", bit, c, st, want)
		}
	}
	if _, st := sd.SetControl(0, sd.DACLPresent, sd.DACLPresent); st != ntstatus.InvalidParameter {
		t.Error(st)
	}
}

// Canonical order: S-77.
func TestCanonicalize(t *testing.T) {
	for in, want := range map[string]string{
		"D:(A;;FA;;;BA)(D;;FW;;;BG)":                           "D:(D;;FW;;;BG)(A;;FA;;;BA)",
		"D:(A;ID;FA;;;BA)(A;;FR;;;WD)(D;ID;FW;;;BG)":           "D:(A;;FR;;;WD)(A;ID;FA;;;BA)(D;ID;FW;;;BG)",
		"D:(OA;;CR;;;BA)(A;;FA;;;BA)(OD;;CR;;;BA)(D;;CC;;;BA)": "D:(D;;CC;;;BA)(OD;;CR;;;BA)(A;;FA;;;BA)(OA;;CR;;;BA)",
		"S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)":                       "S:(ML;;NW;;;LW)(AU;SA;FA;;;WD)",
	} {
		d := sddl.MustParse(in)
		l := d.DACL()
		if l == nil {
			l = d.SACL()
		}
		out := sd.Canonicalize(l)
		p := sd.Parts{DACL: out}
		if d.DACL() == nil {
			p = sd.Parts{SACL: out}
		}
		if got := text(t, sd.New(p)); got != want || sd.IsCanonical(l) || !sd.IsCanonical(out) ||
			sd.Canonicalize(out) != out || out.Revision() != l.Revision() {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	if !sd.IsCanonical(nil) || sd.Canonicalize(nil) != nil {
		t.Error("no list is in order")
	}
}

// Re-propagation: S-78.
func TestPropagate(t *testing.T) {
	leaf := func(name, s string) *sd.Node { return &sd.Node{Name: name, Descriptor: sddl.MustParse(s)} }
	root := &sd.Node{Descriptor: sddl.MustParse("O:BAD:AI(A;OICI;FR;;;BU)(A;OICIIO;GA;;;CO)"), IsContainer: true,
		Children: []*sd.Node{
			{Name: "sub", IsContainer: true, Descriptor: sddl.MustParse("O:SYD:AI(D;;FW;;;BG)(A;OICIID;FA;;;WD)"),
				Children: []*sd.Node{
					leaf("file", "O:LSD:AI(A;ID;FA;;;WD)"), leaf("closed", "O:LSD:PAI(A;;FA;;;SY)"),
				}},
			leaf("same", "O:BUD:AI(A;ID;FR;;;BU)(A;ID;FA;;;BU)"), leaf("null", "D:NO_ACCESS_CONTROL"),
		}}
	want := map[string]string{
		"sub":      "O:SYD:AI(D;;FW;;;BG)(A;OICIID;FR;;;BU)(A;ID;FA;;;SY)(A;OICIIOID;GA;;;CO)",
		"sub/file": "O:LSD:AI(A;ID;FR;;;BU)(A;ID;FA;;;LS)",
	}
	n := 0
	for c := range sd.Propagate(root, &winnt.FileObject.Mapping) {
		name := c.Path[0]
		for _, p := range c.Path[1:] {
			name += "/" + p
		}
		if got := text(t, c.After); got != want[name] {
			t.Errorf("%s became %s, want %s", name, got, want[name])
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d changes, want %d", n, len(want))
	}
}

// A change that was kept stays what it was: its path is not that of a later one, at any depth.
func TestPropagateKept(t *testing.T) {
	of := func(name string, children ...*sd.Node) *sd.Node {
		return &sd.Node{Name: name, Descriptor: sddl.MustParse("O:SYD:AI"), IsContainer: true, Children: children}
	}
	pair := func(below ...*sd.Node) []*sd.Node { return []*sd.Node{of("x", below...), of("y", below...)} }
	below := pair()
	for range 5 {
		below = pair(below...)
	}
	root := &sd.Node{Descriptor: sddl.MustParse("O:BAD:AI(A;OICI;FR;;;BU)"), IsContainer: true, Children: below}
	var kept [][]string
	seen := map[string]bool{}
	for c := range sd.Propagate(root, &winnt.FileObject.Mapping) {
		kept = append(kept, c.Path)
		seen[strings.Join(c.Path, "/")] = true
	}
	again := map[string]bool{}
	for _, p := range kept {
		again[strings.Join(p, "/")] = true
	}
	if len(kept) != 126 || len(again) != 126 || !maps.Equal(seen, again) {
		t.Errorf("%d changes, %d paths when they were told, %d afterwards; want 126 of each",
			len(kept), len(seen), len(again))
	}
}

// SetEntriesInAcl, as documented.
func TestMerge(t *testing.T) {
	for _, c := range []struct {
		id, old, want string
		in            sd.Explicit
	}{
		{"grant", "D:(D;;FW;;;BG)(A;;FR;;;BA)(A;ID;FA;;;SY)", "D:(D;;FW;;;BG)(A;;FX;;;WD)(A;;FR;;;BA)(A;ID;FA;;;SY)",
			sd.Explicit{Mode: sd.GrantAccess, Mask: winnt.FILE_GENERIC_EXECUTE, Trustee: sid.Everyone}},
		{"grant adds", "D:(A;;CC;;;WD)", "D:(A;;CCDC;;;WD)",
			sd.Explicit{Mode: sd.GrantAccess, Mask: 2, Trustee: sid.Everyone}},
		{"set replaces", "D:(D;;FW;;;WD)(A;;CC;;;WD)(A;ID;CC;;;WD)", "D:(A;OICI;DC;;;WD)(A;ID;CC;;;WD)",
			sd.Explicit{Mode: sd.SetAccessMode, Mask: 2, Inheritance: 3, Trustee: sid.Everyone}},
		{"deny", "D:(A;;CCDC;;;WD)(A;;CC;;;BA)", "D:(D;;CC;;;WD)(A;;DC;;;WD)(A;;CC;;;BA)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Trustee: sid.Everyone}},
		{"deny leaves grants that are inherited otherwise", "D:(A;;CCDC;;;WD)(A;OICI;CCDC;;;WD)(A;OICIIO;CCDC;;;WD)",
			"D:(D;OICI;CC;;;WD)(A;;CCDC;;;WD)(A;OICI;DC;;;WD)(A;OICIIO;CCDC;;;WD)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Inheritance: 3, Trustee: sid.Everyone}},
		{"deny all of it", "D:(A;;CC;;;WD)", "D:(D;;CC;;;WD)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Trustee: sid.Everyone}},
		{"revoke", "D:(D;;CC;;;WD)(A;;CC;;;WD)(A;ID;CC;;;WD)(A;;CC;;;BA)", "D:(D;;CC;;;WD)(A;ID;CC;;;WD)(A;;CC;;;BA)",
			sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone}},
		{"nothing", "D:(A;;CC;;;WD)", "D:(A;;CC;;;WD)", sd.Explicit{Trustee: sid.Everyone}},
		{"object grant", "D:(A;;CC;;;WD)", "D:(A;;CC;;;WD)(OA;;DC;00000001-0000-0000-0000-000000000000;;WD)",
			sd.Explicit{Mode: sd.GrantAccess, Mask: 2, Trustee: sid.Everyone, ObjectType: &winnt.GUID{1}}},
		{"object revoke",
			"D:(OA;;DC;00000001-0000-0000-0000-000000000000;;WD)(OA;;DC;00000002-0000-0000-0000-000000000000;;WD)",
			"D:(OA;;DC;00000002-0000-0000-0000-000000000000;;WD)",
			sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone, ObjectType: &winnt.GUID{1}}},
		{"object deny", "D:(OA;;CCDC;;00000001-0000-0000-0000-000000000000;WD)",
			"D:(OD;;CC;;00000001-0000-0000-0000-000000000000;WD)(OA;;DC;;00000001-0000-0000-0000-000000000000;WD)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Trustee: sid.Everyone, InheritedObjectType: &winnt.GUID{1}}},
		{"from nothing", "", "D:(A;;CC;;;WD)", sd.Explicit{Mode: sd.GrantAccess, Mask: 1, Trustee: sid.Everyone}},
	} {
		t.Run(c.id, func(t *testing.T) {
			l, err := sd.Merge(parse(c.old).DACL(), c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, sd.New(sd.Parts{DACL: l})); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	l, err := sd.Merge(nil, sd.Explicit{Mode: sd.SetAuditFailure, Mask: 1, Trustee: sid.Everyone},
		sd.Explicit{Mode: sd.SetAuditSuccess, Mask: 2, Trustee: sid.Everyone})
	if err != nil || text(t, sd.New(sd.Parts{SACL: l})) != "S:(AU;SA;DC;;;WD)(AU;FA;CC;;;WD)" {
		t.Error(l.Slice(), err)
	}
	if _, err := sd.Merge(nil, sd.Explicit{Mode: sd.GrantAccess}); err == nil {
		t.Error("an entry without trustee was made")
	}
}
