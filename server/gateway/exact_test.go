package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// moment is when the files of these tests were written, to 100 ns; momentTag begins the tag of their contents: it is
// 126256467067000000 in units of 100 ns since 1601.
var moment = time.Date(2001, 2, 3, 4, 5, 6, 700_000_000, time.UTC)

const momentTag = "1c08d967e1fd4c0"

// exactly is a world with one thread, of which a test sees all of every answer and all that a request leaves.
type exactly struct {
	*world
	left [3]int64 // of the kernel, between requests
}

// newExactly makes such a world. Its users are known from then on.
func newExactly(t *testing.T, descriptor string, change ...func(*Config)) *exactly {
	t.Helper()
	w := &exactly{world: newWorld(t, descriptor, append(change, func(c *Config) { c.Threads = 1 })...)}
	for _, user := range []string{"alice", "bob", "carol"} {
		w.answer(w.g.Files(), user, http.MethodGet, "/nowhere/x", nil)
	}
	w.left = w.now()
	return w
}

// unsaid stands in the place of a header where a body comes without its length.
const unsaid = "(no length)"

// at sets when a file of the tree was written.
func (w *exactly) at(name string) {
	w.Helper()
	w.must(os.Chtimes(filepath.Join(w.root, name), moment, moment))
}

// answer makes a request of a handler, without a connection.
func (w *exactly) answer(h http.Handler, user, method, path string, body []byte, headers ...string) *http.Response {
	w.Helper()
	ctx, end := context.WithTimeout(w.Context(), time.Minute) // a thread that is not given back ends no test
	defer end()
	var in io.Reader
	if len(body) > 0 {
		in = bytes.NewReader(body)
	}
	r := httptest.NewRequestWithContext(ctx, method, "https://files.test"+path, in)
	if user != "" {
		r.SetBasicAuth(user, "pw-x")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == unsaid {
			r.ContentLength = -1
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

// ask makes a request for a file and returns all of its answer as text: the status, the headers in their order, the
// body. It holds that nothing stays open, no thread goes on as a client and no lock of a request is held.
func (w *exactly) ask(user, method, path, body string, headers ...string) string {
	w.Helper()
	return w.askOf(w.g.Files(), user, method, path, body, headers...)
}

func (w *exactly) askOf(h http.Handler, user, method, path, body string, headers ...string) string {
	w.Helper()
	got := w.answer(h, user, method, path, []byte(body), headers...)
	defer got.Body.Close()
	var b bytes.Buffer
	fmt.Fprintln(&b, got.StatusCode)
	for _, name := range slices.Sorted(maps.Keys(got.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(got.Header[name], " ;; "))
	}
	b.WriteByte('\n')
	_, err := b.ReadFrom(got.Body)
	w.must(err)
	w.stays(method + " " + path + " as " + user)
	return b.String()
}

// stays holds that a request left nothing.
func (w *exactly) stays(what string) {
	w.Helper()
	if now := w.now(); now != w.left {
		w.Errorf("G-2: %s left objects, handles, references %d, which were %d", what, now, w.left)
		w.left = now
	}
	if n := w.acting(); n != 0 {
		w.Errorf("G-2: after %s %d threads act as a client", what, n)
	}
}

// same compares texts, and shows where they begin to differ.
func (w *exactly) same(what, got, want string) {
	w.Helper()
	if got == want {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	from := max(0, at-40)
	w.Errorf("%s: at byte %d\n got %.300q\nwant %.300q", what, at, got[min(from, len(got)):], want[min(from, len(want)):])
}

// inLine is an answer of one line of text.
func inLine(code int, text string, headers ...string) string {
	return answered(code, text+"\n", append(headers, "Cache-Control: no-store",
		"Content-Type: text/plain; charset=utf-8")...)
}

// answered is an answer with all of its headers.
func answered(code int, body string, headers ...string) string {
	headers = append(headers, "X-Content-Type-Options: nosniff")
	slices.Sort(headers)
	return fmt.Sprintf("%d\n%s\n\n%s", code, strings.Join(headers, "\n"), body)
}

// Answers that say the same for many reasons.
var (
	saysAbsent = inLine(404, "there is nothing of that name")
	saysDenied = inLine(403, "access denied")
)

// contents is an answer with what is in a file that was written at the moment: the body, and how many bytes the file
// has. By the headers the body is for a sandbox (G-22).
func contents(code, size int, kind, body string, headers ...string) string {
	headers = append(headers, "Cache-Control: private, no-cache",
		"Content-Security-Policy: sandbox; default-src 'none'; "+
			"img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "+
			"form-action 'none'", "Cross-Origin-Resource-Policy: same-origin", fmt.Sprintf(`Etag: "%s-%x"`, momentTag, size))
	if kind != "" {
		headers = append(headers, "Content-Type: "+kind)
	}
	return answered(code, body, headers...)
}
