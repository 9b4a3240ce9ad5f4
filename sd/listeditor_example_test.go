package sd_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A rule is added to a list, and its write right removed again.
func ExampleListEditor() {
	folder := sd.ListEditor{Container: true}
	show := func(l *sd.ACL, err error) *sd.ACL {
		if err != nil {
			fmt.Println(err)
			return l
		}
		text, _ := sddl.Format(sd.New(sd.Parts{DACL: l, Control: sd.DACLPresent}), sddl.Options{})
		fmt.Println(text)
		return l
	}
	list := sddl.MustParse("D:(A;OICI;FA;;;BA)(A;ID;FR;;;WD)").DACL()
	rule := sd.Rule{Mask: winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA, Trustee: sid.Users,
		Flags: sd.ContainerInherit | sd.ObjectInherit}
	list = show(folder.Add(list, rule))
	rule.Mask = winnt.FILE_WRITE_DATA
	list = show(folder.Remove(list, rule))
	rule.Mask = winnt.FILE_READ_DATA
	show(folder.RemoveExact(list, rule))
	_, err := folder.Add(sddl.MustParse("D:(A;;FA;;;BA)(D;;FW;;;WD)").DACL(), rule)
	fmt.Println(errors.Is(err, sd.ErrNotCanonical))
	_, err = folder.Add(nil, rule)
	fmt.Println(errors.Is(err, sd.ErrNoList))
	rule.Trustee = sid.Administrators
	rule.Flags = sd.ObjectInherit | sd.NoPropagateInherit | sd.InheritOnly
	_, err = folder.Remove(list, rule)
	fmt.Println(errors.Is(err, sd.ErrInexpressible))
	// Output:
	// D:(A;OICI;FA;;;BA)(A;OICI;CCDC;;;BU)(A;ID;FR;;;WD)
	// D:(A;OICI;FA;;;BA)(A;OICI;CC;;;BU)(A;ID;FR;;;WD)
	// D:(A;OICI;FA;;;BA)(A;ID;FR;;;WD)
	// true
	// true
	// true
}
