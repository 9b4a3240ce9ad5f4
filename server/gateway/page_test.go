package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// ownPage is an answer with a page of the gateway's own.
func ownPage(body string) string {
	return answered(200, body, "Content-Type: text/html; charset=utf-8", "Cache-Control: no-store",
		"Referrer-Policy: no-referrer",
		"Content-Security-Policy: default-src 'none'; style-src 'sha256-"+styleHash()+"'; frame-ancestors 'none'; "+
			"base-uri 'none'; form-action 'self'")
}

// pageOf cuts the head of a page off, which is the same for all.
func pageOf(answer string) string {
	headers, body, _ := strings.Cut(answer, "\n\n")
	_, body, _ = strings.Cut(body, "</style>\n")
	return headers + "\n\n" + body
}

// listing is a page of a directory: its names above, and lines of a name, a size and a link.
func listing(heading, user, end string, lines ...string) string {
	const skip = "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n<h1>"
	body := skip + heading + "</h1>\n<p>as " + user + "</p>\n</header>\n<main id=\"main\" tabindex=\"-1\">\n"
	if len(lines) == 0 {
		body += `<p class="faint">There is no file here that you may see.</p>`
	} else {
		body += `<table>` + "\n" + `<thead><tr><th scope="col">Name</th><th scope="col" class="n">Size</th><th scope="col" ` +
			`class="n when">Changed (UTC)</th></tr></thead>` + "\n<tbody>\n"
		for i := 0; i < len(lines); i += 3 {
			body += fmt.Sprintf(`<tr><td><a href="%s">%s</a></td><td class="n">%s</td><td class="n when">2001-02-03 `+
				`04:05</td></tr>`,
				lines[i+2], lines[i], lines[i+1]) + "\n"
		}
		body += "</tbody>\n</table>"
	}
	return ownPage(body + "\n" + end + "\n</main>\n</html>\n")
}

// TestDirectoryPageOmitsInvalidNames checks the complete page of a directory for clients that may read or only list it.
// Names that cannot be requested are omitted, and a truncated page says so (G-11, G-13, G-20).
func TestDirectoryPageOmitsInvalidNames(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.Trees = []string{"gone", "share"} })
	w.folder("a b", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x1;;;{bob})")
	w.folder("a b/in", own)
	w.folder("a b/empty", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.file("a b/[f&g]", strings.Repeat("x", 1536), own)
	w.file("a b/"+uploadPrefix+"x", "", shared)
	w.file("a b/hidden.", "", shared)
	for _, name := range []string{"a b/in", "a b/[f&g]", "a b/empty", "a b", ""} {
		w.at(name)
	}
	const above = `<a href="/">trees</a> / <a href="/share/">share</a> / `
	lines := []string{"[f&amp;g]", "1.5 KiB", "/share/a%20b/%5Bf&amp;g%5D", "empty/", "", "/share/a%20b/empty/", "in/", "",
		"/share/a%20b/in/"}
	for _, c := range []struct{ user, path, want string }{
		{"alice", "/share/a%20b/", listing(above+"a b", "alice", "", lines...)},
		{"bob", "/share/a%20b/", listing(above+"a b", "bob", "", lines...)},
		{"bob", "/share/a%20b/empty/", listing(above+`<a href="/share/a%20b/">a b</a> / empty`, "bob", "")},
		{"bob", "/share/", listing(`<a href="/">trees</a> / share`, "bob", "", "a b/", "", "/share/a%20b/")},
		{"bob", "/", listing("trees", "bob", "", "share/", "", "/share/")}, {"carol", "/", listing("trees", "carol", "")},
	} {
		w.same("the page "+c.path+" for "+c.user, pageOf(w.ask(c.user, "GET", c.path, "")), c.want)
		check.That(t, strings.Contains(w.ask(c.user, "GET", c.path, ""), "<style>"+style+"</style>\n"),
			"%s has another style", c.path)
		w.same("HEAD of "+c.path, w.ask(c.user, "HEAD", c.path, ""), ownPage(""))
	}
	w.g.dav.MostListed = 2
	w.same("G-20: a page of more", pageOf(w.ask("bob", "GET", "/share/a%20b/", "")), listing(above+"a b", "bob",
		"<p>This page does not show all names of the folder.</p>", lines[:6]...))
}

// TestPageNamesEachClient checks that a page names a client as it logged on. A client without such a name has the name
// of its SID, or the SID if refmond knows no name.
func TestPageNamesEachClient(t *testing.T) {
	w := newExactly(t, shared)
	q := w.of("alice")
	stranger := sid.MustParse("S-1-5-21-9-8-7-1000")
	for _, c := range []struct {
		name string
		user sid.SID
		want string
	}{{"al", w.sids["alice"], "al"}, {"", w.sids["alice"], `HOST\alice`}, {"", stranger, "S-1-5-21-9-8-7-1000"}} {
		s := &session{p: q.s.p, token: q.s.token, user: c.user, name: c.name}
		check.Equal(t, (&request{g: w.g, s: s, ctx: q.ctx}).user(), c.want, "the user %v with the name %q", c.user, c.name)
	}
}

// TestSizeUnitChangesAtEachBound checks human-readable sizes at the bounds of each unit.
func TestSizeUnitChangesAtEachBound(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 102_400: "100 KiB",
		101_888: "99.5 KiB", 1 << 20: "1.0 MiB", 1 << 30: "1.0 GiB", 1 << 40: "1.0 TiB", 1 << 50: "1.0 PiB",
		1 << 62: "4096 PiB"} {
		check.Equal(t, size(n), want, "%d bytes", n)
	}
}
