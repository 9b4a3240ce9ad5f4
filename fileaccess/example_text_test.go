package fileaccess_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/winnt"
)

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

func ExampleUnixUser() {
	fmt.Println(fileaccess.UnixUser(1000), fileaccess.UnixGroup(100))
	_, err := fileaccess.DecodePOSIX([]byte{3, 0, 0, 0})
	fmt.Println(errors.Is(err, fileaccess.ErrPOSIXACL))
	// Output:
	// S-1-22-1-1000 S-1-22-2-100
	// true
}

// A server that looks a path up itself: the name first, then, where the lookup
// stopped at a link, what the client has to resolve anew.
func ExampleRequest_Unparsed() {
	r := fileaccess.Request{Name: `reports\now\q3.xlsx`}
	fmt.Println(fileaccess.ValidName(r.Name), fileaccess.ValidName(`reports\..\q3.xlsx`))
	fmt.Println(r.Unparsed(1))
	// Output:
	// true false
	// \q3.xlsx
}

// The rights that a call needs of its handle, before the call is made.
func ExampleQueryRights() {
	const both = winnt.OWNER_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION
	fmt.Println(fileaccess.QueryRights(both), fileaccess.SetRights(both))
	fmt.Println(fileaccess.ShareReadRights, fileaccess.ShareChangeRights, fileaccess.ShareFullRights)
	fmt.Println(fileaccess.SharesModes(winnt.FILE_READ_ATTRIBUTES), fileaccess.SharesModes(winnt.FILE_READ_DATA))
	// Output:
	// 0x1020000 0x1080000
	// 0x1200a9 0x1301bf 0x1f01ff
	// false true
}
