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
