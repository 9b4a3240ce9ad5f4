package sd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// S-13, S-14: entries of unknown types, or in the wrong list, survive the inheritance of their neighbours, and an
// unknown one is inherited unchanged.
func TestUnknownTypesAreInheritedUnchanged(t *testing.T) {
	data := strings.Repeat("whatever", 1000)
	odd, _ := sd.RawACE(0x99, sd.ObjectInherit, []byte(data))
	// Of a resource attribute, these bytes would say that it is not inherited (S-70).
	more := sd.ACEExtra{AppData: []byte{8: 1, 11: 0}}
	audit, _ := sd.NewACE(sd.SystemAudit, sd.ObjectInherit|sd.SuccessfulAccess, winnt.GENERIC_READ, sid.Everyone, more)
	got := sd.Inherit(check.Must(sd.NewACL(odd, audit)), &sd.Heir{Mapping: &winnt.FileObject.Mapping}, false)
	check.That(t, len(got) == 2 && got[0].AppData() == data && got[0].Flags() == 0 &&
		got[1].Mask() == winnt.FILE_GENERIC_READ && got[1].Flags() == sd.SuccessfulAccess,
		"inherited entries = %x, want the unknown one unchanged and the audit entry mapped", got)
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
