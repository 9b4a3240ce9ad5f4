package services_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A POSIX rename replaces an open target, but a directory only by a directory and a file only by a file. It moves
// directories with opens below them (M-20).
func TestPosixRenameReplacesOpenTarget(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	h := w.open(`\??\T\dir\file`, winnt.DELETE, 0)
	for _, c := range []struct {
		moved, there bool // directories
		refused      bool
	}{{false, false, false}, {true, true, false}, {false, true, true}, {true, false, true}} {
		w.tree.move = fileaccess.Move{Directory: c.moved, OpensBelow: true, ReplaceIfExists: true,
			Existing: &fileaccess.Existing{IsDirectory: c.there, Open: true, Descriptor: w.tree.descriptor},
			Target: fileaccess.Facts{Object: fileaccess.Object{Exists: true, IsDirectory: true,
				Descriptor: w.tree.descriptor}, Parent: &fileaccess.Directory{Descriptor: w.tree.descriptor}}}
		want(t, "rename", w.sys.RenamePosix(w.Thread, h, `\??\T\new`, nil, c.there, c.moved), ntstatus.Success)
		check.Equal(t, w.tree.move.Intent, c.moved, "F-209: the rename has backup intent")
		got := w.tree.decision.Status() != ntstatus.Success
		check.That(t, got == c.refused, "source is a directory %v, target is a directory %v: decision %v, want refused = %v",
			c.moved, c.there, w.tree.decision.Status(), c.refused)
		check.Equal(t, w.tree.takeCalls(), fmt.Sprintf("Move new root - replace %t link false", c.there), "tree calls")
	}
	f, granted, done, st := w.sys.TreeFile(w.Thread, h)
	check.That(t, st == ntstatus.Success && f != nil && granted == winnt.DELETE, "the file: %v, %v, %v", f, granted, st)
	done() // the fixture checks that no reference is left
	null := check.Result(w.NtOpenFile(3, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	want(t, "another file", w.sys.RenamePosix(w.Thread, null, `\??\T\new`, nil, true, false), ntstatus.ObjectTypeMismatch)
	want(t, "no file", w.sys.RenamePosix(w.Thread, 0x7770, `\??\T\new`, nil, true, false), ntstatus.InvalidHandle)
}

// CreateShaped passes the descriptor of a new file to the caller's function and uses the returned one. It does not call
// the function for an existing file (M-41). Outside of trees it is not supported.
func TestCreateShapedChangesNewDescriptor(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	narrow := sddl.MustParse("O:SYG:SYD:P(A;;FR;;;SY)")
	var got []*sd.Descriptor
	shape := func(d *sd.Descriptor) *sd.Descriptor { got = append(got, d); return narrow }
	create := func(name string, shape func(*sd.Descriptor) *sd.Descriptor) (nt.CreateFileOut, ntstatus.Status) {
		return w.sys.CreateShaped(w.Thread, nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, ShareAccess: 7,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name}), CreateDisposition: winnt.FILE_OPEN_IF}, shape, nil)
	}
	for name, shaped := range map[string]int{`\??\T\new`: 1, `\??\T\old`: 0} {
		got = nil
		out := check.Result(create(name, shape))
		check.That(t, len(got) == shaped && (shaped == 0 || got[0] != nil && !got[0].Equal(narrow)),
			"%s: the shape was called for %v, want %d descriptors of the tree", name, got, shaped)
		check.Equal(t, w.tree.created.Equal(narrow), shaped == 1, "the new file has the shaped descriptor")
		check.Success(t, w.NtClose(out.FileHandle))
		w.tree.created = nil
	}
	out, st := create(`\??\T\new`, nil)
	check.That(t, st == ntstatus.Success && !w.tree.created.Equal(narrow), "without a shape: %v, %v", st, w.tree.created)
	check.Success(t, w.NtClose(out.FileHandle))
	w.tree.special, w.tree.created = true, nil
	bare, st := w.sys.MakeNameless(w.Thread, nt.ObjectAttributes{ObjectName: `\??\T\new`}, 1, shape, nil)
	check.That(t, st == ntstatus.Success && w.tree.created.Equal(narrow), "a file without a name: %v", st)
	check.Success(t, w.NtClose(bare))
	for name, want := range map[string]ntstatus.Status{`\??\NUL`: ntstatus.NotSupported,
		`\??\missing\x`: ntstatus.NotSupported} {
		out, st := create(name, shape)
		check.That(t, st == want && out.FileHandle == 0, "CreateShaped of %s: %v, %v, want %v", name, out.FileHandle, st,
			want)
	}
}

// A name is opened, created, linked or renamed only in the directory that the caller requires (M-11). A directory that
// is missing, and one that the file system cannot identify, are other cases.
func TestNamesStayWithinDirectory(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.special, w.tree.direct = true, true
	name := nt.ObjectAttributes{ObjectName: `\??\T\new`}
	within := &nt.FileIdentity{Number: 1, ID: "a"}
	for _, c := range []struct {
		above nt.FileIdentity
		want  ntstatus.Status
	}{{*within, ntstatus.Success}, {nt.FileIdentity{Number: 1, ID: "b"}, ntstatus.NotSameObject},
		{nt.FileIdentity{Number: 1}, ntstatus.NotSameObject}, {nt.FileIdentity{}, ntstatus.Success}} {
		w.tree.above = c.above
		shaped := func(how uint32, name string) winnt.Handle {
			out, st := w.sys.CreateShaped(w.Thread, nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, ShareAccess: 7,
				ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name}), CreateDisposition: how}, nil, within)
			want(t, name, st, c.want)
			return out.FileHandle
		}
		made, opened := shaped(winnt.FILE_CREATE, name.ObjectName), shaped(winnt.FILE_OPEN, `\??\T\file`)
		link, st := w.sys.MakeLink(w.Thread, name, "target", within)
		want(t, "symbolic link", st, c.want)
		bare, st := w.sys.MakeNameless(w.Thread, name, winnt.FILE_READ_DATA, nil, within)
		want(t, "file without a name", st, c.want)
		for _, h := range []winnt.Handle{made, opened, link, bare} {
			if h != 0 {
				check.Success(t, w.NtClose(h))
			}
		}
		check.Equal(t, w.tree.places, 0, "unreleased lookups")
	}
	h := w.open(`\??\T\file`, winnt.DELETE|winnt.FILE_WRITE_ATTRIBUTES, 0)
	w.sys.RenamePosix(w.Thread, h, `\??\T\new`, within, false, false)
	check.Equal(t, w.tree.within, within, "M-11: the directory that a rename requires")
	w.tree.within = nil
	w.sys.LinkWithin(w.Thread, h, `\??\T\new`, within)
	check.Equal(t, w.tree.within, within, "M-11: the directory that a link requires")
}
