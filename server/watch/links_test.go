package watch

import (
	"strconv"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFileWithManyLinksHasEachNameOnce checks that one file with many names does not stop the watcher. A search of all
// names for each name takes a minute here (N-88).
func TestFileWithManyLinksHasEachNameOnce(t *testing.T) {
	l := newLinkTable()
	const names = 1 << 15
	for range 2 {
		for i := range names {
			l.add(7, "/srv/a folder with many links of one file/"+strconv.Itoa(i))
		}
	}
	check.Equal(t, l.names, names, "names")
}
