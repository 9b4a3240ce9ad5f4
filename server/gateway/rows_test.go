package gateway

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestHSTSIsNeverSentForLocalhost checks that browsers must use HTTPS only if the configuration says so, and
// never for localhost, an address or a host that is not served (G-47; RFC 6797, 8.1.1).
func TestHSTSIsNeverSentForLocalhost(t *testing.T) {
	for _, c := range []struct {
		life time.Duration
		host string
		want string
	}{{0, "files.test", ""}, {time.Hour, "files.test", "max-age=3600"}, {time.Hour, "files.test:8443", "max-age=3600"},
		{time.Hour, "localhost", ""}, {time.Hour, "LOCALHOST:8443", ""}, {time.Hour, "localhost.", ""},
		{time.Hour, "a.localhost", ""}, {time.Hour, "127.0.0.1:8443", ""}, {time.Hour, "192.0.2.1", ""},
		{time.Hour, "[::1]:8443", ""}, {time.Hour, "[2001:db8::1]", ""}, {time.Hour, "other.test", ""},
		{time.Second - 1, "files.test", ""}} {
		g, err := New(Config{Dial: failing, StrictTransport: c.life, Names: []string{"files.test", "localhost",
			"localhost.", "a.localhost", "127.0.0.1", "192.0.2.1", "::1", "2001:db8::1"}})
		check.NoError(t, err)
		for _, h := range []http.Handler{g.Files(), g.Console()} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Host = c.host
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			check.Equal(t, rec.Header().Get("Strict-Transport-Security"), c.want, "G-47: %v of %s", c.life, c.host)
		}
	}
}

// TestCrossOriginRequestsAreDetected checks that a request is same-origin if its single Origin header says so, in any
// case, and Sec-Fetch-Site agrees. Without both it does not come from a browser (G-16).
func TestCrossOriginRequestsAreDetected(t *testing.T) {
	const own, other = "https://files.test", "https://evil.test"
	for _, c := range []struct {
		name    string
		origins []string
		site    []string
		want    bool
	}{
		{"no browser", nil, nil, true}, {"its own", []string{own}, nil, true},
		{"another case", []string{"HTTPS://Files.Test"}, nil, true}, {"another", []string{other}, nil, false},
		{"null", []string{"null"}, nil, false}, {"nothing in it", []string{""}, nil, false},
		{"none in the header", []string{}, nil, false}, {"twice its own", []string{own, own}, nil, false},
		{"its own first", []string{own, other}, nil, false}, {"its own last", []string{other, own}, nil, false},
		{"both in one", []string{own + " " + other}, nil, false}, {"by HTTP", []string{"http://files.test"}, nil, false},
		{"another port", []string{own + ":444"}, nil, false}, {"a longer name", []string{own + ".evil.test"}, nil, false},
		{"a path", []string{own + "/"}, nil, false}, {"a shorter name", []string{"https://files.tes"}, nil, false},
		{"this site", nil, []string{"same-origin"}, true}, {"the user", nil, []string{"none"}, true},
		{"a sibling site", nil, []string{"same-site"}, false}, {"across", nil, []string{"cross-site"}, false},
		{"a word to come", nil, []string{"same-origin-or-so"}, false},
		{"its own, across", []string{own}, []string{"cross-site"}, false},
		{"another, said to be this site", []string{other}, []string{"same-origin"}, false},
		{"its own and this site", []string{own}, []string{"same-origin"}, true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, own+"/x", nil)
		if c.origins != nil {
			r.Header["Origin"] = c.origins
		}
		if c.site != nil {
			r.Header["Sec-Fetch-Site"] = c.site
		}
		check.Equal(t, sameOrigin(r), c.want, "G-16: %s", c.name)
	}
}
