package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestExactLocks: all of the answer to LOCK and UNLOCK, what PROPFIND tells of a lock to who made it and to others, and
// what it keeps others from: by a file and by its directory, until it is taken away or over (G-18, G-19).
//
// +checklocksignore
func TestExactLocks(t *testing.T) {
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
		w.at(name)
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
		return answered(code, fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>`+"\n"+`<D:prop xmlns:D="DAV:">`+
			"<D:lockdiscovery><D:activelock>\n\t<D:locktype><D:write/></D:locktype>\n\t<D:lockscope><D:exclusive/>"+
			"</D:lockscope>\n\t<D:depth>%s</D:depth>\n\t<D:owner>%s</D:owner>\n\t<D:timeout>Second-%d</D:timeout>\n\t"+
			"<D:locktoken><D:href>token</D:href></D:locktoken>\n\t<D:lockroot><D:href>%s</D:href></D:lockroot>\n"+
			"</D:activelock></D:lockdiscovery></D:prop>", depth, owner, seconds, path),
			"Content-Type: application/xml; charset=utf-8", "Lock-Token: <token>")
	}
	locked := inLine(423, "locked")
	for i, c := range []struct {
		timeout, path, depth string
		seconds              int
	}{{"Second-100", "/share/f", "0", 100}, {"Infinite", "/share/f", "", 3600}, {"", "/share/f", "infinity", 3600},
		{"Infinite, Second-4100000000", "/share/f", "0", 3600}, {"Second-7, Second-9", "/share/f", "0", 7},
		{"Second-3601", "/share/f", "0", 3600}, {"Second-3599", "/share/f", "0", 3599},
		{"Second-9999999999", "/share/f", "0", 3600}, {"x", "/share/f", "0", 3600}} {
		var headers []string
		if c.timeout != "" {
			headers = append(headers, "Timeout", c.timeout)
		}
		if c.depth != "" {
			headers = append(headers, "Depth", c.depth)
		}
		token, said := lock("alice", c.path, "me", headers...)
		depth := c.depth
		if depth == "" {
			depth = "infinity"
		}
		w.same(fmt.Sprint("lock ", i), said, granted(200, c.path, "me", depth, c.seconds))
		w.same("unlocked", w.ask("alice", "UNLOCK", c.path, "", "Lock-Token", "<"+token+">"), answered(204, ""))
		w.same("twice", w.ask("alice", "UNLOCK", c.path, "", "Lock-Token", "<"+token+">"), inLine(409, "conflict"))
	}
	token, said := lock("alice", "/share/f", "<D:href>me &amp; you</D:href>", "Depth", "0", "Timeout", "Second-100")
	w.same("lock with an owner", said, granted(200, "/share/f", "<D:href>me &amp; you</D:href>", "0", 100))
	active := func(token string, seconds int) string {
		return "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>" +
			"<D:depth>0</D:depth>" +
			fmt.Sprintf("<D:owner>me &amp; you</D:owner><D:timeout>Second-%d</D:timeout>", seconds) + token +
			"<D:lockroot><D:href>/share/f</D:href></D:lockroot></D:activelock>"
	}
	mine := "<D:locktoken><D:href>" + token + "</D:href></D:locktoken>"
	later = later.Add(30 * time.Second)
	for user, shown := range map[string]string{"alice": mine, "bob": ""} {
		got := w.find(user, "/share/f", "0", propfind("<D:prop><D:lockdiscovery/></D:prop>"))
		want := func(seconds int) string {
			return multi(response("/share/f", "200 OK", "<D:lockdiscovery>"+active(shown, seconds)+"</D:lockdiscovery>"))
		}
		if got != want(70) { // the lock began a moment after the test
			w.same("G-18: told to "+user, got, want(int(100-later.Sub(begun).Seconds())+1))
		}
	}
	held := "(<" + token + ">)"
	for i, c := range []struct {
		user, method, path, body string
		headers                  []string
		want                     string
	}{
		{"bob", "PUT", "/share/f", "x", nil, locked}, {"alice", "PUT", "/share/f", "x", nil, locked},
		{"bob", "PUT", "/share/f", "x", []string{"If", held}, inLine(412, "precondition failed")},
		{"alice", "PUT", "/share/f", "x", []string{"If", "("}, inLine(400, "bad request")},
		{"bob", "DELETE", "/share/f", "", nil, locked}, {"bob", "LOCK", "/share/f", info("x"), nil, locked},
		{"bob", "LOCK", "/share/", info("x"), nil, saysDenied},
		{"bob", "MOVE", "/share/f", "", []string{"Destination", "/share/x"}, locked},
		{"bob", "COPY", "/share/d/h", "", []string{"Destination", "/share/f"}, locked},
		{"bob", "PROPPATCH", "/share/f", patchBody, nil, locked},
		{"bob", "LOCK", "/share/f", "", []string{"If", held}, inLine(412, "precondition failed")},
		{"bob", "UNLOCK", "/share/f", "", []string{"Lock-Token", "<" + token + ">"}, inLine(403, "forbidden")},
		{"alice", "UNLOCK", "/share/f", "", []string{"Lock-Token", token}, inLine(400, "bad request")},
		{"alice", "LOCK", "/share/f", "", nil, inLine(400, "bad request")},
		{"alice", "LOCK", "/share/f", info("x"), []string{"Depth", "1"}, inLine(400, "bad request")},
		{"alice", "LOCK", "/share/f", "<x", nil, inLine(400, errXML.Error())},
		{"bob", "LOCK", "/share/hers", info("x"), nil, saysDenied},
		{"carol", "LOCK", "/share/f", info("x"), nil, saysDenied}, {"bob", "LOCK", "/share", info("x"), nil, saysDenied},
		{"bob", "LOCK", "/share/none/x", info("x"), nil, saysMissing},
		{"alice", "PUT", "/share/f", "four", []string{"If", held}, uploaded(204, 4)},
	} {
		w.same(fmt.Sprintf("%d: %s %s by %s", i, c.method, c.path, c.user), w.change(c.user, c.method, c.path, c.body,
			c.headers...), c.want)
	}
	refreshed := strings.Replace(granted(200, "/share/f", "<D:href>me &amp; you</D:href>", "0", 200),
		"Lock-Token: <token>\n",
		"", 1)
	w.same("refreshed", anyToken.ReplaceAllString(w.ask("alice", "LOCK", "/share/f", "", "If", held, "Timeout",
		"Second-200"), "token"), refreshed)
	if l, ok := w.g.locks.get(token, w.sids["alice"]); !ok || l.until.Before(begun.Add(200*time.Second)) {
		t.Errorf("G-19: refreshed until %v, %v after it began", l.until, l.until.Sub(begun))
	}
	w.same("unlocked", w.ask("alice", "UNLOCK", "/share/f", "", "Lock-Token", "<"+token+">"), answered(204, ""))
	// A lock of a directory is of all that is in it; one of depth 0 is of itself alone.
	token, _ = lock("alice", "/share/d", "me")
	w.same("below a lock", w.change("bob", "PUT", "/share/d/g", "x"), locked)
	w.same("new below a lock", w.change("bob", "PUT", "/share/d/new", "x"), locked)
	w.same("unlocked", w.ask("alice", "UNLOCK", "/share/d", "", "Lock-Token", "<"+token+">"), answered(204, ""))
	token, _ = lock("alice", "/share/d", "me", "Depth", "0")
	w.same("below a lock of depth 0", w.change("bob", "PUT", "/share/d/g", "x"), uploaded(204, 1))
	w.same("unlocked", w.ask("alice", "UNLOCK", "/share/d", "", "Lock-Token", "<"+token+">"), answered(204, ""))
	// A free name is made, empty; where it cannot be, no lock stays.
	token, said = lock("alice", "/share/d/made", "me")
	w.same("a free name", said, granted(201, "/share/d/made", "me", "infinity", 3600))
	if got := w.content("d/made"); got != "" {
		t.Errorf("it has %q", got)
	}
	w.same("unlocked", w.ask("alice", "UNLOCK", "/share/d/made", "", "Lock-Token", "<"+token+">"), answered(204, ""))
	w.folder("read", "O:BAG:SYD:P(A;OICI;0x1200a9;;;{bob})")
	if _, said := lock("bob", "/share/read/new", "x"); !strings.HasPrefix(said, "403\n") {
		t.Errorf("a name that cannot be made: %s", said)
	}
	if w.left != left || len(w.g.locks.held) != 0 || len(w.g.locks.each) != 0 {
		t.Errorf("G-18: locks that stay: %v", w.g.locks.held)
	}
}
