package watch

import (
	"strconv"
	"testing"
	"time"
)

// TestLinkTableTakesTimeInProportionToNames checks that one file with many names does not stop the watcher. A search of
// all names for each name took a minute here (N-88).
func TestLinkTableTakesTimeInProportionToNames(t *testing.T) {
	l, begun := newLinkTable(), time.Now()
	const names = 1 << 15
	for range 2 {
		for i := 0; i < names && time.Since(begun) < 5*time.Second; i++ {
			l.add(7, "/srv/a folder with many links of one file/"+strconv.Itoa(i))
		}
	}
	if l.names != names {
		t.Errorf("%d of %d names after %s", l.names, names, time.Since(begun))
	}
}
