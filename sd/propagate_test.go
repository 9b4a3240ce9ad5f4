package sd_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A kept change stays valid: later changes do not modify its path, at any depth.
func TestRetainedChangePathIsNotModified(t *testing.T) {
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
	check.That(t, len(kept) == 126 && len(again) == 126 && maps.Equal(seen, again),
		"%d changes with %d paths during the walk and %d afterwards, want 126 of each", len(kept), len(seen), len(again))
}

// A folder's new list reaches what inherits from it, and stops at a protected
// list.
func ExamplePropagate() {
	below := func(name, security string, children ...*sd.Node) *sd.Node {
		return &sd.Node{Name: name, Descriptor: sddl.MustParse(security), IsContainer: len(children) > 0, Children: children}
	}
	root := below("", "O:BAG:SYD:(A;OICI;FR;;;BU)", below("plans", "O:BAG:SYD:AI(A;OICIID;FA;;;WD)",
		below("q3.xlsx", "O:BAG:SYD:AI(A;ID;FA;;;WD)")), below("private", "O:BAG:SYD:P(A;;FA;;;BA)"))
	root.IsContainer = true
	for c := range sd.Propagate(root, &winnt.FileObject.Mapping) {
		var change sd.Change = c
		fmt.Println(strings.Join(change.Path, "/"), sddlOf(change.Before), "->", sddlOf(change.After))
	}
	// Output:
	// plans O:BAG:SYD:AI(A;OICIID;FA;;;WD) -> O:BAG:SYD:AI(A;OICIID;FR;;;BU)
	// plans/q3.xlsx O:BAG:SYD:AI(A;ID;FA;;;WD) -> O:BAG:SYD:AI(A;ID;FR;;;BU)
}

// One object moves below another parent: its inherited entries are replaced.
func ExampleReinherit() {
	parent := sddl.MustParse("D:(A;OICI;FR;;;BU)(A;OICIIO;FA;;;CO)")
	d := sddl.MustParse("O:BAG:SYD:AI(A;;FX;;;WD)(A;ID;FA;;;WD)")
	fmt.Println(sddlOf(sd.Reinherit(d, parent, &sd.Heir{Mapping: &winnt.FileObject.Mapping})))
	// Output: O:BAG:SYD:AI(A;;FX;;;WD)(A;ID;FR;;;BU)(A;ID;FA;;;BA)
}

// Inherited placeholders become the owner and the group of the object itself, in either list (S-68, S-78).
func TestInheritedPlaceholdersBecomeOwnerAndGroup(t *testing.T) {
	parent := sddl.MustParse("O:SYG:SYD:(A;OI;FR;;;CO)(A;OI;FW;;;CG)S:(AU;OISA;FR;;;CO)(AU;OISA;FW;;;CG)")
	d := sddl.MustParse("O:BAG:BUD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)")
	const want = "D:(A;;FA;;;WD)(A;ID;FR;;;BA)(A;ID;FW;;;BU)S:(AU;SA;FA;;;WD)(AU;IDSA;FR;;;BA)(AU;IDSA;FW;;;BU)"
	h := &sd.Heir{Mapping: &winnt.FileObject.Mapping}
	once := sd.Reinherit(d, parent, h)
	check.Equal(t, text(t, once), "O:BAG:BU"+want, "descriptor with placeholders")
	// A descriptor that does not change is not written again (S-78).
	check.That(t, sd.Reinherit(once, parent, h) == once, "inheriting again made another descriptor, want the same")
}

