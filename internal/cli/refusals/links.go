package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// link returns a handle with the given rights to a new symbolic link.
func (w *world) link(rights winnt.AccessMask) winnt.Handle {
	l := ob.NewSymbolicLink(folder, open())
	w.drop = append(w.drop, func() { l.Deref(ob.TagCall) })
	return w.handle(l, rights)
}

var _ = define(setup[*nt.QuerySymbolicLinkObjectIn]{
	names: []string{"NtQuerySymbolicLinkObject", "ZwQuerySymbolicLinkObject"},
	base: func(w *world) *nt.QuerySymbolicLinkObjectIn {
		return &nt.QuerySymbolicLinkObjectIn{LinkHandle: w.link(winnt.SYMBOLIC_LINK_QUERY), MaximumLength: 100}
	},
	refusals: append(handles("O-31", "LinkHandle", "LinkHandle",
		func(in *nt.QuerySymbolicLinkObjectIn) *winnt.Handle { return &in.LinkHandle },
		func(w *world) winnt.Handle { return w.link(winnt.READ_CONTROL) }),
		refusal[*nt.QuerySymbolicLinkObjectIn]{rule: "O-143", want: ntstatus.BufferTooSmall, name: "no room", takes: "length",
			inject: func(_ *world, in *nt.QuerySymbolicLinkObjectIn) { in.MaximumLength = 35 }},
		refusal[*nt.QuerySymbolicLinkObjectIn]{rule: "O-3", want: ntstatus.AccessViolation,
			name: "LinkTarget cannot be written", takes: "pointer", needs: pointers,
			inject: func(_ *world, in *nt.QuerySymbolicLinkObjectIn) { in.FaultLinkTarget = ntstatus.AccessViolation }}),
})
