package ntacl_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntacl"
)

// forest is a tree in memory: names ending in / are directories.
type forest map[string]string // path → attribute, "!" unreadable, "@" a link

var errGone = errors.New("gone")

func (f forest) Stat(p string) (ntacl.Info, error) { return f.Lstat(p) }
func (f forest) Join(p, name string) string        { return p + name }
func (f forest) Lstat(p string) (ntacl.Info, error) {
	v, ok := f[p]
	if !ok {
		return ntacl.Info{}, errGone
	}
	return ntacl.Info{Directory: strings.HasSuffix(p, "/"), Other: v == "@"}, nil
}

func (f forest) List(p string) (out []string, err error) {
	for name := range f {
		if rest, ok := strings.CutPrefix(name, p); ok && rest != "" && !strings.Contains(strings.TrimSuffix(rest, "/"), "/") {
			out = append(out, rest)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (f forest) Attribute(p, name string) ([]byte, error) {
	switch v := f[p]; {
	case v == "!":
		return nil, errGone
	case v == "" || name != ntacl.Name:
		return nil, nil
	default:
		return []byte(v), nil
	}
}

func TestWalk(t *testing.T) {
	f := forest{"/": "root", "/a": "1", "/b/": "", "/b/c": "2", "/b/link": "@", "/b/secret": "!", "/d": ""}
	walk := func(root string, opt ntacl.Options, most int) (out []string) {
		ntacl.Walk(f, root, opt, func(x ntacl.File) bool {
			out = append(out, fmt.Sprintf("%s %s %v", x.Path, x.Attribute, x.Err))
			return len(out) < most
		})
		return out
	}
	want := []string{"/ root <nil>", "/a 1 <nil>", "/b/  <nil>", "/b/c 2 <nil>", "/b/secret  gone", "/d  <nil>"}
	if got := walk("/", ntacl.Options{Recurse: true}, 99); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := walk("/", ntacl.Options{Recurse: true}, 3); !slices.Equal(got, want[:3]) {
		t.Errorf("stopped: %q", got)
	}
	if got := walk("/", ntacl.Options{}, 99); !slices.Equal(got, want[:1]) {
		t.Errorf("root alone: %q", got)
	}
	if got := walk("/x", ntacl.Options{}, 99); !slices.Equal(got, []string{"/x  gone"}) {
		t.Errorf("no such file: %q", got)
	}
}
