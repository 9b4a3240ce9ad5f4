package fileaccess_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sddl"
)

func ExampleFromMode() {
	d, lost, _ := fileaccess.FromMode(1000, 100, 0o4640, false, nil)
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(text)
	fmt.Println(lost)
	// Output:
	// O:S-1-22-1-1000G:S-1-22-2-100D:P(A;;0x16019f;;;S-1-22-1-1000)(A;;FR;;;S-1-22-2-100)(A;;0x120080;;;WD)
	// [special bits: 04000]
}

func ExampleFromPOSIX() {
	acl := fileaccess.POSIXACL{
		{Tag: fileaccess.POSIXOwner, Perm: 6}, {Tag: fileaccess.POSIXUser, ID: 1001, Perm: 0},
		{Tag: fileaccess.POSIXGroupOwner, Perm: 4}, {Tag: fileaccess.POSIXMask, Perm: 4}, {Tag: fileaccess.POSIXOther,
			Perm: 4},
	}
	d, lost, _ := fileaccess.FromPOSIX(&fileaccess.POSIX{User: 1000, Group: 100, Access: acl}, nil)
	for _, a := range d.DACL().All() {
		text, _ := sddl.FormatACE(a, sddl.Options{})
		fmt.Println(text)
	}
	fmt.Println(lost)
	// Output:
	// (A;;0x16019f;;;S-1-22-1-1000)
	// (A;;0x120080;;;S-1-22-1-1001)
	// (D;;CCSW;;;S-1-22-1-1001)
	// (A;;FR;;;S-1-22-2-100)
	// (A;;FR;;;WD)
	// [mask folded into the entries]
}

func ExampleToPOSIX() {
	p, lost := fileaccess.ToPOSIX(sddl.MustParse("O:S-1-22-1-1000G:S-1-22-2-100D:(A;;FA;;;S-1-22-1-1000)(A;;FR;;;WD)"),
		false, nil)
	fmt.Printf("%o %v\n", p.Mode, lost)
	// Output: 744 [rights without permission: S-1-22-1-1000 0x90000]
}

func ExampleDecodePOSIX() {
	l, err := fileaccess.DecodePOSIX(fileaccess.ModeACL(0o640).Append(nil))
	fmt.Printf("%o %v\n", l.Mode(), err)
	// Output: 640 <nil>
}

func ExampleUnixUser() {
	fmt.Println(fileaccess.UnixUser(1000), fileaccess.UnixGroup(100))
	_, err := fileaccess.DecodePOSIX([]byte{3, 0, 0, 0})
	fmt.Println(errors.Is(err, fileaccess.ErrPOSIXACL))
	// Output:
	// S-1-22-1-1000 S-1-22-2-100
	// true
}
