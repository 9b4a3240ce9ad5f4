package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/winnt"
)

// ownPage is an answer with a page of the gateway's own.
func ownPage(body string) string {
	return answered(200, body, "Content-Type: text/html; charset=utf-8", "Cache-Control: no-store",
		"Referrer-Policy: no-referrer",
		"Content-Security-Policy: default-src 'none'; style-src 'sha256-"+styleHash()+"'; frame-ancestors 'none'; "+
			"base-uri 'none'; form-action 'self'")
}

// TestTimes: each time of refmond is told as it is, however long ago; a file system without such a time has 0.
func TestTimes(t *testing.T) {
	for at, want := range map[int64]string{0: "1601-01-01T00:00:00Z", epoch - 1: "1969-12-31T23:59:59.9999999Z",
		epoch: "1970-01-01T00:00:00Z", 0x1c08d967e1fd4c0: "2001-02-03T04:05:06.7Z",
		1 << 62: "16214-11-08T13:24:02.7387904Z"} {
		if got := when(at).Format(time.RFC3339Nano); got != want {
			t.Errorf("%d is %s, want %s", at, got, want)
		}
	}
}

// pageOf cuts the head of a page off, which is the same for all.
func pageOf(answer string) string {
	headers, body, _ := strings.Cut(answer, "\n\n")
	_, body, _ = strings.Cut(body, "</style>\n")
	return headers + "\n\n" + body
}

// listing is a page of a directory: its names above, and lines of a name, a size and a link.
func listing(heading, user, end string, lines ...string) string {
	const skip = "<a class=\"skip\" href=\"#main\">To the page</a>\n<header>\n<h1>"
	body := skip + heading + "</h1>\n<p>as " + user + "</p>\n</header>\n<main id=\"main\" tabindex=\"-1\">\n"
	if len(lines) == 0 {
		body += `<p class="faint">There is nothing here that you may see.</p>`
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

// TestExactPages: all of a directory's page, for who may read it and who may list it and no more; what cannot be
// asked for is
// not on it, and a page that is cut says so (G-11, G-13, G-20).
func TestExactPages(t *testing.T) {
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
		if got := w.ask(c.user, "GET", c.path, ""); !strings.Contains(got, "<style>"+style+"</style>\n") {
			t.Errorf("%s has another style", c.path)
		}
		w.same("HEAD of "+c.path, w.ask(c.user, "HEAD", c.path, ""), ownPage(""))
	}
	w.g.most = 2
	w.same("G-20: a page of more", pageOf(w.ask("bob", "GET", "/share/a%20b/", "")), listing(above+"a b", "bob",
		"<p>There is more than a page shows.</p>", lines[:6]...))
}

// TestSizes: numbers of bytes as people read them, at each unit and at the last.
func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 102_400: "100 KiB",
		101_888: "99.5 KiB", 1 << 20: "1.0 MiB", 1 << 30: "1.0 GiB", 1 << 40: "1.0 TiB", 1 << 50: "1.0 PiB",
		1 << 62: "4096 PiB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
}

// gathered returns what a page of the console gathers for a client.
func (w *exactly) gathered(q *request, path string) any {
	w.Helper()
	u, err := url.Parse(path)
	w.must(err)
	for _, p := range consolePages {
		if p.path == u.Path {
			return p.gather(q, &http.Request{URL: u})
		}
	}
	w.Fatalf("no page %s", path)
	return nil
}

// of returns a request of a user whose session is known.
func (w *exactly) of(user string) *request {
	w.Helper()
	p, err := w.g.link.process()
	w.must(err)
	s := p.sessions.find(p.sessions.name("basic ", strings.TrimPrefix(basicAuth(user).header(), "Basic ")))
	if s == nil {
		w.Fatalf("%s is not known", user)
	}
	w.Cleanup(func() { p.sessions.put(s) })
	ctx, end := context.WithTimeout(w.Context(), time.Minute)
	w.Cleanup(end)
	return &request{g: w.g, s: s, ctx: ctx}
}

