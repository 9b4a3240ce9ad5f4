package mount

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

var update = flag.Bool("update", false, "write the table of operations into docs/mount.md")

const tablePage = "../../docs/mount.md"

// TestOperationTableCoversGoFuse checks that the table has a row for every operation of go-fuse. An operation without a
// decision is ENOSYS (M-17).
func TestOperationTableCoversGoFuse(t *testing.T) {
	rows := map[string]operation{}
	for _, o := range operations {
		rows[o.method] = o
	}
	// These are not operations of the protocol. Writev calls Write.
	rest := map[string]bool{"String": true, "SetDebug": true, "Init": true, "OnUnmount": true, "Writev": true}
	raw := reflect.TypeFor[fuse.RawFileSystem]()
	m := reflect.ValueOf(&Mount{RawFileSystem: fuse.NewDefaultRawFileSystem()})
	for i := range raw.NumMethod() {
		name := raw.Method(i).Name
		o, ok := rows[name]
		delete(rows, name)
		check.That(t, ok || rest[name], "M-17: %s has no row", name)
		if ok && o.asks == "" {
			call := m.MethodByName(name)
			args := make([]reflect.Value, call.Type().NumIn())
			for i := range args {
				args[i] = reflect.Zero(call.Type().In(i))
			}
			out := call.Call(args)
			if got := out[len(out)-1].Interface(); got != fuse.ENOSYS {
				t.Errorf("M-17: %s has no decision and answers %v, want %v", name, got, fuse.ENOSYS)
			}
		}
	}
	delete(rows, "")
	for name := range rows {
		t.Errorf("M-17: go-fuse hands no %s on", name)
	}
}

// header is a request of a user about a node.
func header(uid uint32, node uint64) fuse.InHeader {
	return fuse.InHeader{NodeId: node, Caller: fuse.Caller{Owner: fuse.Owner{Uid: uid, Gid: uid}}}
}

// known looks a path up as a user and returns its node.
func (w *world) known(uid uint32, path string) uint64 {
	w.Helper()
	id := uint64(rootID)
	for part := range strings.SplitSeq(path, "/") {
		var out fuse.EntryOut
		h := header(uid, id)
		check.Require(w, w.m.Lookup(nil, &h, part, &out), fuse.OK, "%s", path)
		id = out.NodeId
	}
	return id
}

// open opens a file as a user.
func (w *world) opens(uid uint32, path string, flags uint32) uint64 {
	w.Helper()
	var out fuse.OpenOut
	check.Require(w, w.m.Open(nil, &fuse.OpenIn{InHeader: header(uid, w.known(uid, path)), Flags: flags}, &out), fuse.OK,
		"%s", path)
	return out.Fh
}

