package tree_test

import (
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
)

// TestSecondHaltDoesNothing checks that Halt ends the walk, and a second call does nothing.
func TestSecondHaltDoesNothing(t *testing.T) {
	source := tree.Files([]string{t.TempDir()}, tree.Options{Recurse: true})
	objects.Halt(source)
	objects.Halt(source)
}
