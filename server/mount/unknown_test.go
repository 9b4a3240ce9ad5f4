package mount

import (
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// TestUnknown: a request about a file that the host's kernel cannot know is told that it is stale, one by a handle
// that it cannot know that it is not open; nothing is made, changed or told (M-6, M-11).
func TestUnknown(t *testing.T) {
	w := newWorld(t)
	w.describe("", full)
	w.file("f", "text", full)
	const nowhere, none = 9999, 8888
	in := header(alice, nowhere)
	inRoot := header(alice, rootID)
	f := w.known(alice, "f")
	stale, bad := unix.ESTALE, unix.EBADF
	size := fuse.SetAttrInCommon{InHeader: in, Valid: fuse.FATTR_SIZE}
	second := func(_ uint32, s fuse.Status) fuse.Status { return s }
	for what, c := range map[string]struct {
		got  fuse.Status
		want unix.Errno
	}{
		"lookup":       {w.m.Lookup(nil, &in, "f", &fuse.EntryOut{}), stale},
		"getattr":      {w.m.GetAttr(nil, &fuse.GetAttrIn{InHeader: in}, &fuse.AttrOut{}), stale},
		"setattr":      {w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: size}, &fuse.AttrOut{}), stale},
		"open":         {w.m.Open(nil, &fuse.OpenIn{InHeader: in}, &fuse.OpenOut{}), stale},
		"opendir":      {w.m.OpenDir(nil, &fuse.OpenIn{InHeader: in}, &fuse.OpenOut{}), stale},
		"access":       {w.m.Access(nil, &fuse.AccessIn{InHeader: in}), stale},
		"create":       {w.m.Create(nil, &fuse.CreateIn{InHeader: in}, "new", &fuse.CreateOut{}), stale},
		"tmpfile":      {w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: in}, &fuse.CreateOut{}), stale},
		"mknod":        {w.m.Mknod(nil, &fuse.MknodIn{InHeader: in, Mode: syscall.S_IFREG}, "new", &fuse.EntryOut{}), stale},
		"mkdir":        {w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, "new", &fuse.EntryOut{}), stale},
		"symlink":      {w.m.Symlink(nil, &in, "to", "new", &fuse.EntryOut{}), stale},
		"readlink":     {func() fuse.Status { _, s := w.m.Readlink(nil, &in); return s }(), stale},
		"unlink":       {w.m.Unlink(nil, &in, "f"), stale},
		"rmdir":        {w.m.Rmdir(nil, &in, "f"), stale},
		"rename from":  {w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: rootID}, "f", "g"), stale},
		"rename to":    {w.m.Rename(nil, &fuse.RenameIn{InHeader: inRoot, Newdir: nowhere}, "f", "g"), stale},
		"link of":      {w.m.Link(nil, &fuse.LinkIn{InHeader: inRoot, Oldnodeid: nowhere}, "g", &fuse.EntryOut{}), stale},
		"link in":      {w.m.Link(nil, &fuse.LinkIn{InHeader: in, Oldnodeid: f}, "g", &fuse.EntryOut{}), stale},
		"getxattr":     {second(w.m.GetXAttr(nil, &in, ntfsACL, nil)), stale},
		"getxattr ea":  {second(w.m.GetXAttr(nil, &in, "user.a", nil)), stale},
		"getxattr not": {second(w.m.GetXAttr(nil, &in, "security.capability", nil)), unix.ENODATA},
		"setxattr":     {w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: in}, ntfsACL, raw(full)), stale},
		"setxattr ea":  {w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: in}, "user.a", nil), stale},
		"listxattr":    {second(w.m.ListXAttr(nil, &in, nil)), stale},
		"removexattr":  {w.m.RemoveXAttr(nil, &in, "user.a"), stale},
		"read": {func() fuse.Status {
			_, s := w.m.Read(nil, &fuse.ReadIn{InHeader: inRoot, Fh: none}, make([]byte, 1))
			return s
		}(), bad},
		"write":     {second(w.m.Write(nil, &fuse.WriteIn{InHeader: inRoot, Fh: none}, []byte("x"))), bad},
		"fsync":     {w.m.Fsync(nil, &fuse.FsyncIn{InHeader: inRoot, Fh: none}), bad},
		"fallocate": {w.m.Fallocate(nil, &fuse.FallocateIn{InHeader: inRoot, Fh: none, Length: 1}), bad},
		"readdir":   {w.m.ReadDir(nil, &fuse.ReadIn{InHeader: inRoot, Fh: none}, fuse.NewDirEntryList(nil, 0)), bad},
		"getlk":     {w.m.GetLk(nil, lockOf(alice, none, 1), &fuse.LkOut{}), bad},
		"setlk":     {w.m.SetLk(nil, lockOf(alice, none, 1)), bad},
		"setlkw":    {w.m.SetLkw(nil, lockOf(alice, none, 1)), bad},
		"flush":     {w.m.Flush(nil, &fuse.FlushIn{InHeader: inRoot, Fh: none}), 0},
		"fsyncdir":  {w.m.FsyncDir(nil, &fuse.FsyncIn{InHeader: inRoot, Fh: none}), 0},
		// A handle that is not known says nothing about the file that is named beside it.
		"getattr by it": {w.m.GetAttr(nil, &fuse.GetAttrIn{InHeader: header(alice, f), Fh_: none,
			Flags_: fuse.FUSE_GETATTR_FH}, &fuse.AttrOut{}), 0},
		"setattr by it": {w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(alice, f),
			Fh: none, Size: 4, Valid: fuse.FATTR_SIZE | fuse.FATTR_FH}}, &fuse.AttrOut{}), 0},
	} {
		w.says("M-11: "+what, c.got, c.want)
	}
	w.m.Release(nil, &fuse.ReleaseIn{InHeader: inRoot, Fh: none})
	w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: inRoot, Fh: none})
	w.m.Forget(nowhere, 1)
	if opens := w.m.open(none); opens != nil || w.m.nodes.get(nowhere) != nil {
		t.Error("M-11: what is not known is known")
	}
}

