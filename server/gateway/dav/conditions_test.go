package dav

import (
	"net/http"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestHTTPConditionsFollowRFC9110 checks both outcomes of each condition of RFC 9110, 13, for a resource with a tag,
// one without, and no resource, the precedence of 13.2.2, and the list syntax of 5.6.1 and 8.8.3 (G-37).
func TestHTTPConditionsFollowRFC9110(t *testing.T) {
	date := func(text string) time.Time {
		at := check.Must(http.ParseTime(text))
		return at
	}
	const before, then, after = "Sat, 03 Feb 2001 04:05:05 GMT", "Sat, 03 Feb 2001 04:05:06 GMT",
		"Sat, 03 Feb 2001 04:05:07 GMT"
	file := validators{exists: true, tag: entityTag{opaque: `"a,b"`}, modified: date(then).Add(time.Second / 2)}
	folder, none := validators{exists: true, modified: date(then)}, validators{}
	for _, c := range []struct {
		headers            []string // names and values
		file, folder, none bool
	}{
		{nil, true, true, true},
		{[]string{"If-Match", `"a,b"`}, true, false, false}, {[]string{"If-Match", `"x" , "a,b"`}, true, false, false},
		{[]string{"If-Match", `,, "x",	"a,b",`}, true, false, false}, {[]string{"If-Match", `"a"`}, false, false, false},
		{[]string{"If-Match", `W/"a,b"`}, false, false, false}, {[]string{"If-Match", ` * `}, true, true, false},
		{[]string{"If-Match", `"x"`, "If-Match", `"a,b"`}, true, false, false},
		{[]string{"If-None-Match", `"a,b"`}, false, true, true}, {[]string{"If-None-Match", `W/"a,b"`}, false, true, true},
		{[]string{"If-None-Match", `*`}, false, false, true}, {[]string{"If-None-Match", `"x","y"`}, true, true, true},
		{[]string{"If-None-Match", `"x"`, "If-None-Match", `"a,b"`}, false, true, true},
		{[]string{"If-Unmodified-Since", before}, false, false, true},
		{[]string{"If-Unmodified-Since", then}, true, true, true},
		{[]string{"If-Unmodified-Since", after}, true, true, true},
		{[]string{"If-Unmodified-Since", "then"}, true, true, true},
		{[]string{"If-Unmodified-Since", before, "If-Unmodified-Since", before}, true, true, true},
		{[]string{"If-Match", `"a,b"`, "If-Unmodified-Since", before}, true, false, false},
		{[]string{"If-Match", `*`, "If-None-Match", `"a,b"`}, false, true, false},
		{[]string{"If-Unmodified-Since", before, "If-None-Match", `"x"`}, false, false, true},
		{[]string{"If-Modified-Since", after}, true, true, true},
	} {
		h := http.Header{}
		for i := 0; i < len(c.headers); i += 2 {
			h.Add(c.headers[i], c.headers[i+1])
		}
		got, err := parseConditions(h)
		if err != nil {
			t.Errorf("G-37: %v: %v", c.headers, err)
			continue
		}
		for _, x := range []struct {
			name string
			v    validators
			want bool
		}{{"a file", file, c.file}, {"a folder", folder, c.folder}, {"nothing", none, c.none}} {
			check.Equal(t, got.hold(x.v), x.want, "G-37: %v for %s", c.headers, x.name)
		}
	}
	weak, strong := entityTag{weak: true, opaque: `"1"`}, entityTag{opaque: `"1"`}
	check.That(t, !weak.strongly(strong) && !strong.strongly(weak) && strong.strongly(strong) && strong.weakly(weak),
		"RFC 9110, 8.8.3.2: a weak and a strong tag must match by the weak comparison only")
	for _, text := range []string{"", ",", "a", `"a`, `"a" "b"`, `*, "a"`, `"a", *`, `w/"a"`, `"a b"`, `"a` + "\x7f" + `"`,
		`W/`, `"a"x`} {
		if l, err := parseTags([]string{text}); err == nil {
			t.Errorf("G-37: %q is read as %+v", text, l)
		}
	}
}
