package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestQuerySymbolicLinkReturnsRequiredSize checks the right that a query needs, buffers that just fit and just do
// not, and the size that the query returns if the buffer is too small (O-143).
func TestQuerySymbolicLinkReturnsRequiredSize(t *testing.T) {
	th := newThread(t)
	const target = `\Device\Null` // 12 UTF-16 units and a NUL
	h := check.Result(th.NtCreateSymbolicLinkObject(winnt.SYMBOLIC_LINK_ALL_ACCESS, nil, target))
	badHandles(t, th, h, winnt.READ_CONTROL, winnt.NtCurrentProcess, func(h winnt.Handle) ntstatus.Status {
		return check.Status(th.NtQuerySymbolicLinkObject(h))
	})
	for _, c := range []struct {
		name string
		in   nt.QuerySymbolicLinkObjectIn
		want nt.QuerySymbolicLinkObjectOut
		st   ntstatus.Status
	}{
		{"exactly enough", nt.QuerySymbolicLinkObjectIn{LinkHandle: h, MaximumLength: 26},
			nt.QuerySymbolicLinkObjectOut{LinkTarget: target, ReturnedLength: 26}, ntstatus.Success},
		{"no room for the NUL", nt.QuerySymbolicLinkObjectIn{LinkHandle: h, MaximumLength: 25},
			nt.QuerySymbolicLinkObjectOut{ReturnedLength: 26}, ntstatus.BufferTooSmall},
		{"no room", nt.QuerySymbolicLinkObjectIn{LinkHandle: h},
			nt.QuerySymbolicLinkObjectOut{ReturnedLength: 26}, ntstatus.BufferTooSmall},
		{"no room, and the handle", nt.QuerySymbolicLinkObjectIn{LinkHandle: 0x7770},
			nt.QuerySymbolicLinkObjectOut{}, ntstatus.InvalidHandle},
		{"the pointer, and the handle", nt.QuerySymbolicLinkObjectIn{LinkHandle: 0x7770, FaultLinkTarget: unread(1)},
			nt.QuerySymbolicLinkObjectOut{}, unread(1)},
	} {
		out, st := th.Services().NtQuerySymbolicLinkObject(c.in)
		check.That(t, st == c.st && out == c.want, "%s: %+v, %v, want %+v, %v", c.name, out, st, c.want, c.st)
	}
	_, st := th.Services().NtCreateSymbolicLinkObject(nt.CreateSymbolicLinkObjectIn{
		LinkTarget: nt.Captured[string]{Status: unread(1)}})
	want(t, "a target that cannot be read", st, unread(1))
	long := `\` + strings.Repeat("a", 300)
	h = check.Result(th.NtCreateSymbolicLinkObject(winnt.SYMBOLIC_LINK_ALL_ACCESS, nil, long))
	check.Equal(t, check.Result(th.NtQuerySymbolicLinkObject(h)), long, "a long target")
}
