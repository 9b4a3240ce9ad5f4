package sd_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// plainACE is an entry as text fields. The twin uses no other data.
type plainACE struct{ kind, flags, rights, object, class, who string }

func (a plainACE) String() string {
	return "(" + strings.Join([]string{a.kind, a.flags, a.rights, a.object, a.class, a.who}, ";") + ")"
}

const class1, class2 = "bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a86-0de6-11d0-a285-00aa003049e2"

// inheritACE returns the entries that a child of class1 inherits by S-66 to S-69.
// Its owner is SY and its group BA. GR maps to FR, and GA to FA.
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

// Inherit and the twin agree on random lists (S-66, S-67, S-68, S-69).
func TestInheritMatchesTwin(t *testing.T) {
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
		l := check.Must(sd.NewACL(sd.Inherit(parent, h, true)...))
		if got := text(t, sd.New(sd.Parts{DACL: l})); got != "D:"+want.String() {
			t.Fatalf("seed %d, container %v\nparent %s\n got  %s\nwant D:%s", seed, container, in.String(), got, want.String())
		}
	}
}

// S-13, S-14: entries of unknown types, or in the wrong list, survive the inheritance of their neighbours, and an
// unknown one is inherited unchanged.
func TestUnknownTypesAreInheritedUnchanged(t *testing.T) {
	odd, _ := sd.RawACE(0x99, sd.ObjectInherit, []byte("whatever"))
	// Of a resource attribute, these bytes would say that it is not inherited (S-70).
	more := sd.ACEExtra{AppData: []byte{8: 1, 11: 0}}
	audit, _ := sd.NewACE(sd.SystemAudit, sd.ObjectInherit|sd.SuccessfulAccess, winnt.GENERIC_READ, sid.Everyone, more)
	got := sd.Inherit(check.Must(sd.NewACL(odd, audit)), &sd.Heir{Mapping: &winnt.FileObject.Mapping}, false)
	if len(got) != 2 || got[0].AppData() != "whatever" || got[0].Flags() != 0 ||
		got[1].Mask() != winnt.FILE_GENERIC_READ || got[1].Flags() != sd.SuccessfulAccess {
		t.Errorf("inherited entries = %x, want the unknown one unchanged and the audit entry mapped", got)
	}
}

func ExampleInherit() {
	parent := sddl.MustParse("D:(A;OICI;FR;;;BU)(A;CI;FW;;;BA)").DACL()
	for _, container := range []bool{true, false} {
		entries := sd.Inherit(parent, &sd.Heir{Container: container, Owner: sid.Administrators}, true)
		fmt.Print(len(entries))
		for _, a := range entries {
			flags, effective, ok := sd.InheritFlags(a.Flags(), false)
			fmt.Printf(" %v of %s (below: %#x %t %t)", a.Mask(), a.WithSID(sid.Users).SID(), flags, effective, ok)
		}
		fmt.Println()
	}
	// Output:
	// 2 0x120089 of S-1-5-32-545 (below: 0x0 true true) 0x120116 of S-1-5-32-545 (below: 0x0 false false)
	// 1 0x120089 of S-1-5-32-545 (below: 0x0 false false)
}
