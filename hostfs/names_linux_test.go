package hostfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/mountinfo"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// listNames lists an open directory by ListNames, with a letter for the kind before each name.
func listNames(t *testing.T, f *file) (list []string) {
	t.Helper()
	for after := uint64(0); ; {
		got, st := f.ListNames(after)
		if st == ntstatus.NoMoreFiles {
			slices.Sort(list)
			return list
		}
		check.RequireThat(t, st == ntstatus.Success && len(got) != 0,
			"ListNames: %d names, %v, want at least 1, %v", len(got), st, ntstatus.Success)
		for _, e := range got {
			if e.Name != "." && e.Name != ".." {
				list = append(list, kindOf(e.Directory, e.Link)+e.Name)
			}
			after = e.Position
		}
	}
}

// listEntries lists an open directory by List, like listNames.
func listEntries(t *testing.T, f *file) (list []string) {
	t.Helper()
	for restart := true; ; restart = false {
		got, st := f.List("*", restart, 100, nil)
		if st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
			slices.Sort(list)
			return list
		}
		check.Require(t, st, ntstatus.Success, "List")
		for _, e := range got {
			if e.FileName != "." && e.FileName != ".." {
				list = append(list, kindOf(e.FileAttributes&fileaccess.AttributeDirectory != 0,
					e.FileAttributes&fileaccess.AttributeReparsePoint != 0)+e.FileName)
			}
		}
	}
}

func kindOf(dir, link bool) string {
	switch {
	case dir:
		return "d "
	case link:
		return "l "
	}
	return "f "
}

// ListNames returns the entries of List, which queries each file: of every kind, hidden and visible, before and after
// the point from which ListNames relies on the types that the directory stores (F-120, F-191).
func TestListNamesEqualsList(t *testing.T) {
	w := newWorld(t)
	w.dir("d", wide)
	for i := range 3000 {
		name := w.path(fmt.Sprintf(`d\plain-%04d`, i))
		switch i % 500 { // Most names are links, which take a fifth of the time of files.
		case 0:
			w.must(unix.Mkfifo(name, 0o600))
		case 1:
			w.must(os.Symlink("plain-0002", name))
		case 2:
			w.must(os.Symlink("plain-0002", name))
			// Only root can give a link an attribute.
			if err := unix.Lsetxattr(name, w.tree.cfg.Attribute, w.accepted(wide), 0); !errors.Is(err, unix.EPERM) {
				w.must(err)
			}
		case 3:
			w.must(os.Mkdir(name, 0o700))
		case 4:
			w.must(os.WriteFile(name+"|", nil, 0o600)) // no request can contain this name
			w.must(os.WriteFile(name+"\xff", nil, 0o600))
			w.must(os.WriteFile(name+`\x`, nil, 0o600))
			w.must(os.WriteFile(filepath.Join(filepath.Dir(name), privatePrefix+filepath.Base(name)), []byte("x"), 0o600))
			w.must(os.WriteFile(name+"ä b.", nil, 0o600))
		case 5:
			w.must(os.WriteFile(name, nil, 0o600))
		default:
			w.must(os.Link(w.path(fmt.Sprintf(`d\plain-%04d`, i/500*500+5)), name))
		}
	}
	for _, options := range []fileaccess.CreateOptions{0, fileaccess.OpenReparsePoint} {
		f := w.opened("d", fileaccess.Request{Options: options}, winnt.FILE_READ_DATA)
		want := listEntries(t, f)
		if got := listNames(t, f); len(got) < 2900 || !slices.Equal(got, want) {
			t.Errorf("options %#x: %d names, want the %d of List", options, len(got), len(want))
		}
		check.That(t, !w.tree.uniform || typesBelieved(f),
			"ListNames used no type that the directory stores, want it to")
		// Other file systems do not guarantee that the stored types are complete.
		uniform := w.tree.uniform
		w.tree.uniform = false
		if got := listNames(t, f); typesBelieved(f) || !slices.Equal(got, want) {
			t.Errorf("options %#x, each file queried: %d names, want the %d of List", options, len(got), len(want))
		}
		w.tree.uniform = uniform
		w.mustShut(f)
	}
	f := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	way := filepath.Join(t.TempDir(), "way")
	w.must(os.Symlink(w.root, way))
	linked := check.Must(Open(Config{Path: way, Attribute: w.tree.cfg.Attribute}))
	defer func() { w.must(linked.Close()) }()
	for _, c := range []string{`d\plain-2005`, `d\plain-0005`} { // at different places of the listing
		if err := unix.Mount(w.path(`d\plain-0006`), w.path(c), "", unix.MS_BIND, ""); err != nil {
			t.Skip("cannot mount here: ", err)
		}
		check.That(t, w.tree.mountedBelow() && linked.mountedBelow(), "mountedBelow with a mount is false, want true")
		got := listNames(t, f)
		check.That(t, !typesBelieved(f), "ListNames used stored types with a mount below, want not")
		w.must(unix.Unmount(w.path(c), unix.MNT_DETACH))
		// A bind mount of the same device is an entry for List, and for ListNames.
		if want := listEntries(t, f); !slices.Equal(got, want) {
			t.Errorf("names with a mount below: %d, want the %d of List", len(got), len(want))
		}
	}
	check.That(t, !w.tree.mountedBelow(), "mountedBelow after the mount was removed is true, want false")
	if _, st := w.opened(`d\plain-0006`, fileaccess.Request{}, winnt.FILE_READ_DATA).ListNames(
		0); st != ntstatus.InvalidParameter {
		t.Errorf("ListNames of a file: %v, want %v", st, ntstatus.InvalidParameter)
	}
}

