package sd_test

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// sddlOf prints a descriptor.
func sddlOf(d *sd.Descriptor) string {
	s, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return s
}

// A folder's new list reaches what inherits from it, and stops at a protected
// list.
func ExamplePropagate() {
	below := func(name, security string, children ...*sd.Node) *sd.Node {
		return &sd.Node{Name: name, Descriptor: sddl.MustParse(security), IsContainer: len(children) > 0,
			Children: children}
	}
	root := below("", "O:BAG:SYD:(A;OICI;FR;;;BU)",
		below("plans", "O:BAG:SYD:AI(A;OICIID;FA;;;WD)", below("q3.xlsx", "O:BAG:SYD:AI(A;ID;FA;;;WD)")),
		below("private", "O:BAG:SYD:P(A;;FA;;;BA)"))
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

func ExampleSetControl() {
	c, st := sd.SetControl(sd.DACLPresent, sd.DACLProtected, sd.DACLProtected)
	fmt.Println(c == sd.DACLPresent|sd.DACLProtected, st)
	_, st = sd.SetControl(c, sd.DACLPresent, 0) // what is there cannot be switched off
	fmt.Println(st)
	// Output:
	// true STATUS_SUCCESS
	// STATUS_INVALID_PARAMETER
}
