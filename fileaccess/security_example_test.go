package fileaccess_test

import (
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

func ExampleQuerySecurity() {
	h := fileaccess.Handle{Granted: winnt.READ_CONTROL}
	d := sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)S:(AU;FA;FA;;;WD)")
	for _, info := range []uint32{winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION} {
		part, st := fileaccess.QuerySecurity(&h, d, info)
		fmt.Println(st, part != nil)
	}
	// Output:
	// STATUS_SUCCESS true
	// STATUS_ACCESS_DENIED false
}

func ExampleSetSecurity() {
	h := fileaccess.Handle{Granted: winnt.WRITE_DAC}
	old := sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")
	d, st := fileaccess.SetSecurity(&h, &fileaccess.SecurityChange{
		Information: winnt.DACL_SECURITY_INFORMATION, Old: old, New: sddl.MustParse("D:(A;;FR;;;WD)"), Subject: user(),
	})
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(st, text)
	// Output: STATUS_SUCCESS O:BAG:BAD:(A;;FR;;;WD)
}

// QueryRights and SetRights return the rights that a handle needs for a call. Package fileaccess also names common
// rights of shares.
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
