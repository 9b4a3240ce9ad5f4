package tree

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestSourceClosesItsRoot checks that a source that was read, or whose reader stopped in its last batch, keeps no
// descriptor. The garbage collector, which closes lost files, does not run meanwhile.
func TestSourceClosesItsRoot(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	root := t.TempDir()
	check.NoError(t, os.Mkdir(filepath.Join(root, "a"), 0o700))
	for _, name := range []string{"a/b", "c"} {
		check.NoError(t, os.WriteFile(filepath.Join(root, name), nil, 0o600))
	}
	for name, source := range map[string]func() (objects.Source, error){
		"named files": func() (objects.Source, error) {
			return Named(root, []string{root + "/c", root + "/none"}, Options{})
		},
		"a named folder": func() (objects.Source, error) {
			return Named(root, []string{root + "/a"}, Options{Recurse: true})
		},
		"a walk of a folder": func() (objects.Source, error) { return Files([]string{root}, Options{Recurse: true}), nil },
		"a walk of two folders and a file": func() (objects.Source, error) {
			return Files([]string{root + "/a", root, root + "/none", root + "/c"}, Options{Recurse: true}), nil
		},
	} {
		for _, whole := range []bool{true, false} {
			if !whole && strings.Contains(name, "two") {
				continue // batches that nobody reads are left
			}
			before, after := check.OpenDescriptors(t), 0
			for range 20 {
				s, err := source()
				check.NoError(t, err)
				n := 0
				check.NoError(t, objects.All(context.Background(), s, sid.SID{}, winnt.FileObject, func(objects.Item) bool {
					n++
					return whole
				}))
				check.That(t, n != 0, "%s: no object", name)
			}
			for range 300 { // a walk that was halted ends a little later
				if after = check.OpenDescriptors(t); after == before {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			check.That(t, after == before,
				"%s, read to the end: %t: %d descriptors, want %d as before", name, whole, after, before)
		}
	}
	check.That(t, check.Err(Named(filepath.Join(root, "c"), nil, Options{})) != nil,
		"Named below a file succeeds, want %v", fs.ErrInvalid)
}