// TestExactConsole: all that the console gathers for a client: trees, descriptors, who can, questions; what is
// refused or
// hidden is said as such and nothing else is told (G-8, G-25).
func TestExactConsole(t *testing.T) {
	w := newExactly(t, shared)
	w.folder("dir", shared)
	w.file("dir/a&b", "x", "O:BAG:SYD:(A;;FR;;;{bob})")
	w.file("dir/hers", "x", own)
	w.folder("shut", "O:BAG:SYD:(A;;0x20080;;;{bob})")
	w.folder("deep", own)
	w.folder("deep/in", own)
	bob, alice := w.sids["bob"].String(), w.sids["alice"].String()
	text := "O:BAG:SYD:P(A;OICI;FA;;;" + alice + ")(A;OICI;0x1200a9;;;" + bob + ")"
	grant := func(s, name string, mask winnt.AccessMask) *api.Grant {
		return &api.Grant{Sid: s, Name: name, Granted: rights(mask)}
	}
	who := []*api.Grant{grant("S-1-5-32-544", `BUILTIN\Administrators`, 0x60000), grant(alice, `HOST\alice`, 0x1f01ff),
		grant(bob, `HOST\bob`, 0x1200a9)}
	trees := []string{"share"}
	const noPath, noName = "this is no path of a tree, such as /projects/plans",
		"there is nothing of that name that you may see"
	for path, want := range map[string]any{
		"/tree":                     treeData{Trees: trees},
		"/tree?path=/":              treeData{Trees: trees, Path: "/", Problem: noPath},
		"/tree?path=x":              treeData{Trees: trees, Path: "x", Problem: noPath},
		"/tree?path=/share/none":    treeData{Trees: trees, Path: "/share/none", Problem: noName},
		"/tree?path=/share/deep/":   treeData{Trees: trees, Path: "/share/deep/", Up: "/tree?path=%2Fshare", SDDL: noControl},
		"/tree?path=/share/deep/in": treeData{Trees: trees, Path: "/share/deep/in", Problem: noName},
		"/tree?path=/share/shut": treeData{Trees: trees, Path: "/share/shut", Up: "/tree?path=%2Fshare",
			SDDL: "O:BAG:SYD:(A;;LORC;;;" + bob + ")", Who: []*api.Grant{who[0], grant(bob, `HOST\bob`, 0x20080)}},
		"/tree?path=/share/dir/hers": treeData{Trees: trees, Path: "/share/dir/hers", Up: "/tree?path=%2Fshare%2Fdir",
			SDDL: noControl},
		"/tree?path=/share": treeData{Trees: trees, Path: "/share", SDDL: text, Who: who, Files: []treeLine{
			{"deep", "/tree?path=%2Fshare%2Fdeep", "—"}, {"dir", "/tree?path=%2Fshare%2Fdir", text},
			{"shut", "/tree?path=%2Fshare%2Fshut", "O:BAG:SYD:(A;;LORC;;;" + bob + ")"}}},
		"/tree?path=/share/dir": treeData{Trees: trees, Path: "/share/dir", Up: "/tree?path=%2Fshare", SDDL: text, Who: who,
			Files: []treeLine{{"a&b", "/tree?path=%2Fshare%2Fdir%2Fa%26b", "O:BAG:SYD:(A;;FR;;;" + bob + ")"},
				{"hers", "/tree?path=%2Fshare%2Fdir%2Fhers", "—"}}},
		"/why": whyData{Rights: formRights},
		"/why?path=/share/dir&right=DELETE&account=mallory": whyData{Path: "/share/dir", Account: "mallory", Right: "DELETE",
			Rights: formRights, Problem: "account: STATUS_LOGON_FAILURE"},
		"/why?path=/share/none": whyData{Path: "/share/none", Rights: formRights, Problem: "STATUS_OBJECT_NAME_NOT_FOUND"},
		"/token?process=x": tokenData{Of: "the token of this request", Process: "x",
			Problem: "a process is a number of the list of sessions"},
		"/token?process=4294967296": tokenData{Of: "the token of this request", Process: "4294967296",
			Problem: "a process is a number of the list of sessions"},
		"/token?process=4": tokenData{Of: "the token of process 4", Process: "4", Problem: "STATUS_ACCESS_DENIED"},
	} {
		got := w.gathered(w.of("bob"), path)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s shows\n%+v, want\n%+v", path, got, want)
		}
		w.stays(path)
	}
	d, _ := w.gathered(w.of("bob"), "/why?path=/share/dir&right=GENERIC_READ&account=alice").(whyData)
	if !d.Asked || !d.Allowed || d.Status != "STATUS_SUCCESS" || !strings.Contains(d.Text, "AceAllow DACL 0") ||
		!reflect.DeepEqual(d.Granted, rights(0x120089).GetNames()) || d.Problem != "" || d.Account != "alice" {
		t.Errorf("why: %+v", d)
	}
	d, _ = w.gathered(w.of("bob"), "/why?path=/share/dir&right=WRITE_DAC").(whyData)
	if !d.Asked || d.Allowed || d.Status != "STATUS_ACCESS_DENIED" || !strings.Contains(d.Text, "WRITE_DAC") ||
		!reflect.DeepEqual(d.Granted, rights(0x1200a9).GetNames()) {
		t.Errorf("why not: %+v", d)
	}
}

