package mount

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
)

// TestTimes: a time of Windows and one of Linux are the same moment, before 1970 too; the first of Windows is 1601.
func TestTimes(t *testing.T) {
	minus := func(n int64) uint64 { return uint64(-n) }
	for _, c := range []struct {
		windows int64
		seconds uint64
		nano    uint32
	}{
		{116444736000000000, 0, 0}, {116444736000000001, 0, 100}, {116444736009999999, 0, 999_999_900},
		{116444736010000000, 1, 0}, {116444735999999999, minus(1), 999_999_900}, {116444735990000000, minus(1), 0},
		{116444735989999999, minus(2), 999_999_900}, {125912558456000000, 946_782_245, 600_000_000},
	} {
		seconds, nano := moment(c.windows)
		if seconds != c.seconds || nano != c.nano {
			t.Errorf("%d is %d and %d ns, want %d and %d", c.windows, int64(seconds), nano, int64(c.seconds), c.nano)
		}
		if got := timeOf(time.Unix(int64(c.seconds), int64(c.nano)+99)); got != c.windows {
			t.Errorf("%d becomes %d", c.windows, got)
		}
	}
	for year := range 2 {
		early := time.Date(1600+year, 1, 1, 0, 0, 0, 0, time.UTC)
		if got := timeOf(early); got != 1 {
			t.Errorf("%v is %d", early, got)
		}
	}
}

// TestShape: each fact of a file stands in its place, and a part of a block counts as one (M-12).
func TestShape(t *testing.T) {
	var got fuse.Attr
	shape(&nt.FileFacts{FileBasic: nt.FileBasic{LastAccessTime: epoch + 10_000_001, LastWriteTime: epoch + 20_000_002,
		ChangeTime: epoch + 30_000_003}, EndOfFile: 7, AllocationSize: 1025, Links: 5, FileID: 99}, &got)
	want := fuse.Attr{Ino: 99, Size: 7, Blocks: 3, Atime: 1, Atimensec: 100, Mtime: 2, Mtimensec: 200, Ctime: 3,
		Ctimensec: 300, Nlink: 5, Blksize: 4096}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, c := range []struct {
		dir, link bool
		want      uint32
	}{{false, false, unix.S_IFREG | 0o755}, {true, false, unix.S_IFDIR | 0o755}, {false, true, unix.S_IFLNK | 0o777}} {
		if got := modeOf(c.dir, c.link); got != c.want {
			t.Errorf("M-12: mode %o, want %o", got, c.want)
		}
	}
}

// TestNumbersOfOwners: an owner has the number of its account, the system's own 0, one without a number 65534; a
// group is asked for as a group (M-12).
func TestNumbersOfOwners(t *testing.T) {
	m := &Mount{owners: ids{}}
	hosts := &Mount{owners: HostOwners{}}
	user, group := sid.MustParse("S-1-22-1-7"), sid.MustParse("S-1-22-2-8")
	for _, c := range []struct {
		s        sid.SID
		uid, gid uint32
	}{{sid.LocalSystem, 0, 0}, {sid.Administrators, 0, 0}, {user, 7, 65534}, {group, 65534, 8},
		{sid.Everyone, 65534, 65534}, {sid.Users, 65534, 65534}} {
		for _, m := range []*Mount{m, hosts} {
			if uid, gid := m.uid(c.s), m.gid(c.s); uid != c.uid || gid != c.gid {
				t.Errorf("M-12: %v is %d and %d, want %d and %d", c.s, uid, gid, c.uid, c.gid)
			}
		}
	}
	if h := (HostOwners{}); h.UserSID(7) != user || h.GroupSID(8) != group {
		t.Errorf("M-12: %v and %v", h.UserSID(7), h.GroupSID(8))
	}
}

