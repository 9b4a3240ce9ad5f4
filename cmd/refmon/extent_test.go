package main

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestVisitsFollowsRootsDepthAndPatterns checks which paths a run visits (B-90).
func TestVisitsFollowsRootsDepthAndPatterns(t *testing.T) {
	roots := func(list ...string) map[string][]string {
		out := map[string][]string{}
		for _, r := range list {
			out[cleanName(r)] = append(out[cleanName(r)], r)
		}
		return out
	}
	for _, c := range []struct {
		x    extent
		path string
		want bool
	}{
		{extent{}, "/a", true},
		{extent{exclude: []string{"*.tmp"}}, "/a.tmp/b", false},
		{extent{roots: roots("/a")}, "/a", true},
		{extent{roots: roots("/a")}, "/a/b", false},
		{extent{roots: roots("/a/"), recurse: true}, "/a/b/c", true},
		{extent{roots: roots("/a"), recurse: true}, "/ab", false},
		// link may be a symbolic link, and link/.. another folder than its lexical parent.
		{extent{roots: roots("b"), recurse: true}, "link/../b/c", false},
		{extent{roots: roots("link/../b"), recurse: true}, "b/c", false},
		{extent{roots: roots("link/../b"), recurse: true}, "link/.././b/c", true},
		{extent{roots: roots("link"), recurse: true}, "link/../b", false},
		{extent{roots: roots("/"), recurse: true}, "/ab", true},
		{extent{roots: roots("."), recurse: true}, "a/b", true},
		{extent{roots: roots("."), recurse: true}, "../b", false},
		{extent{roots: roots("."), recurse: true}, "/b", false},
		{extent{roots: roots(".."), recurse: true}, "../b", true},
		{extent{roots: roots(".."), recurse: true}, "../../b", false},
		{extent{roots: roots("."), recurse: true, exclude: []string{"./a"}}, "./a/b", false},
		{extent{roots: roots("."), recurse: true, exclude: []string{"a/b"}}, "./a/b", true},
		{extent{roots: roots("./a"), recurse: true, exclude: []string{"./a/b"}}, "a/b/c", false},
		{extent{roots: roots("a", "./a"), recurse: true, exclude: []string{"./a/b"}}, "a/b/c", true},
		{extent{roots: roots("/a"), recurse: true, depth: 2}, "/a/b/c", true},
		{extent{roots: roots("/a"), recurse: true, depth: 2}, "/a/b/c/d", false},
		{extent{roots: roots("/a", "/a/b/c"), recurse: true, depth: 2}, "/a/b/c/d", true},
		{extent{roots: roots("/a"), recurse: true, exclude: []string{"a", "/a/b"}}, "/a/c", true},
		{extent{roots: roots("/a"), recurse: true, exclude: []string{"a", "/a/b"}}, "/a/b/c", false},
	} {
		check.Equal(t, c.x.visits(c.path), c.want, "%+v visits %s", c.x, c.path)
	}
}
