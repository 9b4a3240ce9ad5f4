package tree

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestRootContainsWholeNames checks that a path is in a tree by whole names, and that "/" contains each absolute path.
func TestRootContainsWholeNames(t *testing.T) {
	for path, trees := range map[string]string{"/t": "/t /", "/t/x": "/t /", "/tx": "/", "/": "/", "": "", "t/x": "",
		"/s/x": "/ /s", "/t/": "/t /", "//a/srv/x": "/ //a/srv"} {
		for _, root := range []string{"/t", "/", "/s", "//a/srv"} {
			want := strings.Contains(" "+trees+" ", " "+root+" ")
			check.Equal(t, Contains(root, path), want, "%q is in %s", path, root)
		}
	}
}
