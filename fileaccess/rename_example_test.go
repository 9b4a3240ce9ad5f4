package fileaccess_test

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func ExampleDecideRename() {
	user, _ := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"type":"Impersonation"}`))
	m := fileaccess.Move{Subject: access.SubjectOf(user), Granted: winnt.DELETE, Face: fileaccess.SMB}
	m.Target.Object = fileaccess.Object{Exists: true, IsDirectory: true,
		Descriptor: sddl.MustParse("O:BAG:BAD:(A;;0x1200A9;;;WD)")}
	d := fileaccess.DecideRename(&m)
	fmt.Println(d.Status(), d.Rule)
	// Output: STATUS_ACCESS_DENIED F-44
}

func ExampleDecideLink() {
	m := fileaccess.Move{Subject: user(), Granted: winnt.FILE_WRITE_ATTRIBUTES}
	m.Target.Object = fileaccess.Object{Exists: true, IsDirectory: true,
		Descriptor: sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")}
	m.Existing = &fileaccess.Existing{}
	d := fileaccess.DecideLink(&m)
	fmt.Println(d.Status(), d.Rule)
	// Output: STATUS_OBJECT_NAME_COLLISION F-58
}