// TestNamesThatAreNone: no operation finds, makes, moves or removes what Windows cannot name (M-9).
func TestNamesThatAreNone(t *testing.T) {
	w := newWorld(t)
	w.describe("", full)
	w.file("f", "text", full)
	in, f := header(alice, rootID), w.known(alice, "f")
	for name, want := range map[string]unix.Errno{"a*": unix.EINVAL, strings.Repeat("x", 256): unix.ENAMETOOLONG} {
		for what, s := range map[string]fuse.Status{
			"create":      w.m.Create(nil, &fuse.CreateIn{InHeader: in}, name, &fuse.CreateOut{}),
			"mknod":       w.m.Mknod(nil, &fuse.MknodIn{InHeader: in, Mode: syscall.S_IFREG}, name, &fuse.EntryOut{}),
			"mkdir":       w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, name, &fuse.EntryOut{}),
			"symlink":     w.m.Symlink(nil, &in, "to", name, &fuse.EntryOut{}),
			"unlink":      w.m.Unlink(nil, &in, name),
			"rmdir":       w.m.Rmdir(nil, &in, name),
			"rename from": w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: rootID}, name, "g"),
			"rename to":   w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: rootID}, "f", name),
			"link":        w.m.Link(nil, &fuse.LinkIn{InHeader: in, Oldnodeid: f}, name, &fuse.EntryOut{}),
		} {
			w.says("M-9: "+what, s, want)
		}
		if want == unix.EINVAL {
			want = unix.ENOENT
		}
		w.says("M-9: lookup", w.m.Lookup(nil, &in, name, &fuse.EntryOut{}), want)
	}
	// Names that the tree keeps for itself are not found, nor made.
	w.says("M-9: lookup of the tree's own", w.m.Lookup(nil, &in, ".refmon-x", &fuse.EntryOut{}), unix.ENOENT)
	w.says("M-9: mkdir of it", w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, ".refmon-x", &fuse.EntryOut{}), unix.EINVAL)
}

// TestUnserved: the words for attributes that there are not, for reading and for taking away; setting one of those is
// not supported (M-22, M-35).
func TestUnserved(t *testing.T) {
	w := newWorld(t)
	w.describe("", full)
	w.file("f", "text", full)
	h := header(alice, w.known(alice, "f"))
	for name, want := range map[string]unix.Errno{"security.capability": unix.ENODATA, "trusted.x": unix.ENODATA,
		"system.posix_acl_access": unix.EOPNOTSUPP, "system.x": unix.EOPNOTSUPP, "x": unix.EOPNOTSUPP,
		"user": unix.EOPNOTSUPP, "xsecurity.x": unix.EOPNOTSUPP} {
		_, s := w.m.GetXAttr(nil, &h, name, nil)
		w.says("M-22: get "+name, s, want)
		w.says("M-22: remove "+name, w.m.RemoveXAttr(nil, &h, name), want)
		w.says("M-22: set "+name, w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: h}, name, []byte("x")), unix.EOPNOTSUPP)
	}
	for _, name := range []string{ntfsACL, ntACL} {
		w.says("M-16: remove "+name, w.m.RemoveXAttr(nil, &h, name), unix.EPERM)
		w.says("M-16: make "+name, w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: h, Flags: xattrCreate}, name, raw(full)),
			unix.EEXIST)
		for _, value := range []string{"", "x"} {
			w.says("M-16: nonsense", w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: h}, name, []byte(value)), unix.EINVAL)
		}
	}
	for _, c := range []struct {
		value string
		room  int
		s     fuse.Status
		n     uint32
		want  fuse.Status
	}{
		{"abc", 0, fuse.OK, 3, fuse.OK}, {"abc", 2, fuse.OK, 3, fuse.ERANGE}, {"abc", 3, fuse.OK, 3, fuse.OK},
		{"abc", 4, fuse.OK, 3, fuse.OK}, {"", 0, fuse.OK, 0, fuse.OK}, {"", 1, fuse.OK, 0, fuse.OK},
		{"abc", 9, fuse.EACCES, 0, fuse.EACCES}, {"abc", 2, fuse.EACCES, 0, fuse.EACCES},
	} {
		out := []byte(strings.Repeat("-", c.room))
		n, s := fitted([]byte(c.value), c.s, out)
		want := strings.Repeat("-", c.room)
		if c.want == fuse.OK && c.room > 0 {
			want = c.value + want[len(c.value):]
		}
		if n != c.n || s != c.want || string(out) != want {
			t.Errorf("%q in %d bytes: %d, %v, %q", c.value, c.room, n, s, out)
		}
	}
}
