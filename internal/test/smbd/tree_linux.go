package smbd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/mountinfo"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

const treePeople, treeGroups, treeMounts = 40, 8, 3

// Tree is a folder whose files change at random, with closed folders, hard links, long names, POSIX ACLs, descriptors
// and mounts. One goroutine at a time may use it.
type Tree struct {
	Root   string
	People []Person

	t       testing.TB
	r       *rand.Rand
	readers *Readers
}

// NewTree creates the folder root and writes a directory file with its people. It makes all folders above root
// searchable for everybody, and unmounts everything below it when the test ends. It skips the test without root's
// capabilities or Samba.
func NewTree(t testing.TB, root, directory string, seed uint64) *Tree {
	t.Helper()
	x := &Tree{Root: root, t: t, r: rand.New(rand.NewPCG(seed, 43))}
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := root; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	x.writeDirectory(directory)
	x.readers = StartReaders(t, root, x.People)
	t.Cleanup(func() {
		for _, at := range x.mounts() {
			_ = unix.Unmount(at, unix.MNT_DETACH) // the folder cannot be removed then
		}
	})
	return x
}

// writeDirectory draws the people and writes them as a directory file.
func (x *Tree) writeDirectory(file string) {
	x.t.Helper()
	type user struct {
		Name     string   `json:"name"`
		SID      string   `json:"sid"`
		UID      int      `json:"uid"`
		MemberOf []string `json:"memberOf"`
	}
	type group struct {
		Name string `json:"name"`
		SID  string `json:"sid"`
		GID  int    `json:"gid"`
	}
	var dir struct {
		Domain string  `json:"domain"`
		Users  []user  `json:"users"`
		Groups []group `json:"groups"`
	}
	dir.Domain = "S-1-5-21-1-2-3"
	for n := range treeGroups {
		dir.Groups = append(dir.Groups, group{fmt.Sprint("g", n), groupSID(n), 30000 + n})
	}
	for n := range treePeople {
		p := Person{Name: fmt.Sprint("p", n), UID: 20000 + n, SIDs: []string{personSID(n)}, GIDs: []int{}}
		u := user{Name: p.Name, SID: p.SIDs[0], UID: p.UID}
		for g := range treeGroups {
			if x.r.IntN(4) == 0 {
				p.GIDs, p.SIDs = append(p.GIDs, 30000+g), append(p.SIDs, groupSID(g))
				u.MemberOf = append(u.MemberOf, fmt.Sprint("g", g))
			}
		}
		x.People, dir.Users = append(x.People, p), append(dir.Users, u)
	}
	text, err := json.Marshal(dir)
	if err := errors.Join(err, os.WriteFile(file, text, 0o600)); err != nil {
		x.t.Fatal(err)
	}
}

func personSID(n int) string { return fmt.Sprintf("S-1-5-21-1-2-3-%d", 5000+n) }

func groupSID(n int) string { return fmt.Sprintf("S-1-5-21-1-2-3-%d", 6000+n) }

// name returns one of the tree's folders, or a file of one. Some names are long.
func (x *Tree) name(file bool) string {
	at := x.Root
	for range 1 + x.r.IntN(4) {
		n := fmt.Sprint("d", x.r.IntN(4))
		if x.r.IntN(8) == 0 {
			n = strings.Repeat(n, 120)
		}
		at = filepath.Join(at, n)
	}
	if file {
		n := fmt.Sprint("f", x.r.IntN(12), "ü '")
		if x.r.IntN(8) == 0 {
			n = n + strings.Repeat("n", 240)
		}
		at = filepath.Join(at, n)
	}
	return at
}

// Change changes a random file or folder in a random way. If the tree does not allow the change, it does nothing.
func (x *Tree) Change() {
	x.t.Helper()
	file := x.r.IntN(4) > 0
	at, err := x.name(file), error(nil)
	modes := []fs.FileMode{0o755, 0o711, 0o700, 0o750, 0o705, 0o644, 0o640, 0o604, 0o600}
	if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil && file {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE, 0o644); err == nil {
			err = f.Close()
		}
	} else if err == nil {
		err = os.MkdirAll(at, 0o755)
	}
	if errors.Is(err, fs.ErrNotExist) { // below a mounted folder that was deleted
		return
	} else if err != nil {
		x.t.Fatal(err)
	}
	if x.r.IntN(40) == 0 {
		x.changeMounts(at)
		return
	}
	switch x.r.IntN(9) {
	case 0:
		err = os.Remove(at)
	case 1:
		err = os.Rename(at, x.name(file))
	case 2:
		err = os.Link(at, x.name(true))
	case 3:
		err = os.Chown(at, 20000+x.r.IntN(treePeople), 30000+x.r.IntN(treeGroups))
	case 4:
		if err = os.Chmod(at, modes[x.r.IntN(5)]); file {
			err = os.Chmod(at, modes[x.r.IntN(len(modes))])
		}
	case 5:
		err = unix.Setxattr(at, "system.posix_acl_access", x.posixACL(), 0)
	case 6:
		err = unix.Removexattr(at, ntacl.Name)
	default:
		err = x.describe(at)
	}
	possible := []error{fs.ErrNotExist, fs.ErrExist, unix.ENOTEMPTY, unix.EPERM, unix.ENODATA, unix.EISDIR, unix.ENOTDIR,
		unix.EINVAL, unix.EBUSY, unix.EXDEV}
	if err != nil && !slices.ContainsFunc(possible, func(may error) bool { return errors.Is(err, may) }) {
		x.t.Fatal(err)
	}
}

