package watch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestNestedNewFoldersAreReadOnce checks that a chain of new folders is read once, not once for each folder. A user can
// make thousands of folders below each other, with many files below all (N-8).
func TestNestedNewFoldersAreReadOnce(t *testing.T) {
	root := t.TempDir()
	out := make(chan Batch, 64)
	w := &watch{Watcher: &Watcher{Root: root}, ctx: t.Context(), out: out, changes: silent{}, pending: newNews(),
		links: newLinkTable()}
	const depth = 30
	for n := 1; n <= depth; n++ {
		w.pending.paths[filepath.Join(root, strings.Repeat("d/", n))+"/"] = struct{}{}
	}
	for _, other := range []string{"d-e", "d0"} { // their names sort before and after those of the chain
		check.NoError(t, os.MkdirAll(filepath.Join(root, other, "sub"), 0o755))
		w.pending.paths[filepath.Join(root, other)+"/"] = struct{}{}
	}
	file := filepath.Join(root, strings.Repeat("d/", depth), "file")
	check.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	check.NoError(t, os.WriteFile(file, nil, 0o644))
	check.NoError(t, w.sendPending())
	close(out)
	seen := map[string]int{}
	for b := range out {
		for _, s := range b.Seen {
			seen[s.Path]++
		}
	}
	for _, path := range []string{file, filepath.Join(root, "d-e/sub"), filepath.Join(root, "d0/sub")} {
		check.Equal(t, seen[path], 1, "reports of %s", path)
	}
}
