package dav

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/internal/test/check"
)

// TestDestinationOnOtherHostIsElsewhere checks that a destination is on this server if its host is the request's, with
// http or https. A destination with user information, or another scheme, is on another server.
func TestDestinationOnOtherHostIsElsewhere(t *testing.T) {
	for text, want := range map[string]bool{"/x": false, "http://h/x": false, "https://H/x": false, "//h/x": false,
		"ftp://h/x": true, "dav://h/x": true, "https://g/x": true, "https://h:1/x": true, "https://u@h/x": true,
		"mailto:x": true, "http:/x": true, "//g/x": true, "http://h/x?a": false} {
		u := check.Must(url.Parse(text))
		check.Equal(t, elsewhere(u, "h"), want, "%s is elsewhere", text)
	}
	// A port that is the default of the scheme may be missing (RFC 9110, 4.2.3).
	for _, c := range []struct {
		text, host string
		want       bool
	}{{"https://h:443/x", "h", false}, {"http://h:80/x", "h", false}, {"https://h/x", "h:443", false},
		{"https://h:/x", "h", false}, {"https://[::1]:443/x", "[::1]", false}, {"https://[::1]/x", "[::1]:443", false},
		{"https://h:80/x", "h", true}, {"http://h:443/x", "h", true}, {"https://h/x", "h:8443", true},
		{"//h:443/x", "h", true}, {"https://h:443/x", "h:443", false}, {"https://[::1]:443/x", "[::2]", true}} {
		check.Equal(t, elsewhere(check.Must(url.Parse(c.text)), c.host), c.want, "%s is elsewhere for %s", c.text, c.host)
	}
}

// TestRequestsClaimTheNamesThatTheyChange checks the claims of each method (G-38): "deep" with the descendants, and
// "shared" for names on which a request depends.
func TestRequestsClaimTheNamesThatTheyChange(t *testing.T) {
	for _, c := range []struct {
		method string
		name   Path
		to     Path
		header http.Header
		want   string
	}{
		{"PUT", "/c/f", "", nil, "/c/f, /c shared"},
		{"DELETE", "/c/f", "", nil, "/c/f deep, /c shared"},
		{"LOCK", "/c/f", "", http.Header{"Depth": {"0"}}, "/c/f, /c shared"},
		{"LOCK", "/c/f", "", nil, "/c/f deep, /c shared"},
		{"MOVE", "/c/f", "/d/f", nil, "/c/f deep, /c shared, /d/f deep, /d shared"},
		{"COPY", "/c/f", "/d/f", nil, "/c/f deep shared brief, /d/f deep, /d shared"},
		{"COPY", "/c/f", "/d/f", http.Header{"If-Match": {"*"}}, "/c/f deep shared brief, /d/f deep, /d shared"},
		{"PROPPATCH", "/", "", nil, "/"},
	} {
		conditions := check.Must(parseConditions(c.header))
		x := &exchange{r: &http.Request{Header: c.header}, method: c.method, name: c.name, to: c.to, conditions: conditions}
		var got []string
		for _, claim := range x.neededClaims() {
			text := string(claim.at)
			if claim.deep {
				text += " deep"
			}
			if claim.shared {
				text += " shared"
			}
			if claim.brief {
				text += " brief"
			}
			got = append(got, text)
		}
		check.Equal(t, strings.Join(got, ", "), c.want, "%s %s to %s", c.method, c.name, c.to)
	}
}

