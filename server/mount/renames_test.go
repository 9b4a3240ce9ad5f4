package mount

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// intrusive is a tree that calls a function once, before it looks up a name in the directory d.
type intrusive struct {
	nt.FileSystem
	once *func()
}

func (i intrusive) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	if f := *i.once; f != nil && (r.Name == "d" || strings.HasPrefix(r.Name, `d\`)) {
		*i.once = nil
		f()
	}
	return i.FileSystem.Find(r, start)
}

// TestRenameOfDirectoryFailsNoRequest: another program renames a directory between the time at which a request reads
// its path and the request's lookup in the tree. The request succeeds in the renamed directory (M-11).
func TestRenameOfDirectoryFailsNoRequest(t *testing.T) {
	var once func()
	w := newWorldOn(t, func(tree nt.FileSystem) nt.FileSystem { return intrusive{tree, &once} })
	w.describe("", full)
	w.dir("d", full)
	w.file("d/f", "", full)
	root, d := header(alice, rootID), header(alice, w.known(alice, "d"))
	rename := func(from, to fuse.InHeader, old, name string) fuse.Status {
		return w.m.Rename(nil, &fuse.RenameIn{InHeader: from, Newdir: to.NodeId}, old, name)
	}
	var made fuse.EntryOut
	var opened fuse.CreateOut
	chmod := fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(alice, w.known(alice, "d/f")),
		Valid: fuse.FATTR_MODE, Mode: 0o600}}
	for _, c := range []struct {
		what string
		do   func() fuse.Status
	}{
		{"lookup", func() fuse.Status { return w.m.Lookup(nil, &d, "f", &made) }},
		{"chmod", func() fuse.Status { return w.m.SetAttr(nil, &chmod, &fuse.AttrOut{}) }},
		{"create", func() fuse.Status {
			return w.m.Create(nil, &fuse.CreateIn{InHeader: d, Flags: unix.O_RDWR, Mode: 0o600}, "new", &opened)
		}},
		{"mkdir", func() fuse.Status { return w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: d, Mode: 0o700}, "sub", &made) }},
		{"rmdir", func() fuse.Status { return w.m.Rmdir(nil, &d, "sub") }},
		{"symlink", func() fuse.Status { return w.m.Symlink(nil, &d, "f", "l", &made) }},
		{"file without a name", func() fuse.Status {
			return w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: d, Flags: unix.O_RDWR, Mode: 0o600}, &opened)
		}},
		{"rename from it", func() fuse.Status { return rename(d, root, "f", "f") }},
	} {
		once = func() { w.want("M-11: rename of the directory", rename(root, root, "d", "e"), 0) }
		w.want("M-11: "+c.what, c.do(), 0)
		w.want("M-11: rename back", rename(root, root, "e", "d"), 0)
	}
}

// TestRenameDelaysOnlyRequestsBelow checks that a lookup of a missing name does not wait for the rename of another
// directory, and that a lookup in the renamed directory finds the file while the node table has the old path (M-11).
func TestRenameDelaysOnlyRequestsBelow(t *testing.T) {
	var once func()
	w := newWorldOn(t, func(tree nt.FileSystem) nt.FileSystem { return intrusive{tree, &once} })
	w.describe("", full)
	w.dir("d", full)
	w.dir("d/sub", full)
	w.dir("other", full)
	other, d := header(alice, w.known(alice, "other")), header(alice, w.known(alice, "d"))
	var missing, sub fuse.EntryOut
	found, looked := make(chan fuse.Status, 1), make(chan struct{})
	st := w.m.nodes.rename(w.m.nodes.get(d.NodeId).file, w.m.nodes.get(rootID), "e", func() ntstatus.Status {
		w.want("M-11: missing name", w.m.Lookup(nil, &other, "missing", &missing), unix.ENOENT)
		w.must(os.Rename(filepath.Join(w.root, "d"), filepath.Join(w.root, "e")))
		once = func() { close(looked) }
		go func() { found <- w.m.Lookup(nil, &d, "sub", &sub) }()
		<-looked
		return ntstatus.Success
	})
	check.Success(t, st)
	w.want("M-11: lookup in the renamed directory", <-found, 0)
	for _, gone := range []ntstatus.Status{ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound,
		ntstatus.NotSameObject} {
		n, renamed := w.m.nodes.get(d.NodeId), false
		check.Success(t, w.m.atPath(n, "", func(string) ntstatus.Status {
			if renamed {
				return ntstatus.Success
			}
			renamed = true
			w.m.nodes.moved(n.file, w.m.nodes.get(rootID), "e")
			return gone
		}))
	}
}

// TestCreateDuringUnlinkMakesNewFile: one request has marked a name for deletion and removes it. A request that creates
// a file with this name waits and succeeds. Others do not find the file. A failed removal is an error (M-20).
//
// +checklocksignore
func TestCreateDuringUnlinkMakesNewFile(t *testing.T) {
	var inUnlink atomic.Pointer[func() error]
	w := newWorld(t, func(h *hostfs.Config, _ *Config) {
		h.Faults = func(call, _ string) error {
			if f := inUnlink.Load(); f != nil && call == "rename" && inUnlink.CompareAndSwap(f, nil) {
				return (*f)()
			}
			return nil
		}
	})
	w.describe("", full)
	root := header(alice, rootID)
	var node uint64
	for _, c := range []struct {
		what string
		do   func() fuse.Status
		want unix.Errno
	}{
		{"create", func() fuse.Status {
			return w.m.Create(nil, &fuse.CreateIn{InHeader: root, Flags: unix.O_RDWR, Mode: 0o600}, "f", &fuse.CreateOut{})
		}, 0},
		{"lookup", func() fuse.Status { return w.m.Lookup(nil, &root, "f", &fuse.EntryOut{}) }, unix.ENOENT},
		// The host's kernel then looks the name up again, and with O_CREAT it creates a file.
		{"open", func() fuse.Status {
			return w.m.Open(nil, &fuse.OpenIn{InHeader: header(alice, node)}, &fuse.OpenOut{})
		}, unix.ESTALE},
	} {
		w.file("f", "", full)
		node = w.known(alice, "f")
		ended := make(chan fuse.Status, 1)
		during := func() error {
			go func() { ended <- c.do() }()
			select {
			case s := <-ended:
				ended <- s
			case <-time.After(50 * time.Millisecond): // the request waits, or has not begun
			}
			return nil
		}
		inUnlink.Store(&during)
		w.want("M-20: unlink", w.m.Unlink(nil, &root, "f"), 0)
		w.want("M-20: "+c.what, <-ended, c.want)
		if c.want == 0 {
			w.want("M-20: unlink of the new file", w.m.Unlink(nil, &root, "f"), 0)
		}
	}
	w.file("f", "", full)
	fails := func() error { return unix.EIO }
	inUnlink.Store(&fails)
	w.want("M-20: a failed unlink", w.m.Unlink(nil, &root, "f"), unix.EIO)
	// The end of a removal keeps the entry of a later removal of the same name.
	n, f, later := newNodes(identity{dir: true}), removal{name: "f"}, make(chan struct{})
	n.remove(f.parent, f.name, func() ntstatus.Status {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.removing[f] = later
		return ntstatus.Success
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	check.Equal(t, n.removing[f], later, "M-20: the removal that requests wait for")
}
