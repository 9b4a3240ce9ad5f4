package gateway

import (
	"bufio"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// passes is the number of tests in each group of litmus 0.13, all of which Apache's mod_dav passes. Debian's group http
// has four.
var passes = map[string]int{"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 3}

// TestLitmusSuitePasses runs Debian's litmus over plain HTTP against the same handler, because litmus does not
// accept the generated certificate.
func TestLitmusSuitePasses(t *testing.T) {
	t.Parallel()
	litmus := tool(t, "litmus")
	w := newWorld(t, shared)
	w.folder("litmusdir", shared)
	s := httptest.NewServer(w.g.Files())
	defer s.Close()
	cmd := exec.Command(litmus, "-k", s.URL+"/share/litmusdir/", "alice", "pw-x")
	cmd.Dir = t.TempDir()
	out, _ := cmd.CombinedOutput() // the summary has more details than the exit code
	summary := regexp.MustCompile("summary for `([a-z]+)': of ([0-9]+) tests run: ([0-9]+) passed")
	found := 0
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		if m := summary.FindStringSubmatch(lines.Text()); m != nil {
			found++
			if n, _ := strconv.Atoi(m[3]); n < passes[m[1]] || m[2] != m[3] {
				t.Errorf("%s: %s of %s passed, want %d", m[1], m[3], m[2], passes[m[1]])
			}
		}
	}
	check.That(t, found == len(passes) && !t.Failed(), "%d groups ran, want %d:\n%s", found, len(passes), out)
}

// tool finds a program, or skips the test; where the clients are required it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	check.RequireThat(t, os.Getenv("REFMON_WEB") != "required", "no %s here", name)
	t.Skipf("no %s here: install the package %s", name, name)
	return ""
}

