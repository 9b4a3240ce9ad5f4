package services_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

const (
	synchronous = fileaccess.SynchronousIONonalert
	pointer     = winnt.FILE_USE_FILE_POINTER_POSITION
	atEnd       = winnt.FILE_WRITE_TO_END_OF_FILE
)

// F-55, F-119, F-123, F-124: a transfer is refused for the handle's rights first, then for its offset; it
// goes to its offset or to where the last one ended, and asks no more of the tree than there is.
func TestTransfersOfATree(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	const read, write, appends = winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.FILE_APPEND_DATA
	const denied, invalid, end = ntstatus.AccessDenied, ntstatus.InvalidParameter, ntstatus.EndOfFile
	for _, c := range []struct {
		name    string
		rights  winnt.AccessMask
		options fileaccess.CreateOptions
		write   string // nothing: to read
		length  uint32
		offset  uint64
		short   int
		st      ntstatus.Status
		asked   string
		data    string
		after   int64 // the position
	}{
		{"read all", read, synchronous, "", 100, 0, 0, 0, "ReadAt 0 of 10", "0123456789", 10},
		{"read some", read, synchronous, "", 4, 3, 0, 0, "ReadAt 3 of 4", "3456", 7},
		{"read less than asked", read, synchronous, "", 4, 3, 1, 0, "ReadAt 3 of 4", "345", 6},
		{"read from the position", read, synchronous, "", 3, pointer, 0, 0, "ReadAt 5 of 3", "567", 8},
		{"read alertably", read, fileaccess.SynchronousIOAlert, "", 3, pointer, 0, 0, "ReadAt 0 of 3", "012", 3},
		{"read at the end", read, synchronous, "", 3, 10, 0, end, "ReadAt 10 of 0", "", 5},
		{"read behind the end", read, synchronous, "", 3, 11, 0, end, "ReadAt 11 of 0", "", 5},
		{"read nothing", read, synchronous, "", 0, 10, 0, 0, "ReadAt 10 of 0", "", 10},
		{"read nothing at the start", read, synchronous, "", 0, 0, 0, 0, "ReadAt 0 of 0", "", 0},
		{"read without a position", read, 0, "", 3, pointer, 0, invalid, "", "", 0},
		{"read below zero", read, synchronous, "", 3, 1 << 63, 0, invalid, "", "", 5},
		{"read at -1", read, synchronous, "", 3, ^uint64(0), 0, invalid, "", "", 5},
		{"read without the right", write, synchronous, "", 3, 0, 0, denied, "", "", 5},
		{"read without right and position", write, 0, "", 3, pointer, 0, denied, "", "", 0},
		{"write inside", write, synchronous, "ab", 0, 3, 0, 0, "WriteAt 3 ab", "", 5},
		{"write less than given", write, synchronous, "ab", 0, 3, 1, 0, "WriteAt 3 ab", "", 4},
		{"write to the end", write, synchronous, "ab", 0, 8, 0, 0, "WriteAt 8 ab", "", 10},
		{"write over the end", write | appends, synchronous, "ab", 0, 9, 0, 0, "WriteAt 9 ab", "", 11},
		{"write over the end, not to append", write, synchronous, "ab", 0, 9, 0, denied, "", "", 5},
		{"write behind the end", write | appends, synchronous, "ab", 0, 20, 0, 0, "WriteAt 20 ab", "", 22},
		{"write behind the end, not to append", write, synchronous, "ab", 0, 20, 0, denied, "", "", 5},
		{"write far away, not to append", write, synchronous, "ab", 0, 1<<63 - 1, 0, denied, "", "", 5},
		{"write from the position", write, synchronous, "ab", 0, pointer, 0, 0, "WriteAt 5 ab", "", 7},
		{"write at the end", write | appends, synchronous, "ab", 0, atEnd, 0, 0, "WriteAt -1 ab", "", 12},
		{"write at the end, less", write | appends, synchronous, "ab", 0, atEnd, 1, 0, "WriteAt -1 ab", "", 11},
		{"append", appends, synchronous, "ab", 0, atEnd, 0, 0, "WriteAt -1 ab", "", 12},
		{"append elsewhere", appends, synchronous, "ab", 0, 3, 0, 0, "WriteAt -1 ab", "", 12},
		{"both rights, elsewhere", write | appends, synchronous, "ab", 0, 3, 0, 0, "WriteAt 3 ab", "", 5},
		{"write without a position", write, 0, "ab", 0, pointer, 0, invalid, "", "", 0},
		{"write below zero", write, synchronous, "ab", 0, 1 << 63, 0, invalid, "", "", 5},
		{"write at -3", write, synchronous, "ab", 0, ^uint64(2), 0, invalid, "", "", 5},
		{"write without the right", read, synchronous, "ab", 0, 3, 0, denied, "", "", 5},
		{"append without the right", read, synchronous, "ab", 0, atEnd, 0, denied, "", "", 5},
	} {
		w.tree.data, w.tree.facts.EndOfFile, w.tree.short = "0123456789", 10, c.short
		h := w.open(`\??\T\file`, c.rights|winnt.FILE_READ_ATTRIBUTES, c.options)
		if c.options == synchronous {
			want(t, "set the position", w.set(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: 5}),
				ntstatus.Success)
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
				t.Errorf("%s: %d bytes are told, want %d", c.name, out.Information, n)
			}
		}
		position, st2 := w.NtQueryInformationFile(h, nt.FilePositionInformation)
		want(t, "the position", st2, ntstatus.Success)
		if asked := w.tree.took(); st != c.st || asked != c.asked || got != c.data ||
			position != (nt.FilePosition{CurrentByteOffset: c.after}) {
			t.Errorf("%s: %v, asked %q, read %q, then at %+v; want %v, %q, %q, %d", c.name, st, asked, got, position, c.st,
				c.asked, c.data, c.after)
		}
		want(t, "close", w.NtClose(h), ntstatus.Success)
		if asked := w.tree.took(); asked != "Close file" {
			t.Errorf("%s: closing asks %q", c.name, asked)
		}
	}
}

