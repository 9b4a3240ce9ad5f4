//go:build cgo && linux

package main

import (
	"encoding/binary"
	"unicode/utf16"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Sizes and offsets of the structures of files in trees, in bytes.
const (
	attributesAt  = 32 // FILE_BASIC_INFORMATION.FileAttributes
	renameName    = 20 // FILE_RENAME_INFORMATION.FileName
	directoryName = 64 // FILE_DIRECTORY_INFORMATION.FileName
	namesName     = 12 // FILE_NAMES_INFORMATION.FileName
	largestEntry  = 576
)

// settable maps each class to the minimum size of its structure.
var settable = map[nt.FileInfoClass]uint32{nt.FileBasicInformation: 40, nt.FileDispositionInformation: 1,
	nt.FilePositionInformation: 8, nt.FileEndOfFileInformation: 8, nt.FileRenameInformation: 24,
	nt.FileLinkInformation: 24, nt.FilePipeInformation: 8}

// ntSetInformationFile implements NtSetInformationFile, which changes, renames or deletes a file. A length below the
// minimum of the class gives STATUS_INFO_LENGTH_MISMATCH. The structure of an unknown class is not read, and the
// service refuses that class. If the call fails, the status block is unchanged.
func ntSetInformationFile(c *call) uint64 {
	x, st := c.io(1)
	if st != ntstatus.Success {
		return status(st)
	}
	in := nt.SetInformationFileIn{FileHandle: c.handle(0), FileInformationClass: nt.FileInfoClass(c.u32(4))}
	least, known := settable[in.FileInformationClass]
	if known && c.u32(3) < least {
		return status(ntstatus.InfoLengthMismatch)
	}
	if known {
		in.FileInformation.V, in.FileInformation.Status = c.fileChange(in.FileInformationClass)
	}
	_, st = c.sys.NtSetInformationFile(in)
	return x.finish(st, 0)
}

// fileChange reads the input structure of NtSetInformationFile for a class. The caller has checked the length. A
// class without a case here is read as a rename. A name that does not end within its structure is
// STATUS_INVALID_PARAMETER. Unreadable memory returns its status.
func (c *call) fileChange(class nt.FileInfoClass) (any, ntstatus.Status) {
	b, st := c.Block(c.ptr(2), int(min(c.u32(3), maxRename)), 1)
	if st != ntstatus.Success {
		return nil, st
	}
	le := binary.LittleEndian
	switch class {
	case nt.FileBasicInformation:
		n := func(at int) int64 { return int64(le.Uint64(b[at:])) }
		return nt.FileBasic{CreationTime: n(0), LastAccessTime: n(8), LastWriteTime: n(16), ChangeTime: n(24),
			FileAttributes: fileaccess.Attributes(le.Uint32(b[attributesAt:]))}, ntstatus.Success
	case nt.FileDispositionInformation:
		return nt.FileDisposition{DeleteFile: b[0] != 0}, ntstatus.Success
	case nt.FilePositionInformation:
		return nt.FilePosition{CurrentByteOffset: int64(le.Uint64(b))}, ntstatus.Success
	case nt.FilePipeInformation:
		return nt.PipeInformation{ReadMode: le.Uint32(b), CompletionMode: le.Uint32(b[4:])}, ntstatus.Success
	case nt.FileEndOfFileInformation:
		return nt.FileEndOfFile{EndOfFile: int64(le.Uint64(b))}, ntstatus.Success
	}
	size := le.Uint32(b[16:])
	if size%2 != 0 || uint64(size) > uint64(len(b)-renameName) {
		// The name does not end within the structure.
		return nil, ntstatus.InvalidParameter
	}
	return nt.FileRename{ReplaceIfExists: b[0] != 0, RootDirectory: winnt.Handle(le.Uint64(b[8:])),
		FileName: unitsOf(b[renameName : renameName+size])}, ntstatus.Success
}

// unitsOf decodes the UTF-16 text in b, in the byte order of the program.
func unitsOf(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}

// maxRename limits the bytes read from a structure. Names are shorter.
const maxRename = 1 << 16

// ntQueryDirectoryFile implements NtQueryDirectoryFile. It requests as many entries as fit with names of any length. A
// single entry that does not fit is cut, with STATUS_BUFFER_OVERFLOW. An event or a completion routine is
// STATUS_NOT_SUPPORTED. A buffer below one entry is STATUS_INFO_LENGTH_MISMATCH.
func ntQueryDirectoryFile(c *call) uint64 {
	x, st := c.io(4)
	if st == ntstatus.Success {
		st = c.Probe(c.ptr(5), uintptr(c.u32(6)), 4)
	}
	if st != ntstatus.Success {
		return status(st)
	}
	if c.handle(1) != 0 || c.ptr(2) != 0 {
		return status(ntstatus.NotSupported)
	}
	class, room := nt.FileInfoClass(c.u32(7)), c.u32(6)
	head := directoryName
	if class == nt.FileNamesInformation {
		head = namesName
	}
	known := class == nt.FileDirectoryInformation || class == nt.FileNamesInformation
	if known && room < uint32(head)+2 {
		return status(ntstatus.InfoLengthMismatch)
	}
	in := nt.QueryDirectoryFileIn{FileHandle: c.handle(0), FileInformationClass: class, ReturnSingleEntry: c.boolean(8),
		Length: max(room/largestEntry, 1) * directoryName, RestartScan: c.boolean(10)}
	if p := c.ptr(9); p != 0 {
		if in.FileName, st = c.StringAt(p); st != ntstatus.Success {
			return status(st)
		}
	}
	out, st := c.sys.NtQueryDirectoryFile(in)
	if st != ntstatus.Success {
		return x.finish(st, 0)
	}
	b := entriesOf(out.FileInformation, class)
	if uint64(len(b)) > uint64(room) {
		// For a single entry the name is truncated to the buffer.
		b, st = b[:room&^1], ntstatus.BufferOverflow
	}
	if fault := x.Write(c.ptr(5), b); fault != ntstatus.Success {
		return status(fault)
	}
	return x.finish(st, len(b))
}

// entriesOf encodes a directory listing in the layout of an information class. Each entry is aligned to 8 bytes and has
// the offset of the next one, 0 for the last.
func entriesOf(list []nt.FileEntry, class nt.FileInfoClass) []byte {
	var e marshal.Encoder
	for i, f := range list {
		start := len(e.Bytes)
		e.U32(0)
		e.U32(0)
		if class == nt.FileDirectoryInformation {
			for _, n := range []int64{f.CreationTime, f.LastAccessTime, f.LastWriteTime, f.ChangeTime, f.EndOfFile,
				f.AllocationSize} {
				e.U64(uint64(n))
			}
			e.U32(uint32(f.FileAttributes))
		}
		length := e.Reserve(4)
		size := e.Text(f.FileName)
		binary.LittleEndian.PutUint32(e.Bytes[length:], uint32(size))
		if i < len(list)-1 {
			e.Align(8)
			binary.LittleEndian.PutUint32(e.Bytes[start:], uint32(len(e.Bytes)-start))
		}
	}
	return e.Bytes
}

// treeFacts writes the result of a query about a file in a tree; ok is false for other structures. It writes 64-bit
// numbers with the low half first.
func (x ioCall) treeFacts(st ntstatus.Status, information any) (result uint64, ok bool) {
	low := func(list ...int64) (words []uint32) {
		for _, n := range list {
			words = append(words, uint32(n), uint32(n>>32))
		}
		return words
	}
	bit := func(v bool, at int) uint32 {
		if v {
			return 1 << at
		}
		return 0
	}
	switch i := information.(type) {
	case nt.FileBasic:
		return x.facts(st, append(low(i.CreationTime, i.LastAccessTime, i.LastWriteTime, i.ChangeTime),
			uint32(i.FileAttributes), 0)...), true
	case nt.FileStandard:
		return x.facts(st, append(low(i.AllocationSize, i.EndOfFile), i.NumberOfLinks,
			bit(i.DeletePending, 0)|bit(i.Directory, 8))...), true
	case nt.FileInternal:
		return x.facts(st, low(int64(i.IndexNumber))...), true
	case nt.FilePosition:
		return x.facts(st, low(i.CurrentByteOffset)...), true
	}
	return 0, false
}
