package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DirectoryEntry is OBJECT_DIRECTORY_INFORMATION: 32 bytes in C, and two texts with
// their terminating NULs after the list.
type DirectoryEntry struct{ Name, TypeName string }

// QueryDirectoryObjectIn and QueryDirectoryObjectOut are the parameters of NtQueryDirectoryObject. Length is in
// bytes; 0xFFFFFFFF means a buffer of the required size. Context counts the entries of earlier calls.
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
		ReturnLength uint32           // bytes of the entries and an empty one; the required length if an entry does not fit
	}
)

var rowQueryDirectoryObject = Add(&NtTable, Entry[Services, QueryDirectoryObjectIn, QueryDirectoryObjectOut]{
	Meta: Meta{
		Name:    "NtQueryDirectoryObject",
		Summary: "lists the objects that a directory names",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "a pointer is not readable or not writable"},
			{ntstatus.InvalidHandle, "O-31", "DirectoryHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "DirectoryHandle is not a directory"},
			{ntstatus.AccessDenied, "O-31", "DirectoryHandle does not grant DIRECTORY_QUERY"},
			{ntstatus.NoMoreEntries, "O-164", "all objects were returned before"},
			{ntstatus.BufferTooSmall, "O-164", "ReturnSingleEntry is TRUE, and Length is too short for the entry"},
			{ntstatus.MoreEntries, "O-164", "success: the buffer contains as many entries as fit"},
		},
	},
	Call: Services.NtQueryDirectoryObject,
})

// NtQueryDirectoryObject returns the objects in a directory, in the order of their names. An empty directory gives
// STATUS_NO_MORE_ENTRIES. It needs DIRECTORY_QUERY (NtQueryDirectoryObject).
func (t *Thread) NtQueryDirectoryObject(directory winnt.Handle) ([]DirectoryEntry, ntstatus.Status) {
	in := QueryDirectoryObjectIn{DirectoryHandle: directory, Length: ^uint32(0), RestartScan: true}
	out, st := call(t, rowQueryDirectoryObject, in)
	return out.Buffer, st
}