// set sets a class of a file.
func (w *treeWorld) set(h winnt.Handle, class nt.FileInfoClass, v any) ntstatus.Status {
	_, st := w.Services().NtSetInformationFile(nt.SetInformationFileIn{FileHandle: h, FileInformationClass: class,
		FileInformation: nt.Cap(v)})
	return st
}

// F-124: what a tree refuses is told, and nothing else: no data and no new position.
func TestTransfersThatATreeRefuses(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
	h := w.open(`\??\T\file`, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|winnt.FILE_READ_ATTRIBUTES|
		winnt.FILE_WRITE_ATTRIBUTES|winnt.DELETE, synchronous)
	want(t, "set the position", w.set(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: 5}),
		ntstatus.Success)
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
			t.Errorf("%s: %v, %+v", name, st, out)
		}
	}
	w.tree.st = ntstatus.Success
	if v, st := w.NtQueryInformationFile(h, nt.FilePositionInformation); v != (nt.FilePosition{CurrentByteOffset: 5}) {
		t.Errorf("the position is %+v, %v", v, st)
	}
}

// W-83, F-119, G-31: what is in a file is handed out whole where it fits, to who may read it, and a file is
// refilled from one that may be read by who may write it.
func TestWholeContents(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	const all = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_READ_ATTRIBUTES
	for _, c := range []struct {
		name      string
		rights    winnt.AccessMask
		room      int
		short     int
		directory bool
		whole     bool
		st        ntstatus.Status
	}{
		{"exactly", all, 10, 0, false, true, 0}, {"more room", all, 11, 0, false, true, 0},
		{"less room", all, 9, 0, false, false, 0}, {"no room", all, 0, 0, false, false, 0},
		{"meanwhile shorter", all, 10, 1, false, false, 0}, {"a directory", all, 10, 0, true, false, 0},
		{"not to be read", all &^ winnt.FILE_READ_DATA, 10, 0, false, false, 0},
		{"not to be queried", winnt.FILE_READ_DATA, 10, 0, false, false, ntstatus.AccessDenied},
	} {
		w.tree.data, w.tree.short = "0123456789", c.short
		w.tree.facts = nt.FileFacts{EndOfFile: 10, Directory: c.directory, FileID: 7}
		h := w.open(`\??\T\file`, c.rights, 0)
		room := make([]byte, c.room)
		facts, whole, st := w.context().Contents(h, room)
		if st != c.st || whole != c.whole || whole && string(room[:10]) != w.tree.data ||
			st == ntstatus.Success && facts != w.tree.facts {
			t.Errorf("%s: %v, %v, %q, %+v", c.name, st, whole, room, facts)
		}
		want(t, "close", w.NtClose(h), ntstatus.Success)
	}
	w.tree.short, w.tree.facts.Directory = 0, false
	event, st := w.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	null, st := w.NtOpenFile(3, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0)
	want(t, "open a device", st, ntstatus.Success)
	const write = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	for _, c := range []struct {
		name     string
		to, from winnt.AccessMask // 0: the device of nothing; 1<<31: an event
		st       ntstatus.Status
	}{
		{"both", write, winnt.FILE_READ_DATA, 0},
		{"write alone", winnt.FILE_WRITE_DATA, winnt.FILE_READ_DATA, ntstatus.AccessDenied},
		{"append alone", winnt.FILE_APPEND_DATA, winnt.FILE_READ_DATA, ntstatus.AccessDenied},
		{"read into what may be read", winnt.FILE_READ_DATA, winnt.FILE_READ_DATA, ntstatus.AccessDenied},
		{"from what may be written", write, write, ntstatus.AccessDenied},
		{"into nothing", 0, winnt.FILE_READ_DATA, ntstatus.NotSupported}, {"from nothing", write, 0, ntstatus.NotSupported},
		{"into an event", 1 << 31, winnt.FILE_READ_DATA, ntstatus.ObjectTypeMismatch},
		{"from an event", write, 1 << 31, ntstatus.ObjectTypeMismatch},
	} {
		handle := func(name string, rights winnt.AccessMask) winnt.Handle {
			switch rights {
			case 0:
				return null
			case 1 << 31:
				return event
			}
			return w.open(`\??\T\`+name, rights, 0)
		}
		to, from := handle("to", c.to), handle("from", c.from)
		want(t, c.name, w.context().Refill(to, from), c.st)
		asked := ""
		if c.st == ntstatus.Success {
			asked = "Refill to from from"
		}
		if got := w.tree.took(); got != asked {
			t.Errorf("%s: asked %q, want %q", c.name, got, asked)
		}
	}
}
