package services_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A read or write checks the handle's rights first, then its offset. It goes to its offset or to where the last one
// ended, and makes no unnecessary calls of the tree (F-55, F-119, F-123, F-124).
func TestReadAndWriteCheckRightThenOffset(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	const read, write, appends = winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.FILE_APPEND_DATA
	const denied, invalid, end = ntstatus.AccessDenied, ntstatus.InvalidParameter, ntstatus.EndOfFile
	for _, c := range []struct {
		name        string
		rights      winnt.AccessMask
		options     fileaccess.CreateOptions
		write       string // nothing: to read
		length      uint32
		offset      uint64
		short       int
		st          ntstatus.Status
		asked, data string
		after       int64 // the position
	}{
		{"read all", read, synchronous, "", 100, 0, 0, 0, "ReadAt 0 of 10", "0123456789", 10},
		{"read some", read, synchronous, "", 4, 3, 0, 0, "ReadAt 3 of 4", "3456", 7},
		{"read less than asked", read, synchronous, "", 4, 3, 1, 0, "ReadAt 3 of 4", "345", 6},
		{"read from the position", read, synchronous, "", 3, pointer, 0, 0, "ReadAt 5 of 3", "567", 8},
		{"read alertably", read, fileaccess.SynchronousIOAlert, "", 3, pointer, 0, 0, "ReadAt 0 of 3", "012", 3},
		{"read at the end", read, synchronous, "", 3, 10, 0, end, "ReadAt 10 of 0", "", 5},
		{"read beyond the end", read, synchronous, "", 3, 11, 0, end, "ReadAt 11 of 0", "", 5},
		{"read nothing", read, synchronous, "", 0, 10, 0, 0, "ReadAt 10 of 0", "", 10},
		{"read nothing at the start", read, synchronous, "", 0, 0, 0, 0, "ReadAt 0 of 0", "", 0},
		{"read without a position", read, 0, "", 3, pointer, 0, invalid, "", "", 0},
		{"asynchronous read", read, 0, "", 3, 2, 0, 0, "ReadAt 2 of 3", "234", 0},
		{"read below zero", read, synchronous, "", 3, 1 << 63, 0, invalid, "", "", 5},
		{"read at -1", read, synchronous, "", 3, ^uint64(0), 0, invalid, "", "", 5},
		{"read without the right", write, synchronous, "", 3, 0, 0, denied, "", "", 5},
		{"read without right and position", write, 0, "", 3, pointer, 0, denied, "", "", 0},
		{"write inside", write, synchronous, "ab", 0, 3, 0, 0, "WriteAt 3 ab", "", 5},
		{"write less than given", write, synchronous, "ab", 0, 3, 1, 0, "WriteAt 3 ab", "", 4},
		{"write to the end", write, synchronous, "ab", 0, 8, 0, 0, "WriteAt 8 ab", "", 10},
		{"write across the end", write | appends, synchronous, "ab", 0, 9, 0, 0, "WriteAt 9 ab", "", 11},
		{"write across the end without append right", write, synchronous, "ab", 0, 9, 0, denied, "", "", 5},
		{"write beyond the end", write | appends, synchronous, "ab", 0, 20, 0, 0, "WriteAt 20 ab", "", 22},
		{"write beyond the end without append right", write, synchronous, "ab", 0, 20, 0, denied, "", "", 5},
		{"write far beyond the end without append right", write, synchronous, "ab", 0, 1<<63 - 1, 0, denied, "", "", 5},
		{"write from the position", write, synchronous, "ab", 0, pointer, 0, 0, "WriteAt 5 ab", "", 7},
		{"write at the end", write | appends, synchronous, "ab", 0, atEnd, 0, 0, "WriteAt -1 ab", "", 15},
		{"write at the end, less", write | appends, synchronous, "ab", 0, atEnd, 1, 0, "WriteAt -1 ab", "", 14},
		{"append", appends, synchronous, "ab", 0, atEnd, 0, 0, "WriteAt -1 ab", "", 15},
		{"append elsewhere", appends, synchronous, "ab", 0, 3, 0, 0, "WriteAt -1 ab", "", 15},
		{"both rights, elsewhere", write | appends, synchronous, "ab", 0, 3, 0, 0, "WriteAt 3 ab", "", 5},
		{"write without a position", write, 0, "ab", 0, pointer, 0, invalid, "", "", 0},
		{"write below zero", write, synchronous, "ab", 0, 1 << 63, 0, invalid, "", "", 5},
		{"write at -3", write, synchronous, "ab", 0, ^uint64(2), 0, invalid, "", "", 5},
		{"write without the right", read, synchronous, "ab", 0, 3, 0, denied, "", "", 5},
		{"append without the right", read, synchronous, "ab", 0, atEnd, 0, denied, "", "", 5},
	} {
		w.tree.data, w.tree.facts.EndOfFile, w.tree.short = "0123456789", 10, c.short
		w.tree.appended = 3
		h := w.open(`\??\T\file`, c.rights|winnt.FILE_READ_ATTRIBUTES, c.options)
		if c.options == synchronous {
			check.Success(t, w.set(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: 5}))
		}
		var got string
		var st ntstatus.Status
		if c.write == "" {
			var out nt.ReadFileOut
			out, st = w.Services().NtReadFile(nt.ReadFileIn{FileHandle: h, Length: c.length, ByteOffset: c.offset})
			got = string(out.Buffer)
		} else {
			var out nt.WriteFileOut
			out, st = w.Services().NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte(c.write)),
				ByteOffset: c.offset})
			if n := uint32(len(c.write) - c.short); st == ntstatus.Success && out.Information != n {
				t.Errorf("%s: Information = %d, want %d", c.name, out.Information, n)
			}
		}
		position := check.Result(w.NtQueryInformationFile(h, nt.FilePositionInformation))
		if asked := w.tree.takeCalls(); st != c.st || asked != c.asked || got != c.data ||
			position != (nt.FilePosition{CurrentByteOffset: c.after}) {
			t.Errorf("%s: %v, tree calls %q, data %q, position then %+v, want %v, %q, %q, %d", c.name, st, asked, got,
				position, c.st, c.asked, c.data, c.after)
		}
		check.Success(t, w.NtClose(h))
		check.Equal(t, w.tree.takeCalls(), "Close file", "%s: tree calls at close", c.name)
	}
	h := w.open(`\??\T\file`, write, synchronous)
	check.Success(t, w.set(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: 5}))
	w.tree.short = 1
	check.Equal(t, check.Result(w.NtWriteFile(h, []byte("ab"))), 1, "bytes of a short write")
	check.Equal(t, w.tree.takeCalls(), "WriteAt 5 ab", "tree calls of a write without an offset")
	w.tree.short = 0
	h = w.open(`\??\T\file`, read, 0)
	l := &nt.Later{ApcRoutine: 7, Done: func(nt.IOResult) {}}
	check.Success(t, check.Status(w.Services().NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 1, Later: l})))
	w.tree.takeCalls()
	calls, _ := w.NtTestAlert()
	check.That(t, len(calls) == 1 && calls[0].ApcRoutine == 7, "I-136: calls after a read: %+v, want routine 7", calls)
	// Without a right to write, a write of no bytes is refused too.
	for _, offset := range []uint64{3, atEnd} {
		_, st := w.Services().NtWriteFile(nt.WriteFileIn{FileHandle: h, ByteOffset: offset})
		check.Equal(t, [2]any{st, w.tree.takeCalls()}, [2]any{denied, ""}, "writing nothing at %d", offset)
	}
}

