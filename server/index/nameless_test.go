package index_test

import (
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestNonUTF8PathsAreCounted checks that documents with non-UTF-8 paths are counted once each while they exist
// (N-5).
func TestNonUTF8PathsAreCounted(t *testing.T) {
	l := newLive(t, true)
	for _, name := range []string{"\xff", "sub/\xfe"} {
		check.NoError(t, os.WriteFile(l.path(name), nil, 0o644))
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
	check.NoError(t, os.Remove(l.path("\xff")))
	l.settle()
	want(1)
	check.NoError(t, os.Rename(l.path("sub"), l.tree+".sub"))
	l.settle()
	want(0)
}
