package tree_test

import (
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
	var paths []string // missing files
	for i := range 2*objects.PerBatch + 1 {
		paths = append(paths, filepath.Join(dir, strconv.Itoa(i)))
	}
	source := tree.Files(paths, tree.Options{})
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
