package fileaccess_test

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func ExampleVisible() {
	user, _ := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"type":"Impersonation"}`))
	s := access.SubjectOf(user)
	for _, text := range []string{"O:BAG:BAD:(A;;FR;;;WD)", "O:BAG:BAD:(A;;0x1;;;WD)"} {
		fmt.Println(fileaccess.Visible(&s, sddl.MustParse(text), winnt.FILE_ALL_ACCESS, nil))
	}
	// Output:
	// true
	// false
}

func ExampleVisibleEntries() {
	entries := []*sd.Descriptor{sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)"), sddl.MustParse("O:BAG:BAD:(A;;FA;;;BA)")}
	fmt.Println(fileaccess.VisibleEntries(entries,
		[]fileaccess.Viewer{{Subject: user(), Share: fileaccess.ShareReadRights}}, nil))
	// Output: [[true false]]
}
