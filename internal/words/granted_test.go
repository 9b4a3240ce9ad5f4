package words_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// Every bit of a mask has a word or a name, once (B-118).
func TestRightsNameEveryBit(t *testing.T) {
	for _, c := range []struct {
		m    winnt.AccessMask
		typ  *winnt.ObjectType
		want string
	}{
		{0, winnt.FileObject, "[]"},
		{0x120089, winnt.FileObject, "[read]"},
		{0x1300A9, winnt.FileObject, "[read list DELETE]"},
		{0x160089, winnt.FileObject, "[read control WRITE_DAC]"},
		{0x60000, winnt.FileObject, "[control READ_CONTROL WRITE_DAC]"},
		{0x1, winnt.FileObject, "[FILE_READ_DATA]"},
		{0x1F01FF, winnt.FileObject, "[read write modify full list control]"},
		{0x11F01FF, winnt.FileObject, "[read write modify full list control ACCESS_SYSTEM_SECURITY]"},
		{0x20094, winnt.DirectoryServiceObject, "[read list]"},
		{0x200B4, winnt.DirectoryServiceObject, "[read list WriteProperty]"},
		{0xE0094, winnt.DirectoryServiceObject, "[read list control WriteDacl WriteOwner]"},
		{0x10143, winnt.DirectoryServiceObject,
			"[CreateChild DeleteChild ADS_RIGHT_DS_DELETE_TREE AllExtendedRights DELETE]"},
		{0x3000000, winnt.FileObject, "[ACCESS_SYSTEM_SECURITY MAXIMUM_ALLOWED]"},
		{0xF0000000, winnt.FileObject, "[GENERIC_ALL GENERIC_EXECUTE GENERIC_WRITE GENERIC_READ]"},
	} {
		check.Equal(t, fmt.Sprint(words.Rights(c.m, c.typ)), c.want, "%#x of %s", uint32(c.m), c.typ.Name)
	}
}