// A listing continues after the position of any entry, also through another open of the directory and after entries
// before it were removed (M-71).
func TestListNamesContinuesAfterPosition(t *testing.T) {
	w := newWorld(t)
	w.dir("d", wide)
	const files = 3000
	w.must(os.WriteFile(w.path(`d\f0000`), nil, 0o600))
	for i := range files - 1 { // a link takes a fifth of the time of a file
		w.must(os.Link(w.path(`d\f0000`), w.path(fmt.Sprintf(`d\f%04d`, i+1))))
	}
	rest := func(f *file, after uint64) (list []nt.DirectoryName) {
		for {
			got, st := f.ListNames(after)
			if st == ntstatus.NoMoreFiles {
				return list
			}
			if w.want(st, ntstatus.Success); len(got) == 0 {
				t.Fatal("no names, want at least one")
			}
			list, after = append(list, got...), got[len(got)-1].Position
		}
	}
	first := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	all := rest(first, 0)
	check.RequireThat(t, len(all) == files+2, "%d names, want %d and . and ..", len(all), files)
	second := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	for _, f := range []*file{first, second} {
		for _, i := range []int{files / 2, 0, 1, 2, files + 1, files, 700} {
			if got := rest(f, all[i].Position); !slices.Equal(got, all[i+1:]) {
				t.Errorf("M-71: after entry %d: %d names, want the %d that follow", i, len(got), len(all)-i-1)
			}
		}
	}
	block := check.Result(first.ListNames(0))
	check.Equal(t, check.Status(first.ListNames(all[files+1].Position)), ntstatus.NoMoreFiles, "names after the last")
	if got := rest(first, block[len(block)-1].Position); !slices.Equal(got, all[len(block):]) {
		t.Errorf("M-71: back from the end %d names, want the %d after the first block", len(got), len(all)-len(block))
	}
	for _, e := range all[:files/2] {
		if e.Name != "." && e.Name != ".." {
			w.must(os.Remove(w.path(`d\` + e.Name)))
		}
	}
	for _, f := range []*file{first, second} {
		if got := rest(f, all[files/2].Position); !slices.Equal(got, all[files/2+1:]) {
			t.Errorf("M-71: after removals %d names, want the %d that follow", len(got), len(all)-files/2-1)
		}
	}
	check.That(t, check.Status(first.ListNames(1<<63)) != ntstatus.Success,
		"a position that no host has: success, want an error")
}

// A mount counts if its parent is the tree's mount and its path is below the tree's. If the table does not contain
// the tree's mount, mountedIn returns true, the safe answer.
func TestMountedInFindsMountsBelow(t *testing.T) {
	table := []mountinfo.Mount{{ID: "22", Parent: "1", Point: "/"}, {ID: "25", Parent: "22", Point: "/dev"},
		{ID: "30", Parent: "22", Point: "/srv/a/m"}, {ID: "31", Parent: "30", Point: "/srv/c/x"}}
	for _, c := range []struct {
		parent, root string
		want         bool
	}{
		{"22", "/srv/a", true}, {"22", "/srv", true}, {"22", "/", true}, {"22", "/srv/aa", false},
		{"22", "/srv/a/m", false}, {"22", "/srv/c", false}, {"30", "/srv/c", true}, {"30", "/srv/a", false},
		{"99", "/srv/c", true}, // not in the table
		{"25", "/dev", false},
	} {
		check.Equal(t, mountedIn(table, c.parent, c.root), c.want,
			"mountedIn for %s, a root in mount %s", c.root, c.parent)
	}
}

// typesBelieved reports whether a listing of f uses the types that the directory stores.
func typesBelieved(f *file) bool {
	f.listing.Lock()
	defer f.listing.Unlock()
	return f.names.bare
}
