package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A thread of another system has no files here, even if its handle is valid there.
func TestThreadOfAnotherSystemHasNoFiles(t *testing.T) {
	sys, other := kernel.Boot(kernel.Config{}), kernel.Boot(kernel.Config{})
	th := check.Must(check.Must(other.NewProcess("other", check.Must(token.New(token.LocalSystem())))).NewThread())
	null := nt.ObjectAttributes{ObjectName: `\??\NUL`}
	in := nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, ObjectAttributes: nt.Cap(&null),
		CreateDisposition: winnt.FILE_OPEN}
	h, _, st := th.NtCreateFile(in)
	check.Require(t, st, ntstatus.Success, "NtCreateFile")
	_, _, done, st := sys.TreeFile(th, h)
	done()
	got := map[string]ntstatus.Status{"TreeFile": st, "ListNames": check.Status(sys.ListNames(th, h, 0)),
		"RenamePosix": sys.RenamePosix(th, h, "x", nil, false, false), "LinkWithin": sys.LinkWithin(th, h, "x", nil),
		"MakeLink":     check.Status(sys.MakeLink(th, null, "x", nil)),
		"MakeNameless": check.Status(sys.MakeNameless(th, null, winnt.FILE_READ_DATA, nil, nil)),
		"CreateShaped": check.Status(sys.CreateShaped(th, in, nil, nil))}
	for name, st := range got {
		check.Equal(t, st, ntstatus.InvalidHandle, "%s", name)
	}
	_, _, st = sys.Contents(th, h, nil)
	got = map[string]ntstatus.Status{"Contents": st, "RecordUses": sys.RecordUses(th, h),
		"Refill": sys.Refill(th, h, h), "HandOut": check.Status(sys.HandOut(th, h, 0))}
	for name, st := range got {
		check.Equal(t, st, ntstatus.InvalidParameter, "%s", name)
	}
	check.That(t, !sys.ListsSameNames(th, h), "ListsSameNames returns true")
	check.NoError(t, sys.Close())
	check.NoError(t, other.Close())
}
