package files_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/examples/files"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// owner is the Unix user 4711, as a file server names him; everybody else is a stranger.
var owner = sid.MustParse("S-1-22-1-4711")

// serve makes a server of a tree whose files have mode bits alone.
func serve(t *testing.T) (get func(path string, as sid.SID) (int, string)) {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		check.NoError(t, err)
	}
	must(errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o700), os.Chmod(filepath.Join(dir, "d"), 0o755)))
	for name, mode := range map[string]os.FileMode{"d/public": 0o644, "d/private": 0o600} {
		path := filepath.Join(dir, name)
		must(errors.Join(os.WriteFile(path, []byte("0123456789 of "+name), 0o600), os.Chmod(path, mode)))
	}
	accounts := func(uint32, bool) sid.SID { return owner } // the test's user owns its files
	tree, err := hostfs.Open(hostfs.Config{Path: dir, Attribute: ntacl.UserName, Missing: hostfs.SynthesiseMissing,
		Accounts: accounts})
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
	var client *token.Token
	server := httptest.NewServer(&files.Server{Process: p, Tree: "share",
		Who: func(*http.Request) *token.Token { return client }})
	t.Cleanup(func() {
		server.Close()
		must(errors.Join(sys.Close(), tree.Close()))
	})
	return func(path string, as sid.SID) (int, string) {
		t.Helper()
		if client = nil; !as.IsZero() {
			client, err = token.New(token.NetworkUser(as))
			must(err)
		}
		r, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
		must(err)
		r.Header.Set("Range", "bytes=4-6")
		answer, err := server.Client().Do(r)
		must(err)
		defer func() { _ = answer.Body.Close() }() // only read
		b, err := io.ReadAll(answer.Body)
		must(err)
		return answer.StatusCode, string(b)
	}
}

// Each user gets the access that the files grant.
func TestServerGrantsWhatFilesGrant(t *testing.T) {
	get := serve(t)
	stranger := sid.MustParse("S-1-5-21-1-2-3-1107")
	for _, c := range []struct {
		path string
		as   sid.SID
		code int
		text string
	}{
		{"/d/public", owner, http.StatusPartialContent, "456"},
		{"/d/private", owner, http.StatusPartialContent, "456"},
		{"/d/public", stranger, http.StatusPartialContent, "456"},
		{"/d/private", stranger, http.StatusForbidden, "403 Forbidden\n"},
		{"/d/none", stranger, http.StatusNotFound, "404 page not found\n"},
		{"/d/", stranger, http.StatusOK, "public</a>"},
		{"/../../etc/passwd", owner, http.StatusNotFound, ""},
		{"/d/public:stream", owner, http.StatusNotFound, "404 page not found\n"},
		{"/d/public", sid.SID{}, http.StatusUnauthorized, "who are you?\n"},
	} {
		code, text := get(c.path, c.as)
		check.That(t, code == c.code && strings.Contains(text, c.text),
			"%s as %v: %d %q, want %d %q", c.path, c.as, code, text, c.code, c.text)
	}
}
