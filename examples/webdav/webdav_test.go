package store_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/webdav"
	"golang.org/x/sys/unix"

	store "github.com/refmon/refmon/examples/webdav"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
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

// userOf takes its user from a header, which a real server would not.
func userOf(r *http.Request) *token.Token {
	tok, err := token.Parse([]byte(users[r.Header.Get("User")]))
	if err != nil {
		return nil
	}
	return tok
}

// serve is a WebDAV server of a tree whose root is the administrators', with a part for staff.
func serve(t *testing.T) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256,
		Descriptor: sddl.MustParse(full + "(A;OICI;0x1301BF;;;" + staff + ")(A;;FR;;;WD)")}
	value, err := a.Append(nil)
	must(err)
	err = unix.Setxattr(dir, ntacl.UserName, value, 0)
	if errors.Is(err, unix.ENOTSUP) {
		t.Skipf("%s keeps no attributes of users", dir)
	}
	must(err)
	tree, err := hostfs.Open(hostfs.Config{Path: dir, Attribute: ntacl.UserName, AccessBased: true,
		Share: sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no trees: ", err)
	}
	must(err)
	sys := kernel.Boot(kernel.Config{})
	must(sys.AddTree("share", tree))
	system, err := token.New(token.LocalSystem())
	must(err)
	p, err := sys.NewProcess("server", system)
	must(err)
	s := httptest.NewServer(store.As(p, "share", userOf,
		&webdav.Handler{FileSystem: store.Files{}, LockSystem: webdav.NewMemLS()}))
	t.Cleanup(func() {
		s.Close()
		must(errors.Join(sys.Close(), tree.Close()))
	})
	return s.URL
}

// send sends one request.
func send(t *testing.T, user, method, url, to, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User", user)
	if method == "PROPFIND" {
		r.Header.Set("Depth", "1")
	}
	if to != "" {
		r.Header.Set("Destination", to)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // only read
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// Each user can do exactly what the descriptors allow, and a refusal changes nothing.
func TestHandlerGrantsWhatDescriptorsAllow(t *testing.T) {
	url := serve(t)
	for i, c := range []struct {
		user, method, path, to, body string
		allowed                      bool
	}{
		{user: "stranger", method: "GET", path: "/", allowed: false},
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
		{user: "alice", method: "COPY", path: "/sub", to: "/again", allowed: true},
		{user: "guest", method: "GET", path: "/again", allowed: false},
	} {
		if c.to != "" {
			c.to = url + c.to
		}
		if got, _ := send(t, c.user, c.method, url+c.path, c.to, c.body); (got < 300) != c.allowed {
			t.Errorf("%d: %s %s %s: %d, want allowed %t", i, c.user, c.method, c.path, got, c.allowed)
		}
	}
	if _, text := send(t, "alice", "GET", url+"/again", "", ""); text != "a file now" {
		t.Errorf(`%q, want "a file now"`, text)
	}
}

// What a user may not read is not listed.
func TestListingHidesUnreadableFiles(t *testing.T) {
	url := serve(t)
	send(t, "alice", "PUT", url+"/secret-plan", "", "x")
	if _, got := send(t, "alice", "PROPFIND", url, "", ""); !strings.Contains(got, "secret-plan") {
		t.Errorf(`alice does not see her file: %s, want text containing "secret-plan"`, got)
	}
	if status, got := send(t, "guest", "PROPFIND", url, "", ""); strings.Contains(got, "secret-plan") || status != 207 {
		t.Errorf(`a guest: %d %s, want 207, text without "secret-plan"`, status, got)
	}
}