const noControl = "(it takes READ_CONTROL to see the descriptor)"

// TestConsoleOfActing: who may open processes sees each thread that acts for another: of which process, as whom,
// since when
// and by which proof; and the token of a process. Others see nothing of it.
func TestConsoleOfActing(t *testing.T) {
	w := newExactly(t, shared)
	bob := w.of("bob")
	p := bob.s.p
	th, err := p.conn.NewThread()
	w.must(err)
	begun := time.Now().Add(-time.Second).UTC()
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, bob.s.token); st !=
		ntstatus.Success {
		t.Fatal(st)
	}
	one := p.sessions.once(func(s *session) { s.token, s.st = w.own(p), ntstatus.Success })
	own := &request{g: w.g, s: one, ctx: t.Context()}
	left := w.now()
	d, _ := w.gathered(own, "/").(sessionsData)
	if len(d.Sessions) != 1 || d.Problem != "" {
		t.Fatalf("%+v", d)
	}
	id := d.Sessions[0].Process
	since := func(text string) bool {
		at, err := time.Parse(time.DateTime, text)
		return err == nil && !at.Before(begun.Truncate(time.Second)) && !at.After(time.Now().Add(time.Second))
	}
	if s := d.Sessions[0]; s.User != "S-1-22-1-61010" && !strings.HasSuffix(s.User, "61010") || s.UID != "61010" ||
		s.Name == "" ||
		s.Token != "/token?process="+id || !since(s.Since) && s.Since == "" {
		t.Errorf("%+v", s)
	}
	// The client's token is the client's own to open; the thread that looks acts, too.
	as := map[string]actingLine{}
	for _, a := range d.Acting {
		if as[a.As] = a; a.Process != id || a.Thread == "" || !since(a.Since) {
			t.Errorf("acting: %+v", a)
		}
	}
	if a, b := as["a client whose token you may not open"], as["S-1-22-1-61010"]; len(d.Acting) != 2 ||
		a.Thread == b.Thread {
		t.Errorf("acting are %+v", d.Acting)
	}
	of, _ := w.gathered(own, "/token?process="+id).(tokenData)
	if of.Of != "the token of process "+id || of.Problem != "" || of.User != "S-1-22-1-61010" || of.Level != "" ||
		len(of.Groups) == 0 || of.Process != id {
		t.Errorf("%+v", of)
	}
	mine, _ := w.gathered(bob, "/token").(tokenData)
	if mine.User != w.sids["bob"].String() || mine.Name != `HOST\bob` || mine.Level != "SecurityImpersonation" ||
		mine.Of != "the token of this request" {
		t.Errorf("%+v", mine)
	}
	names := map[string]string{}
	for _, g := range mine.Groups {
		names[g.SID] = g.Name + " " + g.How
	}
	if names["S-1-1-0"] != "Everyone " || !strings.HasSuffix(names["S-1-16-8192"], " integrity") {
		t.Errorf("%v", names)
	}
	other, _ := w.gathered(bob, "/").(sessionsData)
	for _, a := range other.Acting {
		if a.As != `HOST\bob` && a.As != "a client whose token you may not open" {
			t.Errorf("bob sees %+v", a)
		}
	}
	if now := w.now(); now != left {
		t.Errorf("G-2: the pages left objects, handles, references %d, which were %d", now, left)
	}
	denied, _ := w.gathered(bob, "/token?process="+id).(tokenData)
	if denied.Problem != "STATUS_ACCESS_DENIED" || denied.User != "" || len(denied.Groups) != 0 {
		t.Errorf("bob sees the token of the gateway: %+v", denied)
	}
	th.Close()
	p.sessions.put(one)
}