// TestFailedConditionChangesNothing checks that no method changes anything if a condition of the request fails: for a
// file, a folder, the root of a tree and a free name (G-37). A request that fails without a condition fails the same
// with one (RFC 9110, 13.2.1).
func TestFailedConditionChangesNothing(t *testing.T) {
	const everywhere, present, file = "/f /d / /n", "/f /d /", "/f"
	for _, c := range [][2]string{ // a header, and the names for which it fails; the tag of /f is "1"
		{`If-Match: "wrong"`, everywhere}, {`If-Match: W/"1"`, everywhere}, {`If-Match: "a,1"`, everywhere},
		{"If-Match: *", "/n"}, {"If-None-Match: *", present}, {`If-None-Match: "1"`, file},
		{`If-None-Match: "x", W/"1"`, file}, {"If-Unmodified-Since: $old", present}, {`If: (["wrong"])`, everywhere},
		{`If: ([W/"1"])`, everywhere},
		{`If: (["1"] <opaquelocktoken:none>)`, everywhere}, {"If: (<DAV:no-lock>)", everywhere},
		{`If: (Not <DAV:no-lock> ["wrong"])`, everywhere}, {`If: (Not ["1"])`, file},
		{`If: </c/f> (["wrong"]) </c/none> (["1"])`, everywhere},
		{`If: <https://elsewhere.test/c/f> (["1"] Not <DAV:no-lock>)`, everywhere}} {
		for path := range strings.FieldsSeq(c[1]) {
			for _, method := range []string{"PUT", "DELETE", "MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK", "UNLOCK"} {
				m := newMemory(t)
				before := m.state()
				body := map[string]string{"PUT": " < new", "PROPPATCH": " < patch", "LOCK": " < exclusive"}[method]
				code, _ := m.run("bob " + method + " " + path + " " + c[0] +
					"; Destination: /c/t; Overwrite: T; Lock-Token: <opaquelocktoken:none>" + body)
				refused := code == 412 || path == "/" && code == 403 || path == "/n" && code == 404 ||
					method == "UNLOCK" && code == 409 || method == "MKCOL" && code == 405 || method == "PUT" && code == 405
				check.That(t, refused && m.state() == before && m.Locks.Active() == nil, "G-37: %s %s with %s: %d\n%s", method,
					path, c[0], code, m.state())
			}
		}
	}
}

// TestIfHeaderLooksUpEachResourceOnce checks that a thousand conditions on one resource look it up once, under any
// spelling of its URL (G-48).
func TestIfHeaderLooksUpEachResourceOnce(t *testing.T) {
	m, looked := newMemory(t), 0
	m.refuse = func(call string, name Path) error {
		if call == "Stat" && name == "/c/hidden" {
			looked++
		}
		return nil
	}
	const lists = `</c/hidden> (["x"]) (["y"]) <http://host.test/c/%68idden/> (["x"]) (["y"])`
	code, _ := m.run("alice PROPPATCH /f If: " + strings.Repeat(lists, 250) + " < patch")
	check.Equal(t, code, 412, "no condition holds")
	check.Equal(t, looked, 1, "G-48: lookups")
}

// TestBusyRefusalAsksForRetry checks that a response to a request that waited too long for others has a Retry-After
// header, and that no cache keeps it.
func TestBusyRefusalAsksForRetry(t *testing.T) {
	w := httptest.NewRecorder()
	(&busy{refusal{code: http.StatusServiceUnavailable}}).Answer(w, nil)
	check.That(t, w.Code == 503 && w.Header().Get("Retry-After") == "5" && w.Header().Get("Cache-Control") == "no-store",
		"%d %v, want 503, 5 s and no cache", w.Code, w.Header())
}

// TestRefusedRequestsWaitForNoClaim checks that a user without the right to change a name gets the refusal at once,
// also while another request has claimed the name: a waiting request claims it next, and keeps others from it (G-38).
func TestRefusedRequestsWaitForNoClaim(t *testing.T) {
	for step, want := range map[string]int{
		"DELETE /d/m": 403, "DELETE /d": 403, "PROPPATCH /d/m < patch": 403, "UNLOCK /d/m Lock-Token: <urn:none>": 409,
		"COPY /t Destination: /c/d/m": 403, "MOVE /t Destination: /c/d/m": 403, "COPY /t Destination: /c/d": 403,
		"COPY /t Overwrite: F; Destination: /c/d/m": 412,
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			m.refuse = func(call string, name Path) error {
				if name.Under("/c/d") || name == "/c/d" {
					switch call {
					case "Removable", "Patch", "Create":
						return Refuse(http.StatusForbidden, "no right")
					}
				}
				return nil
			}
			defer m.claims.take(t.Context(), 0, claim{at: "/c/d", deep: true})()
			code, body := m.run("bob " + step)
			check.Equal(t, code, want, "G-38: %s: %s", step, body)
		})
	}
}
