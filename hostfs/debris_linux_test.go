package hostfs

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// What a crash left under private names goes when its directory is listed, once it is old
// and where nothing is lost by it; no client sees any of it (F-129).
func TestDebris(t *testing.T) {
	w := newWorld(t)
	const gone, kept = privatePrefix + "gone", privatePrefix + "kept"
	w.file("f", "contents", "D:P(A;;FR;;;WD)")
	w.must(errors.Join(os.WriteFile(w.path(gone+"1"), nil, 0o600), os.Mkdir(w.path(gone+"2"), 0o700),
		os.Link(w.path("f"), w.path(gone+"3")), os.WriteFile(w.path(kept+"1"), []byte("x"), 0o600),
		os.MkdirAll(w.path(kept+"2/x"), 0o700), os.Symlink("f", w.path(kept+"3"))))
	list := func() (names, left []string) {
		t.Helper()
		th := w.as(bob)
		h := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
		entries, st := th.NtQueryDirectoryFile(h, "", true)
		w.want(st, ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
		for _, e := range entries {
			names = append(names, e.FileName)
		}
		all, err := os.ReadDir(w.root)
		w.must(err)
		for _, e := range all {
			left = append(left, e.Name())
		}
		return names, left
	}
	if names, left := list(); !slices.Equal(names, []string{"f"}) || len(left) != 7 {
		t.Errorf("what may be under way: listed %q, left %q", names, left)
	}
	w.tree.abandoned = 0
	want := []string{kept + "1", kept + "2", kept + "3", "f"}
	for start := time.Now(); ; { // the clock of files ticks behind
		names, left := list()
		if !slices.Equal(names, []string{"f"}) || len(left) != len(want) && time.Since(start) > 10*time.Second {
			t.Fatalf("listed %q, left %q, want %q", names, left, want)
		}
		if len(left) == len(want) {
			if !slices.Equal(left, want) {
				t.Errorf("left %q, want %q", left, want)
			}
			return
		}
	}
}

// A second name of a file that is open stays until the file is closed: it may be the one that an open is about to
// give it (F-129).
func TestDebrisOfAnOpenFile(t *testing.T) {
	w := newWorld(t)
	w.file("f", "contents", "D:P(A;;FR;;;WD)")
	const left = privatePrefix + "left"
	w.must(os.Link(w.path("f"), w.path(left)))
	w.tree.abandoned = -time.Hour // every name is old
	th := w.as(bob)
	f := w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)
	for _, open := range []bool{true, false} {
		h := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
		_, st := th.NtQueryDirectoryFile(h, "", true)
		w.want(st, ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
		w.exists(left, open)
		if open {
			w.want(th.NtClose(f), ntstatus.Success)
		}
	}
	w.exists("f", true)
}

// A link that a crash left under a private name goes where it has a descriptor, as those have that were made here, so
// that its directory can be removed; another one is not ours (F-129).
func TestDebrisOfLinks(t *testing.T) {
	linksHere(t)
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	w.tree.abandoned = -time.Hour // every name is old
	w.link(`d\`+privatePrefix+"ours", "f", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Symlink("f", w.path(`d\`+privatePrefix+"theirs")))
	th := w.as(bob)
	h := w.open(th, "d", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	_, st := th.NtQueryDirectoryFile(h, "", true)
	w.want(st, ntstatus.Success)
	w.want(th.NtClose(h), ntstatus.Success)
	left, err := os.ReadDir(w.path("d"))
	if w.must(err); len(left) != 1 || left[0].Name() != privatePrefix+"theirs" {
		t.Errorf("F-129: %v is left", left)
	}
}
