package fileaccess_test

import (
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A key file that denies Guests, and whose inherited entry lets Users read.
func ExamplePrivate() {
	alice := sid.MustParse("S-1-5-21-1-2-3-1107")
	p, err := fileaccess.Private(&fileaccess.PrivateRequest{User: alice,
		Object: sddl.MustParse("O:S-1-5-21-1-2-3-1107D:(D;;FA;;;BG)(A;;FA;;;S-1-5-21-1-2-3-1107)(A;ID;FR;;;BU)")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Private())
	for _, x := range p.Others {
		fmt.Println(sid.Name(x.SID), winnt.FileObject.Names(x.Rights), x.Entries)
	}
	// Output:
	// false
	// Users FILE_READ_DATA|FILE_READ_EA [2]
}

func ExampleBypass() {
	fmt.Println(fileaccess.Bypass().Names())
	// Output: [SeTakeOwnershipPrivilege SeBackupPrivilege SeRestorePrivilege SeRelabelPrivilege]
}
