package fileaccess_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

func ExampleFromNFS4() {
	list, err := fileaccess.ParseNFS4("A::OWNER@:rwatTnNcCy, D:g:S-1-5-21-1-2-3-2001:w, A::EVERYONE@:rtncy")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, lost, _ := fileaccess.FromNFS4(list, sid.MustParse("S-1-5-21-1-2-3-1107"), sid.Users, nil)
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(text)
	fmt.Println(lost)
	back, _ := fileaccess.ToNFS4(d, nil)
	fmt.Print(fileaccess.FormatNFS4(back))
	// Output:
	// O:S-1-5-21-1-2-3-1107G:BUD:(A;;0x16019f;;;S-1-5-21-1-2-3-1107)(D;;DC;;;S-1-5-21-1-2-3-2001)(A;;FR;;;WD)
	// [owner and group fixed: OWNER@]
	// A::OWNER@:rwatTnNcCy
	// D::S-1-5-21-1-2-3-2001:w
	// A::EVERYONE@:rtncy
}

func ExampleParseNFS4() {
	for _, text := range []string{"A::OWNER@:r", "A::EVERYONE@:?"} {
		list, err := fileaccess.ParseNFS4(text)
		fmt.Println(len(list), errors.Is(err, fileaccess.ErrNFS4ACL))
	}
	list := []fileaccess.NFS4ACE{
		{Who: fileaccess.NFS4Owner, Mask: winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA},
		{Who: fileaccess.NFS4Group, Flags: fileaccess.NFS4IdentifierGroup, Mask: winnt.FILE_READ_DATA},
		{Who: fileaccess.NFS4Everyone, Type: fileaccess.NFS4Deny, Mask: winnt.FILE_WRITE_DATA},
	}
	fmt.Print(fileaccess.FormatNFS4(list))
	// Output:
	// 1 false
	// 0 true
	// A::OWNER@:rw
	// A:g:GROUP@:r
	// D::EVERYONE@:w
}
