package index_test

import (
	"os"
	"testing"
	"time"
)

// TestNonUTF8PathsAreCounted checks that documents with non-UTF-8 paths are counted once each while they exist
// (N-5).
func TestNonUTF8PathsAreCounted(t *testing.T) {
	l := newLive(t, true)
	for _, name := range []string{"\xff", "sub/\xfe"} {
		if err := os.WriteFile(l.path(name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.start()
	l.settle()
	l.settle()
	x := l.open(time.Minute)
	want := func(n int) {
		t.Helper()
		if c, err := x.Counts(); err != nil || c.Unnamed != n {
			t.Errorf("%+v, %v: want %d without a name", c, err, n)
		}
	}
	want(2)
	if err := os.Remove(l.path("\xff")); err != nil {
		t.Fatal(err)
	}
	l.settle()
	want(1)
	if err := os.Rename(l.path("sub"), l.tree+".sub"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	want(0)
}