// A read into the caller's memory requests only the bytes from the tree, and the facts if it got fewer. Status, bytes
// and position equal those of a read that returns its bytes (F-55, F-119, F-203, F-124).
func TestReadIntoMemoryEqualsBufferedRead(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	const read, end, invalid = winnt.FILE_READ_DATA, ntstatus.EndOfFile, ntstatus.InvalidParameter
	for _, c := range []struct {
		name, path  string
		rights      winnt.AccessMask
		room        int
		offset      int64
		refuses, st ntstatus.Status
		asked       string
		facted      int
		data        string
		remaining   string // in the caller's memory
	}{
		{"all requested bytes", "file", read, 4, 3, 0, 0, "ReadAt 3 of 4", 0, "3456", ""},
		{"up to the end", "file", read, 4, 6, 0, 0, "ReadAt 6 of 4", 0, "6789", ""},
		{"across the end", "file", read, 4, 8, 0, 0, "ReadAt 8 of 4", 1, "89", "xx"},
		{"at the end", "file", read, 4, 10, 0, end, "ReadAt 10 of 4", 1, "", "xxxx"},
		{"beyond the end", "file", read, 4, 12, 0, end, "ReadAt 12 of 4", 1, "", "xxxx"},
		{"nothing", "file", read, 0, 3, 0, 0, "ReadAt 3 of 0", 1, "", ""},
		{"below zero", "file", read, 4, -5, 0, invalid, "", 0, "", "xxxx"},
		{"without the right", "file", winnt.FILE_WRITE_DATA, 4, 0, 0, ntstatus.AccessDenied, "", 0, "", "xxxx"},
		{"error of the tree", "file", read, 4, 0, ntstatus.DiskFull, ntstatus.DiskFull, "ReadAt 0 of 4", 1, "", ""},
	} {
		w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
		h := w.open(`\??\T\`+c.path, c.rights|winnt.FILE_READ_ATTRIBUTES, synchronous)
		w.tree.st, w.tree.facted = c.refuses, 0
		b := bytes.Repeat([]byte("x"), c.room)
		n, st := w.NtReadFileInto(h, b, c.offset)
		facted, asked := w.tree.facted, w.tree.takeCalls()
		w.tree.st = ntstatus.Success
		if st != c.st || asked != c.asked || facted != c.facted || string(b[:n]) != c.data ||
			c.remaining != "" && string(b[n:]) != c.remaining {
			t.Errorf("%s: %v, tree calls %q, %d calls for facts, read %q, buffer %q, want %v, %q, %d, %q, %q", c.name,
				st, asked, facted, b[:n], b, c.st, c.asked, c.facted, c.data, c.remaining)
		}
		check.Success(t, w.NtClose(h))
		w.tree.takeCalls()
	}
	// A directory is listed, not read, whatever the tree returns for it.
	h := w.open(`\??\T\dir`, read|winnt.FILE_READ_ATTRIBUTES, 0)
	w.tree.facts.Directory = true
	n, st := w.NtReadFileInto(h, make([]byte, 20), 0)
	check.That(t, n == 0 && st == invalid, "reading a directory = %d bytes, %v, want 0, %v", n, st, invalid)
}

// A read into the caller's memory allocates nothing (F-203).
func TestReadIntoCallersMemoryAllocatesNothing(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.data, w.tree.quiet = "0123456789", true
	h := w.open(`\??\T\file`, winnt.FILE_READ_DATA, 0)
	b := make([]byte, 10)
	check.Equal(t, testing.AllocsPerRun(100, func() {
		if n, st := w.NtReadFileInto(h, b, 0); n != 10 || st != ntstatus.Success {
			t.Fatal(n, st)
		}
	}), 0, "NtReadFileInto made: allocations")
}

// If the tree returns an error status, the service returns it without data and without a new position (F-124).
func TestTreeErrorLeavesPositionUnchanged(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
	h := w.open(`\??\T\file`, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|winnt.FILE_READ_ATTRIBUTES|
		winnt.FILE_WRITE_ATTRIBUTES|winnt.DELETE, synchronous)
	check.Success(t, w.set(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: 5}))
	w.tree.st = ntstatus.DiskFull
	for name, call := range map[string]func() (any, ntstatus.Status){
		"read": func() (any, ntstatus.Status) {
			return zero(w.Services().NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 3}))
		},
		"write": func() (any, ntstatus.Status) {
			return zero(w.Services().NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("ab"))}))
		},
		"flush": func() (any, ntstatus.Status) { return nil, w.NtFlushBuffersFile(h) },
		"size": func() (any, ntstatus.Status) {
			return nil, w.set(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: 1})
		},
		"basic": func() (any, ntstatus.Status) { return nil, w.set(h, nt.FileBasicInformation, nt.FileBasic{}) },
		"delete": func() (any, ntstatus.Status) {
			return nil, w.set(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true})
		},
		"facts": func() (any, ntstatus.Status) { return w.NtQueryInformationFile(h, nt.FileStandardInformation) },
		"volume": func() (any, ntstatus.Status) {
			return w.NtQueryVolumeInformationFile(h, nt.FileFsFullSizeInformation)
		},
		"contents": func() (any, ntstatus.Status) {
			facts, whole, st := w.context().Contents(h, make([]byte, 20))
			if whole {
				return facts, st
			}
			return nil, st
		},
	} {
		if out, st := call(); st != ntstatus.DiskFull || out != nil {
			t.Errorf("%s on a full disk: %v, %+v, want %v, nil", name, st, out, ntstatus.DiskFull)
		}
	}
	w.tree.st = ntstatus.Success
	v, st := w.NtQueryInformationFile(h, nt.FilePositionInformation)
	check.That(t, v == (nt.FilePosition{CurrentByteOffset: 5}), "position after the errors = %+v, %v, want 5", v, st)
}

// A read or write of a file that is no pipe signals its event and queues its routine if it succeeds. After a failure
// it does neither (I-136).
func TestOperationOnFileIsReported(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
	file := w.open(`\??\T\file`, winnt.FILE_ALL_ACCESS, 0)
	null := check.Result(w.NtOpenFile(winnt.FILE_WRITE_DATA, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	event := check.Result(w.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false))
	read := func(at uint64) func(*nt.Later) ntstatus.Status {
		return func(l *nt.Later) ntstatus.Status {
			in := nt.ReadFileIn{FileHandle: file, Length: 3, ByteOffset: at, Later: l}
			return check.Status(w.Services().NtReadFile(in))
		}
	}
	write := func(h winnt.Handle) func(*nt.Later) ntstatus.Status {
		return func(l *nt.Later) ntstatus.Status {
			in := nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("ab")), Later: l}
			return check.Status(w.Services().NtWriteFile(in))
		}
	}
	check.Success(t, w.NtFlushBuffersFile(null)) // a file that keeps nothing has nothing to flush (I-140)
	for _, c := range []struct {
		name  string
		do    func(*nt.Later) ntstatus.Status
		event winnt.Handle
		want  ntstatus.Status
		data  string
		count uint64
	}{
		{"read", read(7), event, ntstatus.Success, "789", 3},
		{"read at the end", read(10), event, ntstatus.EndOfFile, "", 0},
		{"read with a bad event", read(7), 400, ntstatus.InvalidHandle, "", 0},
		{"write", write(file), event, ntstatus.Success, "", 2},
		{"write with a bad event", write(file), 400, ntstatus.InvalidHandle, "", 0},
		{"write to the null device", write(null), event, ntstatus.Success, "", 2},
		{"write to the null device with a bad event", write(null), 400, ntstatus.InvalidHandle, "", 0},
	} {
		w.tree.takeCalls()
		var got []nt.IOResult
		l := &nt.Later{Event: c.event, ApcRoutine: 7, ApcContext: 8, IoStatusBlock: 9,
			Done: func(r nt.IOResult) { got = append(got, r) }}
		check.Equal(t, c.do(l), c.want, c.name)
		signalled := check.Status(w.NtWaitForSingleObject(event, false)) == ntstatus.Success
		calls, _ := w.NtTestAlert()
		if c.want != ntstatus.Success {
			check.That(t, got == nil && !signalled && calls == nil, "%s: results %v, event %t, calls %v, want none",
				c.name, got, signalled, calls)
			check.That(t, c.event == event || len(w.tree.takeCalls()) == 0, "%s: the file was used", c.name)
			continue
		}
		check.That(t, len(got) == 1 && string(got[0].Data) == c.data && got[0].Information == c.count,
			"%s: results %v, want %q, %d", c.name, got, c.data, c.count)
		check.That(t, signalled && slices.Equal(calls, []nt.UserAPC{{ApcRoutine: 7, ApcArgument1: 8, ApcArgument2: 9}}),
			"%s: event %t, calls %v, want the event and a call", c.name, signalled, calls)
	}
}
