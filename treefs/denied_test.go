package treefs_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/treefs"
)

// The text of a Denied is one line with the status, the rule, and the denied rights with their entries. It does not
// have granted rights or the verdict. The zero value is "denied".
func TestDeniedTextIsOneLine(t *testing.T) {
	for _, c := range []struct {
		d    treefs.Denied
		want string
	}{
		{treefs.Denied{}, "denied"},
		{treefs.Denied{Err: ntstatus.AccessDenied.Err()}, "STATUS_ACCESS_DENIED (0xC0000022)"},
		{treefs.Denied{Err: ntstatus.AccessDenied.Err(), Why: nt.Why{Rule: "F-44", Because: "DENIED STATUS_ACCESS_DENIED " +
			"by F-44\n0x1   FILE_READ_DATA  refused  NoAce\n0x80  FILE_READ_ATTRIBUTES  granted  ParentAllow\n\nA-40: no " +
			"entry allows them\n"}}, "STATUS_ACCESS_DENIED (0xC0000022) by F-44: 0x1 FILE_READ_DATA refused: NoAce; " +
			"A-40: no entry allows them"},
		{treefs.Denied{Err: ntstatus.BadImpersonationLevel.Err()}, "STATUS_BAD_IMPERSONATION_LEVEL (0xC00000A5): the " +
			"thread has ended, or may only identify its client: give the token of the server's process " +
			"SeImpersonatePrivilege"},
	} {
		check.Equal(t, c.d.Error(), c.want, "Error()")
		check.That(t, c.d.Err == nil || errors.Is(&c.d, fs.ErrPermission),
			"errors.Is(%v, fs.ErrPermission) = false, want true", &c.d)
	}
}
