package watch

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestKernelPathsBecomeDocumentNames checks the conversion of kernel paths to document names for the root, its
// descendants and other paths, also if the tree's path contains a symbolic link or is the whole
// file system.
func TestKernelPathsBecomeDocumentNames(t *testing.T) {
	for _, c := range []struct{ root, at, path, want string }{
		{"/t", "/x/t", "/x/t", "/t"}, {"/t", "/x/t", "/x/t/a/b", "/t/a/b"}, {"/t", "/x/t", "/x/tt", ""},
		{"/t", "/x/t", "/x/tt/a", ""}, {"/t", "/x/t", "/x", ""}, {"/t", "/x/t", "/", ""}, {"/t", "/x/t", "/t/a", ""},
		{"/", "/", "/", "/"}, {"/", "/", "/a/b", "/a/b"}, {"/t", "/", "/a", "/t/a"}, {"/t", "/", "/", "/t"},
	} {
		check.Equal(t, (&fanotify{root: c.root, at: c.at}).named(c.path), c.want,
			"%s in the tree %s at %s", c.path, c.root, c.at)
	}
}
