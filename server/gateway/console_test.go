package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// view fetches a page of the console.
func (w *world) view(user, path string, headers ...string) httpResult {
	w.Helper()
	r := w.request(user, http.MethodGet, "/", "", headers...)
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
	return w.atConsole(r)
}

// TestConsoleShowsOnlyWhatClientMaySee checks that the pages show the client's view of refmond and change nothing.
func TestConsoleShowsOnlyWhatClientMaySee(t *testing.T) {
	w := newWorld(t, shared)
	w.file("dir/plan &b.txt", "f", shared)
	w.describe("dir", shared)
	w.file("hers", "x", own)
	other, err := w.dial(61011) // another program, which carol may not inspect
	w.must(err)
	defer other.Close()
	other.Thread().NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: winnt.FILE_OPEN,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\hers`})})
	for _, c := range []struct{ user, path, want, not string }{
		{"bob", "/", "There is no connection that you may see", "61011"},
		{"bob", "/token", `HOST\bob`, "HOST\\alice"},
		{"bob", "/token?process=4", "STATUS_", "Privileges"},
		{"bob", "/tree", `href="/tree?path=/share"`, ""},
		{"carol", "/tree", "There is no tree that you may see", "share\""},
		{"bob", "/tree?path=/share/dir", "plan &amp;b.txt", "plan &b"},
		{"bob", "/tree?path=/share/dir", "HOST\\alice</td><td>FILE_READ_DATA, FILE_WRITE_DATA", ""},
		{"bob", "/tree?path=/share/hers", "visible only with READ_CONTROL", "FA;;;"},
		{"carol", "/tree?path=/share/dir", "no such name, or you may not see it", ""},
		{"bob", "/why", "<select", "Allowed"},
		{"bob", "/why?path=/share/dir&right=DELETE", "Denied (STATUS_ACCESS_DENIED)", ""},
		{"bob", "/why?path=/share/dir&right=DELETE&account=alice", "Allowed (STATUS_SUCCESS)", ""},
		{"bob", "/why?path=/share/hers&right=MAXIMUM_ALLOWED", "STATUS_ACCESS_DENIED", "Allowed"},
		{"bob", "/why?path=/share/dir&right=FILE_READ_EA", "ALLOWED</option><option selected>FILE_READ_EA<", ""},
		{"bob", "/why?path=/share/dir&right=DELETE", "<option selected>DELETE</option>", "<option selected>GENERIC"},
		{"bob", "/why?path=/share/dir&right=FLY", "is not a right of a file", ""},
		{"bob", "/trail", "There is no denied call that you may see", "hers"},
	} {
		got := w.view(c.user, c.path)
		if got.code != 200 || !strings.Contains(got.body, c.want) || c.not != "" && strings.Contains(got.body, c.not) ||
			!strings.HasSuffix(got.body, "</html>\n") ||
			!strings.Contains(got.body, `href="#main"`) || !strings.Contains(got.body, `<main id="main"`) ||
			!strings.HasPrefix(got.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
			t.Errorf("%s as %s: %d, want %q and not %q\n%v\n%s",
				c.path, c.user, got.code, c.want, c.not, got.header, got.body)
		}
	}
	for _, r := range append(apiRows(w.g), consoleRows(w.g)...) {
		if r.needs != known && r.path != "/health" || r.change != (r.method == http.MethodPost) || r.path == "" {
			t.Errorf("the row %s %s is for %d and changes something: %t", r.method, r.path, r.needs, r.change)
		}
	}
	check.Equal(t, w.view("bob", "/share/dir/").code, 404, "the console serves files")
	check.Equal(t, w.view("bob", "/Token").code, 404, "the console ignores the case of a path")
	check.Equal(t, w.ask("bob", "GET", "/refmon.v1.Access/Token", "").code, 404, "the origin of files serves the API")
}

// own returns a handle of a token of the gateway's account.
func (w *world) own(p *process) (tok winnt.Handle) {
	w.Helper()
	p.do(w.Context(), func(th *nt.Thread) ntstatus.Status {
		own, _ := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
		defer th.NtClose(own)
		level := &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
			ImpersonationLevel: winnt.SecurityImpersonation}}
		var st ntstatus.Status
		tok, st = th.NtDuplicateToken(own, winnt.TOKEN_ALL_ACCESS, level, false, winnt.TokenImpersonation)
		return st
	})
	return tok
}

// TestConsoleShowsDenialsToOwner checks that a client who may open processes sees connections, impersonated
// clients and at most mostTrail denials, the newest first, also of more denials than refmond returns at once.
func TestConsoleShowsDenialsToOwner(t *testing.T) {
	w := newExactly(t, shared)
	w.file("first", "first", own)
	w.file("last", "last", own)
	for i := range 300 + mostTrail {
		name := "first"
		if i >= 300 {
			name = "last"
		}
		st := check.Status(w.newRequest("bob").open(place{"share", name}, winnt.FILE_READ_DATA, winnt.FILE_OPEN, 0))
		check.Require(t, st, ntstatus.AccessDenied, "open of %s", name)
	}
	p := check.Must(w.g.link.process())
	s := p.sessions.once(func(s *session) { s.token, s.st = w.own(p), 0 }) // the client sees its own process
	q := &request{g: w.g, s: s, ctx: t.Context()}
	d, ok := q.sessionsPage(nil).(sessionsData)
	check.That(t, ok && len(d.Sessions) == 1 && d.Sessions[0].UID == "61010", "%+v", d)
	calls, ok := q.trailPage(nil).(trailData)
	check.RequireThat(t, ok && len(calls.Calls) == mostTrail, "%d denials, want %d", len(calls.Calls), mostTrail)
	for _, c := range calls.Calls {
		check.That(t, strings.Contains(strings.Join(c.Lines, "\n"), "last"), "an older denial than those of last: %v", c)
	}
}

// TestGroupUseDescribesAttributes checks the text for each relevant attribute of a group.
func TestGroupUseDescribesAttributes(t *testing.T) {
	const owner = winnt.SE_GROUP_OWNER | winnt.SE_GROUP_MANDATORY | winnt.SE_GROUP_ENABLED_BY_DEFAULT
	for attributes, want := range map[uint32]string{winnt.SE_GROUP_ENABLED: "", winnt.SE_GROUP_ENABLED | owner: "",
		0: "disabled", owner: "disabled", winnt.SE_GROUP_USE_FOR_DENY_ONLY: "only for entries that deny",
		winnt.SE_GROUP_USE_FOR_DENY_ONLY | owner: "only for entries that deny", winnt.SE_GROUP_INTEGRITY: "integrity",
		winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_USE_FOR_DENY_ONLY: "integrity",
		winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED: "integrity"} {
		check.Equal(t, groupUse(attributes), want, "%#x", attributes)
	}
}