// TestNodes: what the host's kernel knows: a number is given once to a file, under whatever name, and never again; it
// is known as often as it was told, and found by its last name (M-11).
//
// +checklocksignore
func TestNodes(t *testing.T) {
	id := func(n uint64) identity { return identity{number: n, id: "x"} }
	n := newNodes(id(1))
	root := n.get(rootID)
	d, kept := n.add(root, "d", id(2), false)
	f, bare := n.add(d, "f", id(3), true)
	free, _ := n.add(nil, "", id(4), false)
	if d.id != 2 || f.id != 3 || free.id != 4 || !kept || bare {
		t.Fatalf("numbers %d, %d, %d, kept %t and %t", d.id, f.id, free.id, kept, bare)
	}
	path := func(of *node, name, want string) {
		t.Helper()
		if got := n.path(of, name); got != want {
			t.Errorf("the path is %q, want %q", got, want)
		}
	}
	path(root, "", "")
	path(root, "x", "x")
	path(d, "", "d")
	path(f, "", `d\f`)
	path(f, "x", `d\f\x`)
	for x, want := range map[*node][2]bool{root: {false, false}, d: {false, false}, f: {false, true},
		free: {true, false}} {
		if got := [2]bool{n.nameless(x), n.isBare(x)}; got != want {
			t.Errorf("M-38: %d: without a name and bare %v, want %v", x.id, got, want)
		}
	}
	// Told again: the same number, the new name, and bare for good.
	if again, kept := n.add(root, "g", id(3), false); again != f || kept {
		t.Errorf("M-5: %d, kept %t", again.id, kept)
	}
	path(f, "", "g")
	n.add(d, "other", id(1), false) // the root keeps its place
	path(root, "", "")
	n.moved(id(3), d, "h")
	n.moved(id(1), d, "h")
	n.moved(id(99), d, "h")
	path(f, "", `d\h`)
	path(root, "", "")
	n.moved(id(4), root, "linked")
	if n.nameless(free) {
		t.Error("M-38: a file that was linked has no name")
	}
	for _, c := range []struct {
		forget, count uint64
		there         bool
	}{{3, 1, true}, {3, 0, true}, {3, 1, false}, {3, 1, false}, {1, 100, true}, {2, 5, false}, {99, 1, false}} {
		n.forget(c.forget, c.count)
		if x := n.get(c.forget); (x != nil) != c.there {
			t.Errorf("%d is known after %d: %t", c.forget, c.count, x != nil)
		}
	}
	if next, kept := n.add(root, "f", id(3), false); next.id != 5 || !kept || next.lookups != 1 {
		t.Errorf("M-11: a file that was forgotten is number %d, kept %t", next.id, kept)
	}
	if root.lookups != 2 || n.byFile[id(1)] != root {
		t.Errorf("the root was told %d times", root.lookups)
	}
	// Names that were moved into themselves end.
	a, _ := n.add(root, "a", id(10), false)
	b, _ := n.add(a, "b", id(11), false)
	n.moved(id(10), b, "a")
	if got := strings.Count(n.path(b, ""), `\`); got != maxDepth-1 {
		t.Errorf("a circle of names has %d parts", got+1)
	}
}

// entriesOf reads a buffer of directory entries as the host's kernel does: number, place, length, kind, name.
func entriesOf(buf []byte) (names []string, next uint64) {
	le := binary.LittleEndian
	for len(buf) >= 24 && le.Uint32(buf[16:]) > 0 {
		n := int(le.Uint32(buf[16:]))
		kind := map[uint32]string{unix.DT_DIR: "/", unix.DT_LNK: "@", unix.DT_REG: ""}[le.Uint32(buf[20:])]
		names, next = append(names, string(buf[24:24+n])+kind), le.Uint64(buf[8:])
		buf = buf[min((24+n+7)&^7, len(buf)):]
	}
	return names, next
}

// TestReadDir: a directory is read in pieces and from any place of it, with its own two names first; where unreadable
// entries are hidden, only those that the caller reads are there, at the same places (M-14, F-175).
func TestReadDir(t *testing.T) {
	for _, hide := range []bool{false, true} {
		w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.HideUnreadable = hide })
		w.dir("d", full)
		all := []string{"./", "../"}
		for _, name := range []string{"a", "b", "c"} {
			w.file("d/"+name, "", full)
		}
		w.dir("d/sub", full)
		w.link("d/to", "a", full)
		w.file("d/hidden", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
		all = append(all, "a", "b", "c", "sub/", "to@")
		if !hide {
			all = append(all, "hidden")
		}
		slices.Sort(all)
		var out fuse.OpenOut
		h := header(bob, w.known(bob, "d"))
		w.says("opendir", w.m.OpenDir(nil, &fuse.OpenIn{InHeader: h}, &out), 0)
		read := func(at uint64, size int) (names []string, next uint64) {
			t.Helper()
			buf := make([]byte, size)
			w.says("readdir", w.m.ReadDir(nil, &fuse.ReadIn{InHeader: h, Fh: out.Fh, Offset: at},
				fuse.NewDirEntryList(buf, at)), 0)
			names, next = entriesOf(buf)
			if len(names) == 0 {
				next = at
			}
			return names, next
		}
		whole, _ := read(0, 4096)
		sorted := slices.Sorted(slices.Values(whole))
		if !slices.Equal(sorted, all) || whole[0] != "./" || whole[1] != "../" {
			t.Errorf("M-14: hidden %t: %q, want %q", hide, whole, all)
		}
		// One or two at a time, and again from each place where a piece ended.
		var places []uint64
		var got []string
		for at := uint64(0); ; {
			places = append(places, at)
			names, next := read(at, 64)
			if len(names) == 0 {
				break
			}
			got, at = append(got, names...), next
		}
		if !slices.Equal(got, whole) {
			t.Errorf("M-14: in pieces %q, want %q", got, whole)
		}
		if names, next := read(0, 8); len(names) != 0 || next != 0 {
			t.Errorf("without room %q", names)
		}
		for i := len(places) - 1; i >= 0; i-- {
			names, _ := read(places[i], 4096)
			if len(names) > len(whole) || !slices.Equal(names, whole[len(whole)-len(names):]) ||
				(len(names) == 0) != (i == len(places)-1) {
				t.Errorf("M-14: from %d: %q, want the end of %q", places[i], names, whole)
			}
		}
		w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: h, Fh: out.Fh})
		if w.m.open(out.Fh) != nil {
			t.Error("a directory that was closed is open")
		}
	}
}

// TestStatFs: the space is that of what the tree is on, each figure in its place.
func TestStatFs(t *testing.T) {
	w := newWorld(t)
	for range 1000 {
		var before, after unix.Statfs_t
		var out fuse.StatfsOut
		w.must(unix.Statfs(w.root, &before))
		w.says("statfs", w.m.StatFs(nil, &fuse.InHeader{}, &out), 0)
		w.must(unix.Statfs(w.root, &after))
		if before != after {
			continue // other programs change it
		}
		want := fuse.StatfsOut{Blocks: after.Blocks, Bfree: after.Bfree, Bavail: after.Bavail, Files: after.Files,
			Ffree: after.Ffree, Bsize: uint32(after.Bsize), NameLen: 255, Frsize: uint32(after.Frsize)}
		if out != want {
			t.Errorf("%+v, want %+v", out, want)
		}
		return
	}
	t.Skip("the file system did not stand still between two looks")
}

// TestStartRefuses: a mount without what it needs does not begin, and leaves nothing behind in the system, nor does one
// that ends (F-180).
func TestStartRefuses(t *testing.T) {
	w := newWorld(t)
	at := filepath.Join(filepath.Dir(w.at), "second")
	w.must(os.Mkdir(at, 0o755))
	good := Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: at, Accounts: people{}, Owners: ids{}}
	o, n, r := w.sys.Counts()
	for what, change := range map[string]func(*Config){
		"a system": func(c *Config) { c.System = nil }, "a tree": func(c *Config) { c.Tree = nil },
		"accounts": func(c *Config) { c.Accounts = nil }, "owners": func(c *Config) { c.Owners = nil },
		"a directory":       func(c *Config) { c.Directory = filepath.Join(at, "none") },
		"a directory alone": func(c *Config) { w.file("f", "", full); c.Directory = filepath.Join(w.root, "f") },
		"identities":        func(c *Config) { c.Tree = numbered{c.Tree} },
	} {
		c := good
		change(&c)
		if m, err := Start(c); err == nil || m != nil {
			t.Errorf("without %s a mount begins", what)
		}
	}
	for range 2 { // and one that ends, threads included
		m, err := Start(good)
		w.must(err)
		h := header(alice, rootID)
		w.says("lookup", m.Lookup(nil, &h, "f", &fuse.EntryOut{}), 0)
		w.must(m.Close())
	}
	if o2, n2, r2 := w.sys.Counts(); o2 != o || n2 != n || r2 != r {
		t.Errorf("%d objects, %d handles, %d references, were %d, %d, %d", o2, n2, r2, o, n, r)
	}
}
