package index

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/winnt"
)

// TestCacheOfDescriptorsIsBounded checks that a worker keeps no descriptor after a change, because each change comes
// with pointers of its own. It keeps those of a walk until the walk ends, at most 16 MiB of them (N-137).
func TestCacheOfDescriptorsIsBounded(t *testing.T) {
	w := firmWorker(t, "")
	large := "O:BAG:SYD:" + strings.Repeat("(A;;FR;;;WD)", 2500) // 50 kB
	send := func(b watch.Batch, text string, n int) int {
		b.Tree = "/t"
		for i := range n {
			b.Seen = append(b.Seen, watch.Seen{Path: fmt.Sprint("/t/", i), Descriptor: sddl.MustParse(text)})
		}
		check.NoError(t, w.Batch(&b))
		return len(w.byDescriptor)
	}
	small := "O:BAG:SYD:(A;;FR;;;WD)"
	for _, c := range []struct {
		what       string
		batch      watch.Batch
		text       string
		n, atLeast int
		atMost     int
	}{
		{"changes", watch.Batch{}, small, 100, 0, 0},
		{"the begin of a walk", watch.Batch{Begin: true}, small, 100, 100, 100},
		{"more of the walk", watch.Batch{}, small, 100, 200, 200},
		{"large descriptors of the walk", watch.Batch{}, large, 500, 1, 16 << 20 / 50_000},
		{"the end of the walk", watch.Batch{End: true}, small, 1, 0, 0},
	} {
		if n := send(c.batch, c.text, c.n); n < c.atLeast || n > c.atMost {
			t.Errorf("N-137: after %s the worker keeps %d descriptors, want %d to %d", c.what, n, c.atLeast, c.atMost)
		}
	}
}

// TestCachedClassesDependOnKind checks that a file and a folder with one descriptor get classes of their own types.
func TestCachedClassesDependOnKind(t *testing.T) {
	w, d := firmWorker(t, ""), sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	for range 2 {
		for folder, want := range map[bool]*winnt.ObjectType{true: winnt.DirectoryFileObject, false: winnt.FileObject} {
			class := w.classed(d, folder).classes[0]
			check.Equal(t, class.Type, want, "the type of a class, folder %t", folder)
			check.Equal(t, definition(&class).Folder, folder, "its definition is of a folder")
		}
	}
}
