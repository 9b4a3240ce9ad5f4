package dav

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/davcases"
)

// TestLockRequestsFollowRFC4918 checks responses to LOCK: the time of a lock, its owner, refreshes, and a free name
// whose file cannot be created. Each row says how many locks there are afterwards.
func TestLockRequestsFollowRFC4918(t *testing.T) {
	info := func(scope, owner string) string {
		return `<D:lockinfo xmlns:D="DAV:"><D:lockscope>` + scope +
			`</D:lockscope><D:locktype><D:write/></D:locktype><D:owner>` + owner + `</D:owner></D:lockinfo>`
	}
	most, longer := strings.Repeat("x", longestOwner), strings.Repeat("x", longestOwner+1)
	for _, c := range []struct {
		steps string
		with  func(*memory)
		code  int
		body  string
		locks int
	}{
		{"alice LOCK /f < exclusive", nil, 200, "Second-3600<", 1},
		{"alice LOCK /f Timeout: Infinite, Second-7, Second-9 < exclusive", nil, 200, "Second-7<", 1},
		{"alice LOCK /f Timeout: Second-9999999999, Second-5 < exclusive", nil, 200, "Second-3600<", 1},
		{"alice LOCK /f Timeout: Second-x < exclusive", nil, 200, "Second-3600<", 1},
		{"alice LOCK /f Timeout: x < exclusive", nil, 200, "<D:exclusive/></D:lockscope><D:depth>infinity</D:depth>", 1},
		{"alice LOCK /f Timeout: Second-0 < exclusive", nil, 200, "Second-0<", 1},
		{"alice LOCK /f < shared", nil, 200, "<D:lockscope><D:shared/></D:lockscope>", 1},
		{"alice LOCK /f Timeout: Second-3601 < exclusive", nil, 200, "Second-3600<", 1},
		{"alice LOCK /f < " + info("<D:shared/>", most), nil, 200, "<D:owner>" + most + "</D:owner>", 1},
		{"alice LOCK /f < " + info("<D:shared/>", longer), nil, 200, "<D:owner></D:owner>", 1},
		{"alice LOCK /f < " + info("<D:shared/><D:exclusive/>", ""), nil, 422, "lockscope", 0},
		{"alice LOCK /f < " + info("", ""), nil, 422, "lockscope", 0},
		{"alice LOCK /f < " + strings.Replace(info("<D:shared/>", ""), "<D:write/>", "", 1), nil, 422, "locktype", 0},
		{"alice LOCK /f < " + info(`<exclusive xmlns="urn:x"/>`, ""), nil, 422, "lockscope", 0},
		{"alice LOCK /f < exclusive\nalice DELETE /f If: ($1)", refuse("Remove", "/c/f"), 403, "access denied", 1},
		{"alice LOCK /d Depth: 0 < exclusive\nalice LOCK /d/m < exclusive\nalice DELETE /d/m If: ($2)", nil, 423,
			"<D:href>/c/d</D:href>", 2},
		{"alice LOCK /d/m < exclusive\nalice DELETE /d If: </c/d/m> ($1)", func(m *memory) {
			m.refuse = func(call string, _ Path) error {
				if call == "Remove" {
					delete(m.of, "/c/d/m") // by a program of the host (G-46)
				}
				return nil
			}
		}, 204, "", 0},
		{"alice LOCK /f < exclusive\nalice LOCK /f If: ($1) (Not <DAV:no-lock>) (<DAV:no-lock>); Timeout: Second-5",
			nil, 200, "Second-5<", 1},
		{"alice LOCK /d Depth: 0 < exclusive\nalice LOCK /d If: ($1)", refuse("Lockable deep", "/c/d"), 200,
			"Second-3600<", 1},
		{"alice LOCK /f < exclusive\nalice LOCK /f If: ($1) (<urn:x>)", nil, 400, "one lock", 1},
		{"alice LOCK /f < exclusive\nalice LOCK /f If: ($1 [\"x\"])", nil, 412, "lock-token-matches-request-uri", 1},
		{"alice LOCK /f < exclusive\nalice LOCK /t If: ($1) (Not <DAV:no-lock>)", nil, 412,
			"lock-token-matches-request-uri", 1},
		{"alice LOCK /f < exclusive\nalice UNLOCK /t Lock-Token: $1", nil, 409, "lock-token-matches-request-uri", 1},
		{"alice LOCK /d/m < shared\nbob LOCK /d/m < shared\nbob LOCK /d < exclusive", nil, 207, `<D:multistatus ` +
			`xmlns:D="DAV:"><D:response><D:href>/c/d/m</D:href><D:status>HTTP/1.1 423 Locked</D:status><D:error>` +
			`<D:no-conflicting-lock><D:href>/c/d/m</D:href></D:no-conflicting-lock></D:error></D:response>` +
			`<D:response><D:href>/c/d</D:href><D:status>HTTP/1.1 424 `, 2},
		{"alice LOCK /n < exclusive", nil, 201, "Second-3600<", 1},
		{"alice LOCK /n < exclusive", refuse("Create", "/c/n"), 403, "access denied", 0},
		{"alice LOCK /n Timeout: Second-2 < exclusive", func(m *memory) {
			m.refuse = func(call string, _ Path) error {
				if call == "Create" {
					m.time = m.time.Add(5 * time.Second)
				}
				return nil
			}
		}, 201, "Second-0<", 0},
		{"alice LOCK /n < exclusive", func(m *memory) {
			m.refuse = func(call string, name Path) error {
				if call != "Create" {
					return nil
				}
				m.write(name, "of the host")
				return errExists
			}
		}, 200, "/c/n", 1},
		{"alice LOCK /n < exclusive", func(m *memory) {
			m.refuse = func(call string, name Path) error {
				if call == "Create" {
					m.write(name, "of the host")
				} else if call != "Lockable" || m.of[name] == nil {
					return nil
				}
				return errExists
			}
		}, 405, "exists", 0},
		{"alice LOCK /n < exclusive", func(m *memory) {
			for i := range MostLocksEach {
				_, _, err := m.Locks.Add(Lock{User: "alice", Root: Root.Join(fmt.Sprint(i))}, time.Hour)
				check.NoError(m, err)
			}
		}, 503, "limit", MostLocksEach},
	} {
		m := newMemory(t)
		if c.with != nil {
			c.with(m)
		}
		code, body := m.run(c.steps)
		check.That(t, code == c.code && strings.Contains(body, c.body) && len(m.Locks.Active()) == c.locks,
			"%.200s: %d %s with %d locks, want %d with %q and %d", c.steps, code, body, len(m.Locks.Active()), c.code,
			c.body, c.locks)
		made := m.of["/c/n"]
		check.That(t, code < 400 || made == nil || made.text != "", "%.200s: %d created a file", c.steps, code)
	}
}

