package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestAmbiguousRequestPathsAreRejected checks that paths that two parsers could read differently are rejected, and that
// an impossible file name is 404 (G-10, G-11).
func TestAmbiguousRequestPathsAreRejected(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	w.file(uploadPrefix+"x", "half", shared)
	w.folder("d", shared)
	for _, path := range []string{"/share/../share/f", "/share/%2e%2e/f", "/share/./f", "/share//f", "/share/a%2ff",
		"/share/a%2Ff", "/share/%5cf", "/share/..%5cf", "/share/f%00", "/share/%ff%fe",
		"/share/" + strings.Repeat("a", 256),
		"/" + strings.Repeat("a/", 2500), "/share" + strings.Repeat("/a", 200), "/share/%c0%ae%c0%ae/f"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "MKCOL", "LOCK", "PROPFIND"} {
			r := w.request("alice", method, "/", "", "Depth", "0")
			r.URL.Opaque = strings.TrimPrefix(w.url, "https:") + path // without normalization
			if got := w.do(r); got.code != 400 && got.code != 405 {
				t.Errorf("G-10: %s %.60s: %d", method, path, got.code)
			}
		}
		w.want(400, "alice", "COPY", "/share/f", "", "Destination", path)
	}
	for _, path := range []string{"/share/f:s", "/share/f::$DATA", "/share/a*", "/share/a%3f", "/share/f.", "/share/f%20",
		"/share/%01", "/share/a%22", "/share/a%3c", "/share/a%3e", "/share/a%7c", "/share/d./f", "/share/d/f."} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "MKCOL", "LOCK", "PROPFIND", "UNLOCK"} {
			got := w.want(400, "alice", method, path, "", "Depth", "0")
			check.That(t, method == "HEAD" || strings.HasPrefix(got.body, "Windows does not allow this name: it "),
				"G-11: %s %s: %s", method, path, got.body)
		}
		w.want(400, "alice", "COPY", "/share/f", "", "Destination", path)
	}
	for _, path := range []string{"/share/" + uploadPrefix + "x", "/share/" + uploadPrefix + "free", "/none/f",
		"/SHARE/f"} {
		w.want(404, "alice", "GET", path, "")
		for method, body := range map[string]string{"PUT": "x", "MKCOL": "", "LOCK": lockBody} {
			w.want(403, "alice", method, path, body)
		}
		for _, from := range []string{"/share/f", "/share/d"} {
			w.want(403, "alice", "COPY", from, "", "Destination", path)
			w.want(403, "alice", "MOVE", from, "", "Destination", path)
		}
		w.want(404, "alice", "DELETE", path, "")
	}
	check.Equal(t, w.entries(""), uploadPrefix+"x d f", "G-11: the tree")
	check.That(t, !strings.Contains(w.want(200, "alice", "GET", "/share/", "").body, uploadPrefix),
		"G-11: a page lists an upload")
	r := w.request("alice", "GET", "/", "")
	r.URL.Path = "/" + strings.Repeat("x", 64<<10)
	if got := w.do(r); got.code != 400 {
		t.Errorf("a path of 64 KiB: %d", got.code)
	}
}

