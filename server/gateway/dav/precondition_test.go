package dav

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestDestinationOnOtherHostIsElsewhere checks that a destination is on this server if its host is the request's, with
// http or https. A destination with user information, or another scheme, is on another server.
func TestDestinationOnOtherHostIsElsewhere(t *testing.T) {
	for text, want := range map[string]bool{"/x": false, "http://h/x": false, "https://H/x": false, "//h/x": false,
		"ftp://h/x": true, "https://g/x": true, "https://h:1/x": true, "https://u@h/x": true, "mailto:x": true,
		"http:/x": true, "//g/x": true, "http://h/x?a": false} {
		u := check.Must(url.Parse(text))
		check.Equal(t, elsewhere(u, "h"), want, "%s is elsewhere", text)
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
		{"COPY", "/c/f", "/d/f", nil, "/d/f deep, /d shared"},
		{"COPY", "/c/f", "/d/f", http.Header{"If-Match": {"*"}}, "/c/f deep shared, /d/f deep, /d shared"},
		{"PROPPATCH", "/", "", nil, "/"},
	} {
		conditions := check.Must(parseConditions(c.header))
		x := &exchange{r: &http.Request{Header: c.header}, method: c.method, name: c.name, to: c.to, conditions: conditions}
		var got []string
		for _, claim := range x.claims() {
			text := string(claim.at)
			if claim.deep {
				text += " deep"
			}
			if claim.shared {
				text += " shared"
			}
			got = append(got, text)
		}
		check.Equal(t, strings.Join(got, ", "), c.want, "%s %s to %s", c.method, c.name, c.to)
	}
}

// TestBusyRefusalAsksForRetry checks that a response to a request that waited too long for others has a Retry-After
// header.
func TestBusyRefusalAsksForRetry(t *testing.T) {
	w := httptest.NewRecorder()
	(&busy{refusal{code: http.StatusServiceUnavailable}}).Answer(w, nil)
	check.That(t, w.Code == 503 && w.Header().Get("Retry-After") == "5", "%d %v, want 503 and 5 s", w.Code, w.Header())
}