// TestLockPreventsChangesUntilExpiry checks complete responses to LOCK and UNLOCK, the lock properties for its owner
// and for others, and the changes that a lock of a file prevents until it is removed or expires (G-18, G-19).
//
// +checklocksignore
func TestLockPreventsChangesUntilExpiry(t *testing.T) {
	begun := time.Now()
	later := begun
	w := newExactly(t, "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FA;;;{bob})", func(c *Config) {
		c.Now = func() time.Time { return later }
	})
	const both = "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FA;;;{bob})"
	w.file("f", "f", both)
	w.file("d/g", "g", both)
	w.file("d/h", "h", both)
	w.describe("d", both)
	w.file("hers", "x", own)
	for _, name := range []string{"f", "hers"} {
		w.setTime(name)
	}
	left := w.left
	info := func(owner string) string {
		return `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>` +
			`<D:owner>` + owner + `</D:owner></D:lockinfo>`
	}
	lock := func(user, path, owner string, headers ...string) (token, said string) {
		t.Helper()
		said = w.ask(user, "LOCK", path, info(owner), headers...)
		token = anyToken.FindString(said)
		return token, anyToken.ReplaceAllString(said, "token")
	}
	granted := func(code int, path, owner, depth string, seconds int) string {
		return answered(code, fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<D:prop xmlns:D="DAV:">`+
			"<D:lockdiscovery><D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>"+
			"<D:depth>%s</D:depth><D:owner>%s</D:owner><D:timeout>Second-%d</D:timeout><D:locktoken><D:href>token</D:href>"+
			"</D:locktoken><D:lockroot><D:href>%s</D:href></D:lockroot></D:activelock></D:lockdiscovery></D:prop>\n", depth,
			owner, seconds, path), "Cache-Control: no-store", "Content-Type: application/xml; charset=utf-8",
			"Lock-Token: <token>")
	}
	answer := func(code int, inner string) string {
		return answered(code, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<D:error xmlns:D="DAV:">`+inner+
			"</D:error>\n", "Cache-Control: no-store", "Content-Type: application/xml; charset=utf-8")
	}
	missing := func(path string) string {
		return answer(423, "<D:lock-token-submitted><D:href>"+path+"</D:href></D:lock-token-submitted>")
	}
	conflict := answer(423, "<D:no-conflicting-lock><D:href>/share/f</D:href></D:no-conflicting-lock>")
	noMatch := answer(412, "<D:lock-token-matches-request-uri/>")
	locked := missing("/share/f")
	token, said := lock("alice", "/share/f", "<D:href>me &amp; you</D:href>", "Depth", "0", "Timeout", "Second-100")
	w.diff("lock with an owner", said, granted(200, "/share/f", "<D:href>me &amp; you</D:href>", "0", 100))
	active := func(token string, seconds int) string {
		return "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>" +
			"<D:depth>0</D:depth>" +
			fmt.Sprintf("<D:owner><D:href>me &amp; you</D:href></D:owner><D:timeout>Second-%d</D:timeout>", seconds) + token +
			"<D:lockroot><D:href>/share/f</D:href></D:lockroot></D:activelock>"
	}
	mine := "<D:locktoken><D:href>" + token + "</D:href></D:locktoken>"
	later = later.Add(30 * time.Second)
	for user, shown := range map[string]string{"alice": mine, "bob": ""} {
		got := w.find(user, "/share/f", "0", propfind("<D:prop><D:lockdiscovery/></D:prop>"))
		want := func(seconds int) string {
			return multistatus(response("/share/f", "200 OK", "<D:lockdiscovery>"+active(shown, seconds)+"</D:lockdiscovery>"))
		}
		if got != want(70) { // the lock began a moment after the test
			w.diff("G-18: told to "+user, got, want(int(100-later.Sub(begun).Seconds())+1))
		}
	}
	held := "(<" + token + ">)"
	lockedRoot := inLine(403, "the root of a tree cannot be locked")
	for i, c := range []struct {
		user, method, path, body string
		headers                  []string
		want                     string
	}{
		{"bob", "PUT", "/share/f", "x", nil, locked}, {"alice", "PUT", "/share/f", "x", nil, locked},
		{"bob", "PUT", "/share/f", "x", []string{"If", held}, inLine(412, "precondition failed")},
		{"bob", "DELETE", "/share/f", "", nil, locked}, {"bob", "LOCK", "/share/f", info("x"), nil, conflict},
		{"bob", "LOCK", "/share/", info("x"), nil, lockedRoot},
		{"bob", "MOVE", "/share/f", "", []string{"Destination", "/share/x"}, locked},
		{"bob", "COPY", "/share/d/h", "", []string{"Destination", "/share/f"}, locked},
		{"bob", "PROPPATCH", "/share/f", patchBody, nil, locked},
		{"bob", "LOCK", "/share/f", "", []string{"If", held}, noMatch},
		{"bob", "UNLOCK", "/share/f", "", []string{"Lock-Token", "<" + token + ">"}, inLine(403,
			"the lock is another user's")},
		{"bob", "LOCK", "/share/hers", info("x"), nil, saysDenied},
		{"carol", "LOCK", "/share/f", info("x"), nil, saysDenied},
		{"carol", "LOCK", "/share/f", info("x"), []string{"If-Match", `"wrong"`}, saysDenied},
		{"bob", "LOCK", "/share", info("x"), nil, lockedRoot},
		{"bob", "LOCK", "/", info("x"), nil, lockedRoot},
		{"bob", "LOCK", "/share/none/x", info("x"), nil, saysMissing},
		{"alice", "PUT", "/share/f", "four", []string{"If", held}, uploaded(204, 4)},
	} {
		w.diff(fmt.Sprintf("%d: %s %s by %s", i, c.method, c.path, c.user), w.change(c.user, c.method, c.path, c.body,
			c.headers...), c.want)
	}
	refreshed := strings.Replace(granted(200, "/share/f", "<D:href>me &amp; you</D:href>", "0", 200),
		"Lock-Token: <token>\n",
		"", 1)
	w.diff("refreshed", anyToken.ReplaceAllString(w.ask("alice", "LOCK", "/share/f", "", "If", held, "Timeout",
		"Second-200"), "token"), refreshed)
	if l := w.g.dav.Locks.Active(); len(l) != 1 || !l[0].Until.Equal(later.Add(200*time.Second)) {
		t.Errorf("G-19: refreshed: %v", l)
	}
	w.diff("unlocked", w.ask("alice", "UNLOCK", "/share/f", "", "Lock-Token", "<"+token+">"), answered(204, ""))
	w.diff("twice", w.ask("alice", "UNLOCK", "/share/f", "", "Lock-Token", "<"+token+">"), answer(409,
		"<D:lock-token-matches-request-uri/>"))
	// LOCK creates an empty file for a free name. If it cannot, no lock remains.
	token, said = lock("alice", "/share/d/made", "me")
	w.diff("a free name", said, granted(201, "/share/d/made", "me", "infinity", 3600))
	if got := w.content("d/made"); got != "" {
		t.Errorf("it has %q", got)
	}
	w.diff("unlocked", w.ask("alice", "UNLOCK", "/share/d/made", "", "Lock-Token", "<"+token+">"), answered(204, ""))
	w.folder("read", "O:BAG:SYD:P(A;OICI;0x1200a9;;;{bob})")
	if _, said := lock("bob", "/share/read/new", "x"); !strings.HasPrefix(said, "403\n") {
		t.Errorf("a name that cannot be made: %s", said)
	}
	// With the right to add files, carol gets a lock of depth 0 on the folder. A lock of depth infinity also needs the
	// right to delete the folder's members (DT). The right to delete the folder (SD) does not suffice (G-39).
	w.describe(".", both+"(A;;FR;;;{carol})")
	for _, c := range [][3]string{{"FRFW", "infinity", "403\n"}, {"FRFWSD", "infinity", "403\n"},
		{"FRFWDT", "infinity", "200\n"}, {"FRFW", "0", "200\n"}} {
		w.describe("d", both+"(A;;"+c[0]+";;;{carol})")
		token, said := lock("carol", "/share/d", "x", "Depth", c[1])
		check.That(t, strings.HasPrefix(said, c[2]), "G-39: lock with %q: %s", c, said)
		w.ask("carol", "UNLOCK", "/share/d", "", "Lock-Token", "<"+token+">")
	}
	if stay := w.g.dav.Locks.Active(); w.left != left || len(stay) != 0 {
		t.Errorf("G-18: locks that stay: %v", stay)
	}
}