// TestLockOfUnknownLength checks that LOCK with a body of unknown length creates a lock if the body has bytes, and
// refreshes one if there is no body (RFC 4918, 9.10.2). A body that breaks off is an error.
func TestLockOfUnknownLength(t *testing.T) {
	m := newMemory(t)
	for i, body := range []io.Reader{strings.NewReader(davcases.LockXML), strings.NewReader(""),
		iotest.ErrReader(io.ErrUnexpectedEOF)} {
		r := httptest.NewRequestWithContext(t.Context(), "LOCK", "http://host.test/c/f", body)
		r.ContentLength = -1
		r.Header.Set("Depth", "0")
		for _, l := range m.Locks.Active() {
			r.Header.Set("If", "(<"+l.Token+">)")
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		check.That(t, w.Code == []int{200, 200, 400}[i] && len(m.Locks.Active()) == 1, "body %d: %d %s", i, w.Code, w.Body)
	}
}

// TestLocksStayWithNames checks which locks a MOVE over a locked folder ends: those in both folders, and that of the
// source. The lock of the destination stays, and its time is rounded up. A lock ends with its file, and does not follow
// a renamed folder (RFC 4918, 7.6, 9.6).
func TestLocksStayWithNames(t *testing.T) {
	m := newMemory(t)
	code, body := m.run("alice LOCK /d Depth: 0; Timeout: Second-100 < exclusive\nalice LOCK /d/m < exclusive\n" +
		"alice LOCK /e/n < exclusive\nalice LOCK /e Depth: 0 < exclusive\n" +
		"alice MOVE /e Destination: /c/d; If: </c/d> ($1) </c/d/m> ($2) </c/e/n> ($3) </c/e> ($4)")
	check.That(t, code == 204 && m.tree() == "d/ d/n= f=f t=t", "MOVE: %d %s\n%s", code, body, m.tree())
	left := m.Locks.Active()
	check.RequireThat(t, len(left) == 1 && left[0].Root == "/c/d", "locks after MOVE: %+v, want that of /c/d", left)
	_, body = m.run("alice PROPFIND /d Depth: 0")
	check.That(t, strings.Contains(body, "<D:locktoken><D:href>"+left[0].Token+"<"), "%s, want %s", body, left[0].Token)
	m.time = m.time.Add(500 * time.Millisecond)
	_, body = m.run("bob PROPFIND /d Depth: 0")
	check.That(t, strings.Contains(body, "Second-100<") && !strings.Contains(body, "opaquelocktoken"),
		"after half a second: %s, want a lock of 100 seconds without its token", body)
	m = newMemory(t)
	code, _ = m.run("alice LOCK /e Depth: 0 < exclusive\nalice LOCK /f < exclusive\nalice COPY /e Destination: /c/d")
	check.That(t, code == 204 && len(m.Locks.Active()) == 2, "COPY: %d, locks %+v, want two", code, m.Locks.Active())
	for _, step := range []string{"DELETE /d If: </c/d/m> ($1)", "MOVE /d Destination: /c/n; If: </c/d/m> ($1)"} {
		m = newMemory(t)
		code, _ = m.run("alice LOCK /d/m < exclusive\nalice " + step)
		check.That(t, code/100 == 2 && m.Locks.Active() == nil, "%s: %d, locks %+v, want none", step, code, m.Locks.Active())
	}
}

// TestLockKeepsFileCreatedMeanwhile checks that a LOCK of a missing file does not empty the file if a program of the
// host creates it during the request. The LOCK then locks this file (G-46).
func TestLockKeepsFileCreatedMeanwhile(t *testing.T) {
	m := newMemory(t)
	m.refuse = func(call string, name Path) error {
		if call == "Stat" && name == "/c/n" && !m.how.New && !m.how.Replace { // before the creation
			m.write(name, "by a program")
			return errAbsent
		}
		return nil
	}
	code, body := m.run("alice LOCK /n < exclusive")
	check.That(t, code == 200 && m.of["/c/n"].text == "by a program" && len(m.Locks.Active()) == 1,
		"G-46: %d %s, the file has %q", code, body, m.of["/c/n"].text)
}

// TestLocksKeepOthersOut checks that a locked resource, itself or through its folder, can be changed, removed or
// replaced only by its user with the token. A locked member of a removed folder is named in a 207 and stays (G-39).
func TestLocksKeepOthersOut(t *testing.T) {
	for _, c := range []struct {
		locked, depth string
		method, path  string
		to            string
		want          int
	}{
		{"/f", "0", "PUT", "/f", "", 423}, {"/f", "0", "DELETE", "/f", "", 423}, {"/f", "0", "PROPPATCH", "/f", "", 423},
		{"/f", "0", "LOCK", "/f", "", 423}, {"/f", "0", "MOVE", "/f", "/t", 423}, {"/f", "0", "MOVE", "/f", "/n", 423},
		{"/f", "0", "MOVE", "/t", "/f", 423}, {"/f", "0", "COPY", "/t", "/f", 423}, {"/f", "0", "COPY", "/d", "/f", 423},
		{"/d/m", "0", "DELETE", "/d", "", 207}, {"/d/m", "0", "MOVE", "/d", "/n", 207},
		{"/d/m", "0", "COPY", "/t", "/d", 207}, {"/d/m", "0", "MOVE", "/t", "/d", 207},
		{"/d/s/x", "0", "DELETE", "/d", "", 207}, {"/d/s/x", "0", "MOVE", "/d", "/n", 207},
		{"/d/s/x", "0", "COPY", "/t", "/d", 207}, {"/d/s/x", "0", "MOVE", "/t", "/d", 207},
		{"/d", "0", "DELETE", "/d/m", "", 423}, {"/d", "0", "MOVE", "/d/m", "/n", 423},
		{"/d", "0", "MOVE", "/t", "/d/n", 423}, {"/d", "0", "COPY", "/t", "/d/n", 423},
		{"/d", "0", "PUT", "/d/n", "", 423}, {"/d", "0", "MKCOL", "/d/n", "", 423}, {"/d", "0", "LOCK", "/d/n", "", 423},
		{"/d", "0", "DELETE", "/d", "", 423}, {"/d", "0", "PROPPATCH", "/d", "", 423}, {"/d", "0", "MOVE", "/d", "/n", 423},
		{"/d", "infinity", "PUT", "/d/m", "", 423}, {"/d", "infinity", "PUT", "/d/n", "", 423},
		{"/d", "infinity", "DELETE", "/d/m", "", 423}, {"/d", "infinity", "PROPPATCH", "/d/m", "", 423},
		{"/d", "infinity", "LOCK", "/d/m", "", 423}, {"/d", "infinity", "MKCOL", "/d/n", "", 423},
		{"/d", "infinity", "MOVE", "/d/m", "/n", 423}, {"/d", "infinity", "MOVE", "/t", "/d/n", 423},
		{"/d", "infinity", "COPY", "/t", "/d", 423},
	} {
		m := newMemory(t)
		m.of["/c/d/s"] = &node{folder: true}
		m.write("/c/d/s/x", "x")
		s := &davcases.Site{T: t, Base: "http://host.test/c", Client: &http.Client{Transport: m}}
		code, _ := s.Ask("alice LOCK " + c.locked + " Depth: " + c.depth + " < exclusive")
		check.RequireThat(t, code == 200, "LOCK %s: %d", c.locked, code)
		ask := func(user, condition string) (int, string) {
			step := fmt.Sprintf("%s %s %s X: y", user, c.method, c.path)
			if condition != "" {
				step += "; If: " + condition
			}
			if c.to != "" {
				step += "; Destination: /c" + c.to
			}
			return s.Ask(step + map[string]string{"PUT": " < new", "PROPPATCH": " < patch", "LOCK": " < exclusive"}[c.method])
		}
		const holds = "(Not <DAV:no-lock>)"
		before, submitted := m.state(), "</c"+c.locked+"> ($1)"
		for _, by := range [][2]string{{"bob", ""}, {"alice", ""}, {"bob", holds}, {"alice", holds},
			{"bob", submitted + " " + holds}} {
			code, body := ask(by[0], by[1])
			check.That(t, code == c.want && m.state() == before && (code != 207 ||
				strings.Contains(body, "<D:href>/c"+c.locked+"</D:href><D:status>HTTP/1.1 423 Locked")),
				"%+v: %s with %s: %d %s\n%s, want %d", c, by[0], by[1], code, body, m.state(), c.want)
		}
		if c.method == "LOCK" && c.path != "/d/n" {
			continue // it conflicts with each other lock
		}
		code, body := ask("alice", submitted)
		check.That(t, code/100 == 2 && (code != 207 || c.method == "PROPPATCH") && m.state() != before,
			"%+v: the owner with the token: %d %s\n%s", c, code, body, m.state())
	}
}
