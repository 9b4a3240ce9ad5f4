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

// A thread of another system, or of none, has no files here, even if its handle is valid there. The status differs from
// that of a file in no tree.
func TestThreadOfAnotherSystemHasNoFiles(t *testing.T) {
	null := nt.ObjectAttributes{ObjectName: `\??\NUL`}
	in := nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, ObjectAttributes: nt.Cap(&null),
		CreateDisposition: winnt.FILE_OPEN}
	sys, own := threadOf(t, kernel.Config{}, token.LocalSystem())
	_, other := threadOf(t, kernel.Config{}, token.LocalSystem())
	var h winnt.Handle // the same in both
	for _, th := range []*nt.Thread{own, other} {
		var st ntstatus.Status
		h, _, st = th.NtCreateFile(in)
		check.Require(t, st, ntstatus.Success, "NtCreateFile")
	}
	alien := nt.NewThread(struct{ nt.Services }{}, "alien")
	const invalid, unknown = ntstatus.InvalidHandle, ntstatus.InvalidParameter
	for name, c := range map[string]struct {
		call       func(th *nt.Thread) ntstatus.Status
		other, own ntstatus.Status
	}{
		"TreeFile": {func(th *nt.Thread) ntstatus.Status {
			_, _, done, st := sys.TreeFile(th, h)
			done()
			return st
		}, invalid, ntstatus.ObjectTypeMismatch},
		"ListNames": {func(th *nt.Thread) ntstatus.Status { return check.Status(sys.ListNames(th, h, 0)) }, invalid,
			unknown},
		"RenamePosix": {func(th *nt.Thread) ntstatus.Status { return sys.RenamePosix(th, h, "x", nil, false, false) },
			invalid, ntstatus.ObjectTypeMismatch},
		"LinkWithin": {func(th *nt.Thread) ntstatus.Status { return sys.LinkWithin(th, h, "x", nil) }, invalid,
			ntstatus.ObjectTypeMismatch},
		"MakeLink": {func(th *nt.Thread) ntstatus.Status { return check.Status(sys.MakeLink(th, null, "x", nil)) },
			invalid, ntstatus.NotSupported},
		"MakeNameless": {func(th *nt.Thread) ntstatus.Status {
			return check.Status(sys.MakeNameless(th, null, winnt.FILE_READ_DATA, nil, nil))
		}, invalid, ntstatus.NotSupported},
		"CreateShaped": {func(th *nt.Thread) ntstatus.Status {
			return check.Status(sys.CreateShaped(th, in, nil, nil))
		}, invalid, ntstatus.NotSupported},
		"Contents": {func(th *nt.Thread) ntstatus.Status { _, _, st := sys.Contents(th, h, nil); return st }, unknown,
			ntstatus.NotSupported},
		"RecordUses": {func(th *nt.Thread) ntstatus.Status { return sys.RecordUses(th, h) }, unknown, ntstatus.Success},
		"Refill": {func(th *nt.Thread) ntstatus.Status { return sys.Refill(th, h, h) }, unknown,
			ntstatus.NotSupported},
		"HandOut": {func(th *nt.Thread) ntstatus.Status { return check.Status(sys.HandOut(th, h, 0)) }, unknown,
			ntstatus.NotSupported},
	} {
		check.Equal(t, c.call(other), c.other, "%s with a thread of another system", name)
		check.Equal(t, c.call(alien), c.other, "%s with a thread of no system", name)
		check.Equal(t, c.call(own), c.own, "%s with a file in no tree", name)
	}
	for _, th := range []*nt.Thread{other, alien} {
		client, names := sys.OpenedAs(th, h)
		check.That(t, !sys.ListsSameNames(th, h) && client == nil && names == nil,
			"ListsSameNames or OpenedAs knows a thread of another system")
	}
	check.That(t, sys.ThreadObject(alien) == nil, "ThreadObject of a thread of no system, want nil")
}
