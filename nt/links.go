package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// QuerySymbolicLinkObjectIn and QuerySymbolicLinkObjectOut are the parameters of NtQuerySymbolicLinkObject.
// MaximumLength is that of LinkTarget, in bytes; 0xFFFFFFFF means a buffer of the required size.
type (
	QuerySymbolicLinkObjectIn struct {
		LinkHandle    winnt.Handle
		MaximumLength uint32 `default:"4294967295"`
		// FaultLinkTarget is the status of probing LinkTarget and ReturnedLength.
		FaultLinkTarget ntstatus.Status `param:"-"`
	}
	QuerySymbolicLinkObjectOut struct {
		LinkTarget     string
		ReturnedLength uint32 // bytes, including the terminating NUL; set also if MaximumLength is too small
	}
)

var rowQuerySymbolicLinkObject = Add(&NtTable, Entry[Services, QuerySymbolicLinkObjectIn, QuerySymbolicLinkObjectOut]{
	Meta: Meta{
		Name:    "NtQuerySymbolicLinkObject",
		Summary: "returns the target of a symbolic link",
		Source:  "ZwQuerySymbolicLinkObject",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "a pointer is not readable or not writable"},
			{ntstatus.InvalidHandle, "O-31", "LinkHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "LinkHandle is not a symbolic link"},
			{ntstatus.AccessDenied, "O-31", "LinkHandle does not grant SYMBOLIC_LINK_QUERY"},
			{ntstatus.BufferTooSmall, "O-143", "MaximumLength is too short for the text and its terminating NUL"},
		},
	},
	Call: Services.NtQuerySymbolicLinkObject,
})

// NtQuerySymbolicLinkObject returns the target of a link. It needs
// SYMBOLIC_LINK_QUERY (ZwQuerySymbolicLinkObject).
func (t *Thread) NtQuerySymbolicLinkObject(link winnt.Handle) (string, ntstatus.Status) {
	in := QuerySymbolicLinkObjectIn{LinkHandle: link, MaximumLength: ^uint32(0)}
	out, st := call(t, rowQuerySymbolicLinkObject, in)
	return out.LinkTarget, st
}
