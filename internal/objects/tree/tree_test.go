package tree_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
)

// TestSecondHaltDoesNothing checks that Halt ends the walk, and a second call does nothing.
func TestSecondHaltDoesNothing(t *testing.T) {
	source := tree.Files([]string{t.TempDir()}, tree.Options{Recurse: true})
	objects.Halt(source)
	objects.Halt(source)
}

// TestBatchesKeepTheirFiles checks that a batch is still whole when the walk has filled the next one.
func TestBatchesKeepTheirFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 * objects.PerBatch {
		check.NoError(t, os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600))
	}
	source := tree.Files([]string{dir}, tree.Options{Recurse: true})
	defer objects.Halt(source)
	var first, second objects.Batch
	check.NoError(t, source.Next(&first))
	check.NoError(t, source.Next(&second))
	seen := map[string]bool{}
	for _, b := range []*objects.Batch{&first, &second} {
		b.Each(func(o *objects.Object) { seen[string(o.Path)] = true })
	}
	check.Equal(t, len(seen), 2*objects.PerBatch, "files of two batches")
}
