package sd_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// plainACE is an entry as text fields: the twin works on nothing else.
type plainACE struct{ kind, flags, rights, object, class, who string }

func (a plainACE) String() string {
	return "(" + strings.Join([]string{a.kind, a.flags, a.rights, a.object, a.class, a.who}, ";") + ")"
}

const class1, class2 = "bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a86-0de6-11d0-a285-00aa003049e2"

// inheritACE is S-66 to S-69 in words: what a child of class1 gets. Owner is
// SY, group BA; GR means FR on it and GA means FA.
func inheritACE(a plainACE, container bool) []plainACE {
	has := func(f string) bool {
		for i := 0; i+2 <= len(a.flags); i += 2 {
			if a.flags[i:i+2] == f {
				return true
			}
		}
		return false
	}
	on := has("CI")
	if !container {
		on = has("OI")
	}
	further := container && !has("NP") && (has("OI") || has("CI"))
	effective := a
	effective.flags = "ID"
	switch a.rights {
	case "GR":
		effective.rights = "FR"
	case "GA":
		effective.rights = "FA"
	}
	switch a.who {
	case "CO":
		effective.who = "SY"
	case "CG":
		effective.who = "BA"
	}
	if a.class != "" {
		effective.class = ""
		if a.object == "" {
			effective.kind = strings.TrimPrefix(a.kind, "O")
		}
		on = on && a.class == class1
	}
	stored := a
	stored.flags = ""
	if has("OI") {
		stored.flags += "OI"
	}
	if has("CI") {
		stored.flags += "CI"
	}
	same := effective
	same.flags = stored.flags + "ID"
	keep := stored
	keep.flags += "ID"
	stored.flags += "IOID"
	switch {
	case on && further && same == keep:
		return []plainACE{keep}
	case on && further:
		return []plainACE{effective, stored}
	case on:
		return []plainACE{effective}
	case further:
		return []plainACE{stored}
	}
	return nil
}

// Inherit against the twin, on random lists: S-66, S-67, S-68, S-69.
func TestInheritTwin(t *testing.T) {
	seed := randtest.Seed(t)
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	g, _ := winnt.ParseGUID(class1)
	for range 3000 {
		var in, want strings.Builder
		container := r.IntN(2) == 0
		for range r.IntN(6) {
			a := plainACE{kind: pick("A", "D", "OA", "OD"), rights: pick("GR", "GA", "CC", "FA"),
				who: pick("CO", "CG", "WD", "OW")}
			for _, f := range []string{"OI", "CI", "NP", "IO"} {
				if r.IntN(2) == 0 {
					a.flags += f
				}
			}
			if strings.HasPrefix(a.kind, "O") {
				a.object, a.class = pick("", class2), pick("", class1, class2)
			}
			fmt.Fprint(&in, a)
			for _, x := range inheritACE(a, container) {
				fmt.Fprint(&want, x)
			}
		}
		parent := sddl.MustParse("D:" + in.String()).DACL()
		h := &sd.Heir{Container: container, ObjectTypes: []winnt.GUID{g}, Owner: sid.LocalSystem, Group: sid.Administrators,
			Mapping: &winnt.FileObject.Mapping}
		l, err := sd.NewACL(sd.Inherit(parent, h, true)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, sd.New(sd.Parts{DACL: l})); got != "D:"+want.String() {
			t.Fatalf("seed %d, container %v\nparent %s\ngot    %s\nwant D:%s", seed, container, in.String(), got, want.String())
		}
	}
}

// A descriptor inherited anew twice is the same as once (S-78).
func TestReinheritIsStable(t *testing.T) {
	parent := sddl.MustParse("D:(A;OICI;GA;;;CO)(D;CI;FW;;;BG)(A;OIIO;FR;;;BU)S:(AU;OISAFA;FA;;;WD)")
	for _, s := range []string{"O:SYG:BAD:(A;;FA;;;BA)(A;ID;CC;;;WD)S:AI(ML;;NW;;;LW)(AU;IDSA;CC;;;WD)",
		"O:SYG:BAD:PAI(A;ID;FA;;;BA)", ""} {
		h := &sd.Heir{Container: true, Mapping: &winnt.FileObject.Mapping}
		once := sd.Reinherit(sddl.MustParse(s), parent, h)
		if twice := sd.Reinherit(once, parent, h); twice != once {
			t.Errorf("%s changes twice: %s, %s", s, text(t, once), text(t, twice))
		}
	}
}

