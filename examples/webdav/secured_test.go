package secured_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/webdav"

	secured "github.com/refmon/refmon/examples/webdav"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

const (
	staff = "S-1-5-21-1-2-3-2001"
	full  = "O:BAG:BAD:AI(A;OICI;FA;;;BA)"
)

var users = map[string]string{
	"admin": `{"user":"S-1-5-21-1-2-3-500","groups":["BA","WD"],"type":"Impersonation"}`,
	"alice": `{"user":"S-1-5-21-1-2-3-1107","groups":["` + staff +
		`","WD"],"type":"Impersonation","privileges":["SeChangeNotifyPrivilege"]}`,
	"guest": `{"user":"S-1-5-21-1-2-3-501","groups":["WD"],"type":"Impersonation"}`,
}

// serve is a WebDAV server that takes its user from a header, which a real one
// would not.
func serve(t *testing.T) string {
	t.Helper()
	h := &webdav.Handler{
		FileSystem: secured.New(webdav.NewMemFS(),
			map[string]*sd.Descriptor{"/": sddl.MustParse(full + "(A;OICI;0x1301BF;;;" + staff + ")(A;;FR;;;WD)")}),
		LockSystem: webdav.NewMemLS(),
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, err := token.Parse([]byte(users[r.Header.Get("User")]))
		if err != nil {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r.WithContext(secured.WithToken(r.Context(), tok)))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestHandler(t *testing.T) {
	url := serve(t)
	for i, c := range []struct {
		user, method, path, to, body string
		allowed                      bool
	}{
		{user: "guest", method: "PUT", path: "/x", body: "no", allowed: false},
		{user: "guest", method: "PUT", path: "/x", body: "still not", allowed: false}, // the first left nothing behind
		{user: "alice", method: "PUT", path: "/report", body: "q3", allowed: true},
		{user: "alice", method: "GET", path: "/report", allowed: true},
		{user: "alice", method: "PUT", path: "/report", body: "q4", allowed: true},
		{user: "guest", method: "GET", path: "/report", allowed: false}, // Everyone reads the root only
		{user: "guest", method: "PROPFIND", path: "/", allowed: true},
		{user: "alice", method: "MKCOL", path: "/sub", allowed: true},
		{user: "guest", method: "MKCOL", path: "/sub2", allowed: false},
		{user: "alice", method: "PUT", path: "/sub/a", body: "a", allowed: true},
		{user: "guest", method: "GET", path: "/sub/a", allowed: false},
		{user: "guest", method: "MOVE", path: "/report", to: "/mine", allowed: false},
		{user: "alice", method: "MOVE", path: "/report", to: "/sub/report", allowed: true},
		{user: "alice", method: "GET", path: "/sub/report", allowed: true},
		{user: "guest", method: "DELETE", path: "/sub", allowed: false},
		{user: "alice", method: "GET", path: "/sub/a", allowed: true},
		{user: "alice", method: "DELETE", path: "/sub", allowed: true},
		{user: "alice", method: "GET", path: "/sub/a", allowed: false},
		{user: "admin", method: "PUT", path: "/sub", body: "a file now", allowed: true},
	} {
		r, err := http.NewRequest(c.method, url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User", c.user)
		if c.to != "" {
			r.Header.Set("Destination", url+c.to)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.StatusCode < 300; got != c.allowed {
			t.Errorf("%d: %s %s %s: %s, want allowed %t", i, c.user, c.method, c.path, resp.Status, c.allowed)
		}
	}
}

// What a user may not read is not listed.
func TestListing(t *testing.T) {
	url := serve(t)
	do := func(user, method, path, body string) string {
		r, err := http.NewRequest(method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User", user)
		r.Header.Set("Depth", "1")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b strings.Builder
		_, _ = fmt.Fprint(&b, resp.Status, " ")
		if err := resp.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	do("alice", "PUT", "/secret-plan", "x")
	if got := do("alice", "PROPFIND", "/", ""); !strings.Contains(got, "secret-plan") {
		t.Errorf("alice does not see her file: %s", got)
	}
	if got := do("guest", "PROPFIND", "/", ""); strings.Contains(got, "secret-plan") || !strings.Contains(got, "207") {
		t.Errorf("a guest: %s", got)
	}
}
