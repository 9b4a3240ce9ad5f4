package services_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A read returns the whole contents if they fit into the buffer and the caller has read access. Refill needs read
// access to the source and write access to the target, which collecting writes needs too (W-83, F-119, F-214, G-31).
func TestContentsAreReadOnlyWhole(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	const all = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_READ_ATTRIBUTES
	for _, c := range []struct {
		name             string
		rights           winnt.AccessMask
		room, short      int
		directory, whole bool
		st               ntstatus.Status
	}{
		{"exact room", all, 10, 0, false, true, 0}, {"more room", all, 11, 0, false, true, 0},
		{"less room", all, 9, 0, false, false, 0}, {"no room", all, 0, 0, false, false, 0},
		{"file became shorter", all, 10, 1, false, false, 0}, {"a directory", all, 10, 0, true, false, 0},
		{"no read access", all &^ winnt.FILE_READ_DATA, 10, 0, false, false, 0},
		{"no right to query", winnt.FILE_READ_DATA, 10, 0, false, false, ntstatus.AccessDenied},
	} {
		w.tree.data, w.tree.short = "0123456789", c.short
		w.tree.facts = nt.FileFacts{EndOfFile: 10, Directory: c.directory, FileID: 7}
		h := w.open(`\??\T\file`, c.rights, 0)
		room := make([]byte, c.room)
		facts, whole, st := w.context().Contents(h, room)
		if st != c.st || whole != c.whole || whole && string(room[:10]) != w.tree.data ||
			st == ntstatus.Success && facts != w.tree.facts {
			t.Errorf("%s: read = %v, whole %v, %q, facts %+v, want %v, whole %v", c.name, st, whole, room, facts, c.st,
				c.whole)
		}
		check.Success(t, w.NtClose(h))
	}
	w.tree.short, w.tree.facts.Directory = 0, false
	event := check.Result(w.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	null := check.Result(w.NtOpenFile(3, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	const write = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	for _, c := range []struct {
		name     string
		to, from winnt.AccessMask // 0: the device of nothing; 1<<31: an event
		st       ntstatus.Status
	}{
		{"both", write, winnt.FILE_READ_DATA, 0},
		{"write alone", winnt.FILE_WRITE_DATA, winnt.FILE_READ_DATA, ntstatus.AccessDenied},
		{"append alone", winnt.FILE_APPEND_DATA, winnt.FILE_READ_DATA, ntstatus.AccessDenied},
		{"target only readable", winnt.FILE_READ_DATA, winnt.FILE_READ_DATA, ntstatus.AccessDenied},
		{"source only writable", write, write, ntstatus.AccessDenied},
		{"into a device", 0, winnt.FILE_READ_DATA, ntstatus.NotSupported}, {"from a device", write, 0, ntstatus.NotSupported},
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
		calls := ""
		if c.st == ntstatus.Success {
			calls = "Refill to from from"
		}
		check.Equal(t, w.tree.takeCalls(), calls, "%s: the tree received the calls", c.name)
		if c.from != winnt.FILE_READ_DATA {
			continue
		}
		for call, from := range map[string]winnt.Handle{"Stage": 0, "ReplaceByStaged": to} {
			want(t, c.name, w.context().Refill(to, from), c.st)
			if c.st != ntstatus.Success {
				call = ""
			}
			check.Equal(t, w.tree.takeCalls(), call, "%s: the tree received the calls", c.name)
		}
	}
	// A source without facts may be a file, so no object is exchanged (F-124).
	w.tree.bare = true
	to := w.open(`\??\T\to`, all, 0)
	from := w.open(`\??\U\from`, all, 0)
	w.more.st = ntstatus.IODeviceError
	want(t, "a source without facts", w.context().Refill(to, from), ntstatus.IODeviceError)
	w.more.st = ntstatus.Success
	for _, from := range []winnt.Handle{from, 0, to} {
		want(t, "a tree that cannot replace contents", w.context().Refill(to, from), ntstatus.NotSupported)
	}
}

// If one of two files is a directory, Refill renames both. The handle of each must allow the rename of its own file
// (F-57, F-215).
func TestReplacedDirectoryIsRenamedByItsHandle(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.facts = nt.FileFacts{Directory: true, FileID: 0x1F}
	for name, granted := range map[string][2]winnt.AccessMask{"both": {winnt.DELETE, winnt.DELETE},
		"source": {winnt.FILE_LIST_DIRECTORY, winnt.DELETE}, "target": {winnt.DELETE, winnt.FILE_LIST_DIRECTORY}} {
		to, from := w.open(`\??\T\to dir`, granted[0], 0), w.open(`\??\T\from dir`, granted[1], 0)
		w.tree.move = fileaccess.Move{Directory: true, Target: fileaccess.Facts{Object: fileaccess.Object{Exists: true,
			IsDirectory: true, Descriptor: w.tree.descriptor},
			Parent: &fileaccess.Directory{Descriptor: w.tree.descriptor}}}
		want(t, name, w.context().Refill(to, from), ntstatus.Success)
		check.Equal(t, [2]bool{w.tree.aside.Allowed(), w.tree.decision.Allowed()},
			[2]bool{granted[0] == winnt.DELETE, granted[1] == winnt.DELETE}, "DELETE on %s: renamed target, source",
			name)
		check.Equal(t, w.tree.takeCalls(),
			"Move to dir root - replace false link false, Aside to dir to .~refmon-old-1f", "tree calls")
	}
	other := w.open(`\??\U\other dir`, winnt.DELETE, 0)
	want(t, "F-118: of another tree", w.context().Refill(w.open(`\??\T\to dir`, winnt.DELETE, 0), other),
		ntstatus.NotSameDevice)
}