// Each list is inherited anew unless that list is protected: the protection of
// one says nothing of the other, and goes down the tree in the same way (S-75, S-78).
// Placeholders that come down stand for the owner and the group of the object itself,
// in either list (S-68, S-78).
func TestReinheritPlaceholders(t *testing.T) {
	parent := sddl.MustParse("O:SYG:SYD:(A;OI;FR;;;CO)(A;OI;FW;;;CG)S:(AU;OISA;FR;;;CO)(AU;OISA;FW;;;CG)")
	d := sddl.MustParse("O:BAG:BUD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)")
	const want = "D:(A;;FA;;;WD)(A;ID;FR;;;BA)(A;ID;FW;;;BU)S:(AU;SA;FA;;;WD)(AU;IDSA;FR;;;BA)(AU;IDSA;FW;;;BU)"
	if got := text(t, sd.Reinherit(d, parent, &sd.Heir{Mapping: &winnt.FileObject.Mapping})); got != "O:BAG:BU"+want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A list that is inherited anew keeps its revision, although what comes down needs less (S-16, S-78).
func TestReinheritRevision(t *testing.T) {
	b := []byte(sddl.MustParse("D:(A;;FA;;;BA)").DACL().Binary())
	b[0] = 4
	old, _, err := sd.DecodeACL(b)
	if err != nil {
		t.Fatal(err)
	}
	gives := sddl.MustParse("D:(A;OI;FR;;;WD)S:(AU;OISA;FR;;;WD)")
	d := sd.Reinherit(sd.New(sd.Parts{DACL: old, SACL: old}), gives, &sd.Heir{})
	if d.DACL().Revision() != 4 || d.DACL().Len() != 2 || d.SACL().Revision() != 4 || d.SACL().Len() != 2 {
		t.Errorf("revisions %d and %d of %s", d.DACL().Revision(), d.SACL().Revision(), text(t, d))
	}
}

func TestReinheritProtection(t *testing.T) {
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
		if got["folder"] != c.after {
			t.Errorf("%s becomes %s, want %s", c.before, got["folder"], c.after)
		}
		dacl, sacl := "D:(A;ID;FR;;;WD)", "S:(AU;IDSA;FR;;;WD)"
		if !strings.Contains(c.after, "(A;OICIID;FR;;;WD)") { // nothing comes down from a protected list
			dacl = "D:"
		}
		if !strings.Contains(c.after, "(AU;OICIIDSA;FR;;;WD)") {
			sacl = "S:"
		}
		if got["folder/leaf"] != dacl+sacl {
			t.Errorf("below %s: %s, want %s", c.before, got["folder/leaf"], dacl+sacl)
		}
	}
}

// S-13, S-14: types in the wrong list and unknown ones survive inheritance of
// their neighbours, and an unknown one is inherited as it is.
func TestInheritOddTypes(t *testing.T) {
	odd, _ := sd.RawACE(0x99, sd.ObjectInherit, []byte("whatever"))
	audit, _ := sd.NewACE(sd.SystemAudit, sd.ObjectInherit|sd.SuccessfulAccess, winnt.GENERIC_READ, sid.Everyone)
	l, err := sd.NewACL(odd, audit)
	if err != nil {
		t.Fatal(err)
	}
	got := sd.Inherit(l, &sd.Heir{Mapping: &winnt.FileObject.Mapping}, false)
	if len(got) != 2 || got[0].AppData() != "whatever" || got[0].Flags() != 0 ||
		got[1].Mask() != winnt.FILE_GENERIC_READ || got[1].Flags() != sd.SuccessfulAccess {
		t.Errorf("%x", got)
	}
}
