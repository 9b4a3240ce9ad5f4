package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DirectoryEntry is OBJECT_DIRECTORY_INFORMATION: 32 bytes in C, and two texts with
// their terminating NULs behind the list.
type DirectoryEntry struct{ Name, TypeName string }

// QueryDirectoryObjectIn and QueryDirectoryObjectOut are the parameters of
// NtQueryDirectoryObject. Length is in bytes; 0xFFFFFFFF stands for a buffer of the
// size that is needed. Context counts the entries that were told before.
type (
	QueryDirectoryObjectIn struct {
		DirectoryHandle   winnt.Handle
		Length            uint32 `default:"4294967295"`
		ReturnSingleEntry bool   `default:"false"`
		RestartScan       bool   `default:"false"`
		Context           uint32 `default:"0"`
		// FaultBuffer is the status of probing Buffer, Context and ReturnLength.
		FaultBuffer ntstatus.Status `param:"-"`
	}
	QueryDirectoryObjectOut struct {
		Buffer       []DirectoryEntry // as many as have room
		Context      uint32           // where the next call goes on
		ReturnLength uint32           // bytes, of the entries told and an empty one; the need where one has no room
	}
)

var rowQueryDirectoryObject = Add(&NtTable, Entry[Services, QueryDirectoryObjectIn, QueryDirectoryObjectOut]{
	Meta: Meta{
		Name:    "NtQueryDirectoryObject",
		Summary: "lists the objects that a directory names",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "a pointer cannot be read or written"},
			{ntstatus.InvalidHandle, "O-31", "DirectoryHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "DirectoryHandle is no directory"},
			{ntstatus.AccessDenied, "O-31", "DirectoryHandle lacks DIRECTORY_QUERY"},
			{ntstatus.NoMoreEntries, "O-164", "every object was told"},
			{ntstatus.BufferTooSmall, "O-164", "ReturnSingleEntry, and Length has no room for the entry"},
			{ntstatus.MoreEntries, "O-164", "not every entry has room: as many as do are told; a success"},
		},
	},
	Call: Services.NtQueryDirectoryObject,
})

// NtQueryDirectoryObject returns the objects that a directory names, in the order of
// their names; it needs DIRECTORY_QUERY (NtQueryDirectoryObject).
func (t *Thread) NtQueryDirectoryObject(directory winnt.Handle) ([]DirectoryEntry, ntstatus.Status) {
	in := QueryDirectoryObjectIn{DirectoryHandle: directory, Length: ^uint32(0), RestartScan: true}
	out, st := call(t, rowQueryDirectoryObject, in)
	return out.Buffer, st
}