// Each list inherits unless it is protected itself, regardless of the other, throughout the tree (S-75, S-78).
func TestEachListInheritsUnlessProtected(t *testing.T) {
	const gives = "D:(A;OICI;FR;;;WD)S:(AU;OICISA;FR;;;WD)"
	for _, c := range []struct{ before, after string }{
		{"D:(A;;FA;;;BA)S:(AU;SA;FA;;;BA)", "D:(A;;FA;;;BA)(A;OICIID;FR;;;WD)S:(AU;SA;FA;;;BA)(AU;OICIIDSA;FR;;;WD)"},
		{"D:P(A;;FA;;;BA)S:(AU;SA;FA;;;BA)", "D:P(A;;FA;;;BA)S:(AU;SA;FA;;;BA)(AU;OICIIDSA;FR;;;WD)"},
		{"D:(A;;FA;;;BA)S:P(AU;SA;FA;;;BA)", "D:(A;;FA;;;BA)(A;OICIID;FR;;;WD)S:P(AU;SA;FA;;;BA)"},
		{"D:P(A;;FA;;;BA)S:P(AU;SA;FA;;;BA)", "D:P(A;;FA;;;BA)S:P(AU;SA;FA;;;BA)"},
		{"D:(A;ID;CC;;;BA)S:P(AU;IDSA;CC;;;BA)", "D:(A;OICIID;FR;;;WD)S:P(AU;IDSA;CC;;;BA)"},
		{"D:P(A;ID;CC;;;BA)S:(AU;IDSA;CC;;;BA)", "D:P(A;ID;CC;;;BA)S:(AU;OICIIDSA;FR;;;WD)"},
		{"S:(AU;SA;FA;;;BA)", "S:(AU;SA;FA;;;BA)(AU;OICIIDSA;FR;;;WD)"},
		{"D:(A;;FA;;;BA)S:(AU;OICIIDSA;FR;;;WD)", "D:(A;;FA;;;BA)(A;OICIID;FR;;;WD)S:(AU;OICIIDSA;FR;;;WD)"},
		{"D:(A;OICIID;FR;;;WD)S:(AU;SA;FA;;;BA)", "D:(A;OICIID;FR;;;WD)S:(AU;SA;FA;;;BA)(AU;OICIIDSA;FR;;;WD)"},
	} {
		grandchild := &sd.Node{Name: "leaf", Descriptor: sddl.MustParse("D:(A;ID;CC;;;BU)S:(AU;IDSA;CC;;;BU)")}
		child := &sd.Node{Name: "folder", Descriptor: sddl.MustParse(c.before), IsContainer: true,
			Children: []*sd.Node{grandchild}}
		root := &sd.Node{Descriptor: sddl.MustParse(gives), IsContainer: true, Children: []*sd.Node{child}}
		got := map[string]string{"folder": c.before}
		for change := range sd.Propagate(root, &winnt.FileObject.Mapping) {
			got[strings.Join(change.Path, "/")] = text(t, change.After)
		}
		check.Equal(t, got["folder"], c.after, "%s became", c.before)
		dacl, sacl := "D:(A;ID;FR;;;WD)", "S:(AU;IDSA;FR;;;WD)"
		if !strings.Contains(c.after, "(A;OICIID;FR;;;WD)") { // nothing comes down from a protected list
			dacl = "D:"
		}
		if !strings.Contains(c.after, "(AU;OICIIDSA;FR;;;WD)") {
			sacl = "S:"
		}
		check.Equal(t, got["folder/leaf"], dacl+sacl, "child of %s: descriptor", c.before)
	}
}

// After the visitor stops it gets no more changes, at any level, and a node without a descriptor changes nothing
// (S-78).
func TestPropagateStopsWithItsVisitor(t *testing.T) {
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
		check.That(t, len(got) == stop+1 && got[stop] == all[stop],
			"changes until the visitor stopped after %d: %v, want the last to be %v", stop+1, got, all[stop])
	}
	// Each child has classes of its own (S-69).
	named := &sd.Node{Descriptor: sddl.MustParse("D:(OA;CINP;CC;;00000001-0000-0000-0000-000000000000;WD)"),
		IsContainer: true, Children: []*sd.Node{leaf("other"), leaf("named")}}
	named.Children[1].ObjectTypes = []winnt.GUID{{1}}
	changed := ""
	for c := range sd.Propagate(named, nil) {
		changed += c.Path[0] + " " + sddlOf(c.After)
	}
	check.Equal(t, changed, "named O:SYD:AI(A;ID;CC;;;WD)", "changes by an entry for a class")
	for c := range sd.Propagate(nil, nil) {
		t.Errorf("Propagate below nothing changed %v", c.Path)
	}
	d := sd.Reinherit(nil, root.Descriptor, &sd.Heir{})
	check.That(t, d == nil, "Reinherit of a nil descriptor = %v, want nil", d)
}

// A list that would become too long does not change, and the other list inherits (S-78).
func TestReinheritLeavesTooLongList(t *testing.T) {
	d := with(sddl.MustParse("D:AIS:AI(AU;SA;FA;;;WD)"), func(p *sd.Parts) { p.DACL = filler(t, sd.AccessAllowed, 0, 0) })
	parent := sddl.MustParse("D:(A;OICI;FA;;;S-1-5-21-1-2-3-1107)S:(AU;OISA;FR;;;WD)")
	got := sd.Reinherit(d, parent, &sd.Heir{})
	check.That(t, got.DACL().Len() == d.DACL().Len() && got.SACL().Len() == 2,
		"%d and %d entries after a DACL that is too long, want %d, 2", got.DACL().Len(), got.SACL().Len(), d.DACL().Len())
	d = with(d, func(p *sd.Parts) { p.DACL = filler(t, sd.AccessAllowed, 0, 1) })
	if got := sd.Reinherit(d, parent, &sd.Heir{}); got.DACL().Len() != d.DACL().Len()+1 {
		t.Errorf("DACL has %d entries, want one more than %d", got.DACL().Len(), d.DACL().Len())
	}
}