// FuzzPlace checks that each part of a parsed path is a valid name, and that a place's own path parses to the same
// place (G-10).
func FuzzPlace(f *testing.F) {
	for _, s := range []string{"/", "/a", "/a/b/", "/a//b", "/a/%2e%2e/b", "/a/b%5cc", "/\xff", "/a/..", "//x/y",
		"/a/%2f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.ParseRequestURI(text)
		if err != nil {
			return
		}
		p, _, err := parsePlace(u)
		if err != nil {
			return
		}
		for part := range strings.SplitSeq(p.tree+`\`+p.path, `\`) {
			if part == "." || part == ".." || strings.ContainsAny(part, "/\x00") || part == "" && p.path != "" {
				t.Fatalf("%q has the part %q", text, part)
			}
		}
		again := check.Must(url.Parse(p.href(false)))
		if q, _, err := parsePlace(again); err != nil || q != p {
			t.Fatalf("%q is %+v, read back %+v", text, p, q)
		}
	})
}

// FuzzHeaders checks that no header causes a panic or a client without a name (G-3).
func FuzzHeaders(f *testing.F) {
	for _, header := range []string{"Basic YTpi", "Negotiate YII=", ""} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		_, value, _ := strings.Cut(header, " ")
		if in, ok := basic(value); ok && in.UserName == "" {
			t.Fatal("a name that is empty")
		}
		r := http.Request{Header: http.Header{"Origin": {header}}, Host: header}
		_ = sameOrigin(&r)
	})
}

// TestParsePlaceBounds checks both sides of each limit of a path (G-10).
func TestParsePlaceBounds(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	long := strings.Repeat("/"+a(255), 15) // 3,840 bytes
	for _, c := range []struct {
		what, path string
		want       place
		dir        bool
		problem    string
	}{
		{"the root", "/", place{}, true, ""},
		{"the root twice", "//", place{}, false, "one of its names is \"\""},
		{"a tree", "/t", place{"t", ""}, false, ""},
		{"a tree's root", "/t/", place{"t", ""}, true, ""},
		{"a file", "/t/d/f", place{"t", `d\f`}, false, ""},
		{"a directory", "/t/d/", place{"t", "d"}, true, ""},
		{"the longest name", "/t/" + a(255), place{"t", a(255)}, false, ""},
		{"a longer name", "/t/" + a(256), place{}, false, "one of its names has more than 255 bytes"},
		{"a longer tree", "/" + strings.Repeat("é", 128), place{}, false, "one of its names has more than 255 bytes"},
		{"the most components", strings.Repeat("/a", 128), place{"a", strings.Repeat(`\a`, 127)[1:]}, false, ""},
		{"one component more", strings.Repeat("/a", 129), place{}, false, "it has more than 128 names"},
		{"the longest path", long + "/" + a(255), place{a(255), strings.Repeat(`\`+a(255), 15)[1:]}, false, ""},
		{"a longer path", long + "/" + a(255) + "/", place{}, false, "it has more than 4096 bytes"},
		{"an empty name", "/t//f", place{}, false, `one of its names is ""`},
		{"a dot", "/t/./f", place{}, false, `one of its names is "."`},
		{"two dots", "/t/../f", place{}, false, `one of its names is ".."`},
		{"a backslash", `/t/a\b`, place{}, false, "it has a backslash, a NUL or an encoded slash"},
		{"a NUL", "/t/a\x00", place{}, false, "it has a backslash, a NUL or an encoded slash"},
		{"other bytes", "/t/\xff", place{}, false, "it is not UTF-8"},
		{"no slash", "t", place{}, false, "it does not begin with a slash"},
		{"an empty path", "", place{}, false, "it does not begin with a slash"},
	} {
		got, dir, err := parsePlace(&url.URL{Path: c.path})
		problem := ""
		if err != nil {
			problem, got, dir = err.Error(), place{}, false
		}
		check.That(t, problem == c.problem && got == c.want && dir == c.dir, "%s: got %v, %t, %q, want %v, %t, %q", c.what,
			got, dir, problem, c.want, c.dir, c.problem)
	}
}

func TestGatewayPathMapsToObjectName(t *testing.T) {
	for _, c := range []struct {
		at                       place
		object, file, dir, above string
		name                     string
		below                    place
	}{
		{place{"t", ""}, `\??\t\`, "/t", "/t/", "/t/", "", place{"t", "x"}},
		{place{"t", "a"}, `\??\t\a`, "/t/a", "/t/a/", "/t/", "a", place{"t", `a\x`}},
		{place{"t#", `a\b#c`}, `\??\t#\a\b#c`, "/t%23/a/b%23c", "/t%23/a/b%23c/", "/t%23/a/", "b#c",
			place{"t#", `a\b#c\x`}},
	} {
		above, name := c.at.above()
		if c.at.object() != c.object || c.at.href(false) != c.file || c.at.href(true) != c.dir ||
			above.href(true) != c.above || name != c.name || c.at.below("x") != c.below {
			t.Errorf("%v: got %s, %s, %s, above %s and %s, below %v; want %s, %s, %s, %s and %s, %v", c.at, c.at.object(),
				c.at.href(false), c.at.href(true), above.href(true), name, c.at.below("x"), c.object, c.file, c.dir, c.above,
				c.name, c.below)
		}
	}
	check.Equal(t, (place{}).href(true), "/", "got the root")
}

func TestUploadNamesAreNotPossibleNames(t *testing.T) {
	for path, want := range map[string]bool{
		"": true, "f": true, `d\f`: true, "a:b": false, `d:\f`: false, `d.\f`: false, `d\f `: false, "f.x": true,
		uploadPrefix + "x": false, `d\` + uploadPrefix: false, "x" + uploadPrefix: true, "a*": false,
	} {
		check.Equal(t, (place{"t", path}).possible(), want, "%q: got", path)
	}
}
