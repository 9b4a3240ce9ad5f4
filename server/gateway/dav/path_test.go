package dav

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestPathsOfFoldersAndMembers checks the parent, a member and the URLs of paths.
func TestPathsOfFoldersAndMembers(t *testing.T) {
	for name, want := range map[Path][4]string{
		"/":       {"/", "/x", "/", "/"},
		"/a":      {"/", "/a/x", "/a", "/a/"},
		"/a b/c?": {"/a b", "/a b/c?/x", "/a%20b/c%3F", "/a%20b/c%3F/"},
	} {
		got := [4]string{string(name.Parent()), string(name.Join("x")), name.Href(false), name.Href(true)}
		check.Equal(t, got, want, "%s: parent, member and URLs", name)
		check.That(t, name.Under(name) && name.Under(Root) && name.Join("x").Under(name) && !name.Under(name.Join("x")),
			"%s is not under itself and the root alone", name)
	}
	check.That(t, !Path("/ab").Under("/a"), "/ab is under /a")
}