// posixACL returns an ACL with a named user and a named group.
func (x *Tree) posixACL() []byte {
	out := []byte{2, 0, 0, 0}
	perm := func() uint32 { return uint32(x.r.IntN(8)) }
	for _, e := range []struct{ tag, perm, id uint32 }{{1, 7, ^uint32(0)}, {2, perm(), 20000 + x.r.Uint32N(treePeople)},
		{4, perm(), ^uint32(0)}, {8, perm(), 30000 + x.r.Uint32N(treeGroups)}, {0x10, perm() | 5, ^uint32(0)},
		{0x20, perm(), ^uint32(0)}} {
		out = append(out, byte(e.tag), 0, byte(e.perm), 0, byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	return out
}

// describe stores a random descriptor in Samba's attribute.
func (x *Tree) describe(at string) error {
	who := func() string {
		switch x.r.IntN(6) {
		case 0:
			return []string{"WD", "AU", "OW", "NU"}[x.r.IntN(4)]
		case 1, 2:
			return personSID(x.r.IntN(treePeople))
		}
		return groupSID(x.r.IntN(treeGroups))
	}
	text := "O:" + personSID(x.r.IntN(treePeople)) + "G:" + groupSID(x.r.IntN(treeGroups)) + "D:P"
	for range x.r.IntN(5) {
		text += fmt.Sprintf("(%s;%s;%s;;;%s)", []string{"A", "A", "A", "D"}[x.r.IntN(4)],
			[]string{"", "", "", "ID", "OICIIO"}[x.r.IntN(5)],
			[]string{"0x120089", "0x1f01ff", "0x1", "0x120088", "0x1301bf"}[x.r.IntN(5)], who())
	}
	value, err := (&ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse(text)}).Append(nil)
	if err != nil {
		return err
	}
	return unix.Setxattr(at, ntacl.Name, value, 0)
}

// changeMounts mounts a file system, or another file or folder of the tree, over the path at. If the tree has enough
// mounts it removes one.
func (x *Tree) changeMounts(at string) {
	x.t.Helper()
	list := x.mounts()
	if len(list) >= treeMounts {
		err := unix.Unmount(list[x.r.IntN(len(list))], unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EINVAL) { // another mount may cover it
			x.t.Fatal(err)
		}
		return
	}
	info, err := os.Stat(at)
	if err != nil {
		x.t.Fatal(err)
	}
	from, kind, flags, data := x.name(!info.IsDir()), "", uintptr(unix.MS_BIND), ""
	if info.IsDir() && x.r.IntN(2) == 0 {
		from, kind, flags, data = "tmpfs", "tmpfs", 0, "size=1m,mode=755"
	}
	err = unix.Mount(from, at, kind, flags, data)
	if errors.Is(err, unix.EPERM) {
		Skip(x.t, "file systems cannot be mounted here: %v", err)
	} else if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
		x.t.Fatal(err)
	}
}

// mounts returns the mount points below the root, the newest first.
func (x *Tree) mounts() (out []string) {
	x.t.Helper()
	all, err := mountinfo.Read()
	if err != nil {
		x.t.Fatal(err)
	}
	for i := range all {
		if at := all[i].Point; strings.HasPrefix(at, x.Root+"/") {
			out = append(out, at)
		}
	}
	slices.Reverse(out)
	return out
}

// Paths returns the paths of all files and folders.
func (x *Tree) Paths() (out []string) {
	x.t.Helper()
	err := filepath.WalkDir(x.Root, func(path string, _ fs.DirEntry, err error) error {
		out = append(out, path)
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return out
}

// Compare draws pairs of paths and people with a new seed, asks Samba's code and the function allowed about each, and
// reports an error for each difference. allowed returns an answer, and the reason if there is none. Nobody may read a
// mounted file, because the index does not cover it (N-90).
func (x *Tree) Compare(paths []string, pairs int, allowed func(path, person string) (yes bool, because string)) {
	x.t.Helper()
	seed := rand.Uint64() // after everything that the answers depend on
	r := rand.New(rand.NewPCG(seed, 1))
	list, mounts, mounted := make([]Pair, pairs), x.mounts(), 0
	for n := range list {
		list[n] = Pair{paths[r.IntN(len(paths))], r.IntN(len(x.People))}
	}
	yes, different := 0, 0
	for n, may := range x.readers.Allowed(list) {
		path, who := list[n].Path, x.People[list[n].Person].Name
		got, because := allowed(path, who)
		if slices.ContainsFunc(mounts, func(at string) bool { return path == at || strings.HasPrefix(path, at+"/") }) {
			may, because = false, "" // the index has no documents there
			mounted++
		}
		if may {
			yes++
		}
		if got != may || because != "" {
			if different++; different < 5 {
				x.t.Errorf("seed %d: %s %q: %v %s, Samba says %v", seed, who, path, got, because, may)
			}
		}
	}
	x.t.Logf("%d pairs of %d documents and %d people, %d below %d mounts, seed %d: %d allowed, %d differences", pairs,
		len(paths), len(x.People), mounted, len(mounts), seed, yes, different)
	if yes < pairs/50 || yes > pairs*49/50 {
		x.t.Errorf("of %d pairs %d are allowed", pairs, yes)
	}
}
