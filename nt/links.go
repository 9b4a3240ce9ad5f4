package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// QuerySymbolicLinkObjectIn and QuerySymbolicLinkObjectOut are the parameters of
// NtQuerySymbolicLinkObject. MaximumLength is that of LinkTarget, in bytes;
// 0xFFFFFFFF stands for a buffer of the size that is needed.
type (
	QuerySymbolicLinkObjectIn struct {
		LinkHandle    winnt.Handle
		MaximumLength uint32 `default:"4294967295"`
		// FaultLinkTarget is the status of probing LinkTarget and ReturnedLength.
		FaultLinkTarget ntstatus.Status `param:"-"`
	}
	QuerySymbolicLinkObjectOut struct {
		LinkTarget     string
		ReturnedLength uint32 // bytes, the terminating NUL included; told also when MaximumLength is too small
	}
)

var rowQuerySymbolicLinkObject = Add(&NtTable, Entry[Services, QuerySymbolicLinkObjectIn, QuerySymbolicLinkObjectOut]{
	Meta: Meta{
		Name:    "NtQuerySymbolicLinkObject",
		Summary: "tells what a symbolic link stands for",
		Source:  "ZwQuerySymbolicLinkObject",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "a pointer cannot be read or written"},
			{ntstatus.InvalidHandle, "O-31", "LinkHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "LinkHandle is no symbolic link"},
			{ntstatus.AccessDenied, "O-31", "LinkHandle lacks SYMBOLIC_LINK_QUERY"},
			{ntstatus.BufferTooSmall, "O-143", "MaximumLength has no room for the text and its terminating NUL"},
		},
	},
	Call: Services.NtQuerySymbolicLinkObject,
})

// NtQuerySymbolicLinkObject returns the path that a link stands for; it needs
// SYMBOLIC_LINK_QUERY (ZwQuerySymbolicLinkObject).
func (t *Thread) NtQuerySymbolicLinkObject(link winnt.Handle) (string, ntstatus.Status) {
	in := QuerySymbolicLinkObjectIn{LinkHandle: link, MaximumLength: ^uint32(0)}
	out, st := call(t, rowQuerySymbolicLinkObject, in)
	return out.LinkTarget, st
}