// denials has a request for each operation by a user without the right for it.
func denials(w *world) map[string]func() fuse.Status {
	dir, f := w.known(bob, "d"), w.known(bob, "d/f")
	in := func(node uint64) *fuse.InHeader { h := header(bob, node); return &h }
	var entry fuse.EntryOut
	reads, appends := w.opens(bob, "readable", syscall.O_RDONLY), w.opens(bob, "log", syscall.O_WRONLY|syscall.O_APPEND)
	return map[string]func() fuse.Status{
		"LOOKUP": func() fuse.Status {
			h := header(61999, rootID)
			return w.m.Lookup(nil, &h, "d", &entry)
		},
		"GETATTR": func() fuse.Status { return w.m.GetAttr(nil, &fuse.GetAttrIn{InHeader: *in(f)}, &fuse.AttrOut{}) },
		"SETATTR": func() fuse.Status {
			in := &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: *in(f), Valid: fuse.FATTR_SIZE}}
			return w.m.SetAttr(nil, in, &fuse.AttrOut{})
		},
		"MKNOD": func() fuse.Status {
			return w.m.Mknod(nil, &fuse.MknodIn{InHeader: *in(dir), Mode: syscall.S_IFREG}, "new", &entry)
		},
		"SYMLINK": func() fuse.Status { return w.m.Symlink(nil, in(dir), "to", "new", &entry) },
		"READLINK": func() fuse.Status {
			_, s := w.m.Readlink(nil, in(w.known(bob, "d/link")))
			return s
		},
		"MKDIR":  func() fuse.Status { return w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: *in(dir)}, "new", &entry) },
		"UNLINK": func() fuse.Status { return w.m.Unlink(nil, in(dir), "f") },
		"RMDIR":  func() fuse.Status { return w.m.Rmdir(nil, in(dir), "sub") },
		"RENAME, RENAME2": func() fuse.Status {
			return w.m.Rename(nil, &fuse.RenameIn{InHeader: *in(dir), Newdir: dir}, "f", "g")
		},
		"LINK": func() fuse.Status {
			return w.m.Link(nil, &fuse.LinkIn{InHeader: *in(dir), Oldnodeid: w.known(bob, "readable")}, "g", &entry)
		},
		"OPEN": func() fuse.Status { return w.m.Open(nil, &fuse.OpenIn{InHeader: *in(f)}, &fuse.OpenOut{}) },
		"CREATE": func() fuse.Status {
			return w.m.Create(nil, &fuse.CreateIn{InHeader: *in(dir), Flags: syscall.O_RDWR}, "new", &fuse.CreateOut{})
		},
		"READ": func() fuse.Status {
			_, s := w.m.Read(nil, &fuse.ReadIn{InHeader: *in(0), Fh: appends, Size: 1}, make([]byte, 1))
			return s
		},
		"WRITE": func() fuse.Status {
			_, s := w.m.Write(nil, &fuse.WriteIn{InHeader: *in(0), Fh: reads, Size: 1}, []byte("x"))
			return s
		},
		"WRITE in place": func() fuse.Status {
			_, s := w.m.Write(nil, &fuse.WriteIn{InHeader: *in(0), Fh: appends, Size: 1}, []byte("x"))
			return s
		},
		"WRITE of a page": func() fuse.Status {
			in := &fuse.WriteIn{InHeader: *in(0), Fh: appends, Size: 1, WriteFlags: fuse.WRITE_CACHE}
			_, s := w.m.Write(nil, in, []byte("x"))
			return s
		},
		"FALLOCATE": func() fuse.Status {
			return w.m.Fallocate(nil, &fuse.FallocateIn{InHeader: *in(0), Fh: appends, Length: 1})
		},
		"LSEEK": func() fuse.Status {
			in := &fuse.LseekIn{InHeader: *in(0), Fh: appends, Whence: unix.SEEK_DATA}
			return w.m.Lseek(nil, in, &fuse.LseekOut{})
		},
		"OPENDIR": func() fuse.Status { return w.m.OpenDir(nil, &fuse.OpenIn{InHeader: *in(dir)}, &fuse.OpenOut{}) },
		"READDIR": func() fuse.Status {
			return w.m.ReadDir(nil, &fuse.ReadIn{InHeader: *in(0), Fh: reads, Offset: 2}, fuse.NewDirEntryList(nil, 2))
		},
		"ACCESS": func() fuse.Status { return w.m.Access(nil, &fuse.AccessIn{InHeader: *in(f), Mask: fuse.R_OK}) },
		"GETXATTR": func() fuse.Status {
			_, s := w.m.GetXAttr(nil, in(f), ntfsACL, nil)
			return s
		},
		"GETXATTR of users": func() fuse.Status {
			_, s := w.m.GetXAttr(nil, in(f), "user.a", nil)
			return s
		},
		"SETXATTR of users": func() fuse.Status {
			return w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: *in(w.known(bob, "readable"))}, "user.a", []byte("x"))
		},
		"REMOVEXATTR of users": func() fuse.Status {
			return w.m.RemoveXAttr(nil, in(w.known(bob, "readable")), "user.a")
		},
		"TMPFILE": func() fuse.Status {
			return w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: *in(dir), Flags: syscall.O_RDWR}, &fuse.CreateOut{})
		},
		"SETXATTR": func() fuse.Status {
			return w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: *in(w.known(bob, "readable"))}, ntfsACL, bytesOf(everybody))
		},
		"REMOVEXATTR": func() fuse.Status { return w.m.RemoveXAttr(nil, in(f), ntACL) },
	}
}

// TestEachOperationNeedsItsRight checks that each operation that requires a right is refused without it (M-17), by the
// handle if the request has one (M-4, M-13).
func TestEachOperationNeedsItsRight(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;BA)")
	w.dir("d/sub", "O:BAG:SYD:P(A;OICI;FA;;;BA)")
	w.file("d/f", "secret", "O:BAG:SYD:P(A;;FA;;;BA)")
	w.link("d/link", "secret", "O:BAG:SYD:P(A;;FA;;;BA)")
	w.file("readable", "open", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.file("log", "line\n", "O:BAG:SYD:P(A;;0x100004;;;WD)")
	all := denials(w)
	for _, o := range operations {
		f := all[o.name]
		check.That(t, (f == nil) == (o.free || o.asks == ""), "M-17: %s: a refusal is tested: %t", o.name, f != nil)
	}
	for name, f := range all {
		want := fuse.EACCES
		switch name {
		case "REMOVEXATTR":
			want = fuse.EPERM
		case "READDIR":
			want = fuse.EINVAL // a directory handle always grants listing
		}
		w.leavesNoHandle("M-17: "+name, want, f)
	}
	w.sees(0, "open", "cat", "readable")
	if b, err := os.ReadFile(w.root + "/log"); err != nil || string(b) != "line\n" {
		t.Errorf("M-4: %q, %v, want %q, no error", b, err, "line\n")
	}
}

// TestMountPageHasOperationTable checks that docs/mount.md contains the table. -update writes it.
func TestMountPageHasOperationTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| operation | required rights | rule |\n|---|---|---|\n")
	for _, o := range operations {
		asks := o.asks
		if asks == "" {
			asks = "not served: ENOSYS"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", o.name, asks, o.rule)
	}
	page := check.Must(os.ReadFile(tablePage))
	const begin = "<!-- operations: go -C server test ./mount -run TestMountPageHasOperationTable -update -->\n"
	const end = "<!-- end -->"
	head, rest, ok := strings.Cut(string(page), begin)
	_, tail, closed := strings.Cut(rest, end)
	check.RequireThat(t, ok && closed, "%s has no place for the table", tablePage)
	want := head + begin + b.String() + end + tail
	switch {
	case want == string(page):
	case !*update:
		t.Errorf("%s is old: go test ./mount -run TestMountPageHasOperationTable -update", tablePage)
	default:
		if err := os.WriteFile(tablePage, []byte(want), 0o644); err != nil { //nolint:gosec // a page that everybody may read
			t.Fatal(err)
		}
	}
}
