package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// gate is the uid of the gateway's account: a user of the host without an account.
const gate = 61010

// world is a refmond with accounts and a tree, and a gateway that runs as a user without a right on any file.
type world struct {
	testing.TB
	root   string // of the tree share
	d      *daemon.Daemon
	g      *Gateway
	sink   *audit.Memory
	url    string // of the files, with the scheme
	server *httptest.Server

	console *httptest.Server
	sids    map[string]sid.SID
	counts  [3]int64 // counts of the kernel before the first client
	socket  string
	store   *lsa.Store
}

// tcb is the privilege with which a logon without a password gives a full token.
var tcb = winnt.Privileges(winnt.SeTcbPrivilege)

// newWorld returns a world with the users alice, bob and carol, whose passwords are "pw-" and the name. descriptor is
// that of the tree, where {alice} stands for alice's SID.
func newWorld(t testing.TB, descriptor string, change ...func(*Config)) *world {
	t.Helper()
	return newWorldOf(t, descriptor, func(s *lsa.Store) logon.Authority { return s }, change...)
}

// treeFaults is Faults of the trees of new worlds, nil for none.
var treeFaults func(call, name string) error

// newWorldOf returns a world in which another authority logs clients on.
func newWorldOf(t testing.TB, descriptor string, authority func(*lsa.Store) logon.Authority,
	change ...func(*Config)) *world {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root opens files for others")
	}
	dir, err := os.MkdirTemp("", "gate")
	w := &world{TB: t, root: filepath.Join(dir, "tree"), sink: audit.NewMemory(0, 0), sids: map[string]sid.SID{}}
	w.must(err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w.must(errors.Join(os.Chmod(dir, 0o755), os.Mkdir(w.root, 0o700), os.Mkdir(filepath.Join(dir, "state"), 0o700)))
	w.store = w.accounts(dir)
	store := w.store
	w.describe("", descriptor)
	tree := check.Must(hostfs.Open(hostfs.Config{Path: w.root, HandOut: hostfs.HandOutReads, Faults: treeFaults}))
	if _, err := tree.HandsOut(); errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		_ = tree.Close()
		t.Skip("copies of mounts cannot be had here: ", err)
	}
	log := &audit.Log{Sink: w.sink, Clock: auditlog.Now}
	w.socket = filepath.Join(dir, "s")
	w.d, err = daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: w.socket, LSA: authority(store),
		Audit: log,
		Identity: peer.Stored{Store: store, Privileges: map[uint32]winnt.PrivilegeSet{
			gate: winnt.Privileges(winnt.SeImpersonatePrivilege)}}})
	w.must(err)
	w.must(w.d.System().AddTree("share", tree))
	w.counts = w.present()
	served := make(chan error, 1)
	go func() { served <- w.d.Serve() }()
	t.Cleanup(func() {
		w.must(errors.Join(w.d.Close(), <-served, tree.Close(), store.Close()))
	})
	cfg := Config{Dial: func() (*client.Conn, error) { return w.dial(gate) }, Trees: []string{"share"},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, f := range change {
		f(&cfg)
	}
	w.g, err = New(cfg)
	w.must(err)
	w.g.levels = levels{} // tests cause many rejections
	w.serve()
	return w
}

// altered returns an authority whose tokens are those of the store with a change, for [newWorldOf].
func altered(change func(*token.Spec)) func(*lsa.Store) logon.Authority {
	return func(s *lsa.Store) logon.Authority { return alteredStore{s, change} }
}

type alteredStore struct {
	*lsa.Store
	change func(*token.Spec)
}

func (a alteredStore) LogOn(q logon.Request) (logon.Result, ntstatus.Status) {
	r, st := a.Store.LogOn(q)
	a.change(&r.Token)
	return r, st
}

// serve starts the gateway's own server.
func (w *world) serve() {
	w.Helper()
	w.Cleanup(func() { w.must(w.g.Close()) })
	w.server = w.listen(w.g.Files())
	w.url = w.server.URL
	w.console = w.listen(w.g.Console())
}

// listen starts an HTTPS server.
func (w *world) listen(h http.Handler) *httptest.Server {
	w.Helper()
	s := unstarted(h)
	s.StartTLS()
	w.Cleanup(s.Close)
	return s
}

// unstarted returns an HTTPS server configured as by [Serve], with a test certificate.
func unstarted(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Listener, s.Config = gathering{s.Listener}, newServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert}
	return s
}

// accounts creates the account store.
func (w *world) accounts(dir string) *lsa.Store {
	w.Helper()
	store, err := lsa.Open(lsa.Config{Folder: filepath.Join(dir, "state"), Computer: "host",
		Password: lsa.Hashing{Memory: 8, Passes: 1}, Subuids: []string{filepath.Join(dir, "subuid")}})
	w.must(err)
	w.must(store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		for _, name := range []string{"alice", "bob", "carol"} {
			w.sids[name] = e.AddAccount(lsa.Account{Name: name})
		}
		// The token of the gateway's user has the privilege disabled. The gateway enables it.
		e.Grant(sid.MustParse("S-1-22-1-61010"), winnt.Privileges(winnt.SeAuditPrivilege), 0)
		return nil
	}))
	for name := range w.sids {
		w.must(store.Update(sid.LocalSystem, func(e *lsa.Edit) error { return e.SetPassword(name, "pw-x") }))
	}
	return store
}

func (w *world) must(err error) {
	w.Helper()
	check.NoError(w, err)
}

// auditKind makes refmond record successes and failures of a subcategory.
func (w *world) auditKind(kind audit.Subcategory) {
	w.Helper()
	both := map[audit.Subcategory]audit.Setting{kind: audit.OnBoth}
	policy := check.Must(audit.NewPolicy(audit.PolicySpec{System: both}))
	w.d.System().Audit().Policy.Store(policy)
}

// describe stores a descriptor for a file of the tree, as a file server does.
func (w *world) describe(name, text string) {
	w.Helper()
	for who, s := range w.sids {
		text = strings.ReplaceAll(text, "{"+who+"}", s.String())
	}
	value, err := (&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}).Append(nil)
	w.must(err)
	if err := unix.Setxattr(filepath.Join(w.root, name), ntacl.Name, value, 0); err != nil {
		w.Skipf("descriptors cannot be kept in %s: %v", w.root, err)
	}
}

// file creates a file of the tree with a descriptor.
func (w *world) file(name, content, descriptor string) {
	w.Helper()
	path := filepath.Join(w.root, name)
	w.must(os.MkdirAll(filepath.Dir(path), 0o700))
	w.must(os.WriteFile(path, []byte(content), 0o600))
	w.describe(name, descriptor)
}

// folder creates a directory of the tree with a descriptor.
func (w *world) folder(name, descriptor string) {
	w.Helper()
	w.must(os.MkdirAll(filepath.Join(w.root, name), 0o700))
	w.describe(name, descriptor)
}

// dial connects to refmond as a user of the host.
func (w *world) dial(uid uint32) (*client.Conn, error) {
	return w.dialBy(uid, func() (*client.Conn, error) { return client.DialUser(w.socket, 0) })
}

// dialBy connects as dial does, by a function that runs as the uid.
func (w *world) dialBy(uid uint32, connect func() (*client.Conn, error)) (*client.Conn, error) {
	return asuser.Run(int(uid), int(uid), connect)
}

func (w *world) present() [3]int64 {
	o, h, n := w.d.System().Counts()
	return [3]int64{o, h, n}
}

// httpResult is a response.
type httpResult struct {
	code   int
	header http.Header
	body   string
}

// request returns a request of a user; "": without credentials.
func (w *world) request(user, method, path, body string, headers ...string) *http.Request {
	w.Helper()
	r := check.Must(http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body)))
	if user != "" {
		r.SetBasicAuth(user, "pw-x")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// ask sends a request and returns the response.
func (w *world) ask(user, method, path, body string, headers ...string) httpResult {
	w.Helper()
	return w.do(w.request(user, method, path, body, headers...))
}

func (w *world) do(r *http.Request) httpResult {
	w.Helper()
	c := w.server.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer := check.Must(c.Do(r))
	defer answer.Body.Close()
	b := check.Must(io.ReadAll(answer.Body))
	return httpResult{answer.StatusCode, answer.Header, string(b)}
}

// atConsole sends a request of w.request to the console.
func (w *world) atConsole(r *http.Request) httpResult {
	w.Helper()
	r.URL.Host = strings.TrimPrefix(w.console.URL, "https://")
	return w.do(r)
}

// onConsole sends a request with a JSON body to the console without a connection. user is "" for no credentials.
func (w *world) onConsole(user, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	w.Helper()
	ctx, end := context.WithCancel(w.Context())
	defer end()
	r := httptest.NewRequestWithContext(ctx, method, "https://localhost"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.SetBasicAuth(user, "pw-x")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.g.Console().ServeHTTP(rec, r)
	return rec
}

// want sends a request and checks its status.
func (w *world) want(code int, user, method, path, body string, headers ...string) httpResult {
	w.Helper()
	got := w.ask(user, method, path, body, headers...)
	check.That(w, got.code == code, "%s %s as %q: %d, want %d\n%s", method, path, user, got.code, code, got.body)
	return got
}

// content reads a file of the tree as root.
func (w *world) content(name string) string {
	w.Helper()
	b, err := os.ReadFile(filepath.Join(w.root, name))
	if err != nil {
		return fmt.Sprintf("no file: %v", err)
	}
	return string(b)
}

// impersonating returns the number of the gateway's threads that impersonate.
func (w *world) impersonating() (n int) {
	w.Helper()
	p := check.Must(w.g.link.process())
	for range cap(p.threads) {
		th := <-p.threads
		if th != nil {
			if h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true); st.IsSuccess() {
				th.NtClose(h)
				n++
			}
		}
		defer func() { p.threads <- th }()
	}
	return n
}

// awaitIdle waits until the gateway has only its sessions and threads.
func (w *world) awaitIdle(want [3]int64) {
	w.Helper()
	for end := time.Now().Add(time.Minute); w.present() != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("objects, handles, references %d, want %d", w.present(), want)
		}
	}
}

// newGateway returns a second gateway whose connections to refmond are wrapped.
func (w *world) newGateway(wrap func(net.Conn) net.Conn) *Gateway {
	w.Helper()
	g, err := New(Config{Trees: []string{"share"}, Dial: func() (*client.Conn, error) {
		return w.dialBy(gate, func() (*client.Conn, error) {
			c, err := net.Dial("unix", w.socket)
			if err != nil {
				return nil, err
			}
			return client.New(wrap(c))
		})
	}})
	w.must(err)
	return g
}

// write creates a file that only its owner may read.
func write(t testing.TB, name string, b []byte) {
	t.Helper()
	check.NoError(t, os.WriteFile(name, b, 0o600))
}

// moment is the write time of the tests' files, to 100 ns. momentTag begins the tags of their contents: it is
// 126256467067000000 in units of 100 ns since 1601.
var moment = time.Date(2001, 2, 3, 4, 5, 6, 700_000_000, time.UTC)

const momentTag = "1c08d967e1fd4c0"

// exactly is a world with one thread. It returns complete responses and detects everything that a request leaves open.
type exactly struct {
	*world
	left [3]int64 // counts of the kernel between requests
}

// newExactly returns such a world. The sessions of its users are cached.
func newExactly(t *testing.T, descriptor string, change ...func(*Config)) *exactly {
	t.Helper()
	w := &exactly{world: newWorld(t, descriptor, append(change, func(c *Config) { c.Threads = 1 })...)}
	for _, user := range []string{"alice", "bob", "carol"} {
		w.answer(w.g.Files(), user, http.MethodGet, "/nowhere/x", nil)
	}
	w.left = w.present()
	return w
}

// unsaid replaces a Content-Length header if the body has no declared length.
const unsaid = "(no length)"

// setTime sets the write time of a file of the tree.
func (w *exactly) setTime(name string) {
	w.Helper()
	w.must(os.Chtimes(filepath.Join(w.root, name), moment, moment))
}

// answer sends a request to a handler without a connection.
func (w *exactly) answer(h http.Handler, user, method, path string, body []byte, headers ...string) *http.Response {
	w.Helper()
	ctx, end := context.WithTimeout(w.Context(), time.Minute) // the test fails if a thread is not returned to the pool
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
		r.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

// ask makes a request for a file and returns the complete response as text: status, headers in order, body. It checks
// that no file stays open, no thread keeps impersonating, and no lock of the request remains.
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
	w.checkClean(method + " " + path + " as " + user)
	return b.String()
}

// checkClean checks that a request left no file open, no impersonating thread and no lock.
func (w *exactly) checkClean(what string) {
	w.Helper()
	if now := w.present(); now != w.left {
		w.Errorf("G-2: %s left objects, handles, references %d, which were %d, want %d", what, now, w.left, w.left)
		w.left = now
	}
	if n := w.impersonating(); n != 0 {
		w.Errorf("G-2: after %s %d threads act as a client, want 0", what, n)
	}
}

// diff compares texts and reports where they begin to differ.
func (w *exactly) diff(what, got, want string) {
	w.Helper()
	if got == want {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	from := max(0, at-40)
	w.Errorf("%s: at byte %d\n got %.300q\nwant %.300q",
		what, at, got[min(from, len(got)):], want[min(from, len(want)):])
}

// inLine returns a response with one line of text.
func inLine(code int, text string, headers ...string) string {
	return answered(code, text+"\n", append(headers, "Cache-Control: no-store",
		"Content-Type: text/plain; charset=utf-8")...)
}

// answered returns a response with all headers.
func answered(code int, body string, headers ...string) string {
	headers = append(headers, "X-Content-Type-Options: nosniff")
	slices.Sort(headers)
	return fmt.Sprintf("%d\n%s\n\n%s", code, strings.Join(headers, "\n"), body)
}

// Responses that are the same for several causes.
var (
	saysAbsent = inLine(404, "no such name")
	saysDenied = inLine(403, "access denied")
	noXML      = inLine(400, "the body is not XML of WebDAV")
)

// contents returns the expected response with the contents of a file: the body, and its size. Its
// headers sandbox the file (G-22).
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

// newRequest returns a request of a user with a cached session.
func (w *exactly) newRequest(user string) *request {
	w.Helper()
	p := check.Must(w.g.link.process())
	s := p.sessions.find(p.sessions.name("basic ", strings.TrimPrefix(basicAuth(user).header(), "Basic ")))
	check.RequireThat(w, s != nil, "%s is not known", user)
	w.Cleanup(func() { p.sessions.put(s) })
	ctx, end := context.WithTimeout(w.Context(), time.Minute)
	w.Cleanup(end)
	return &request{g: w.g, s: s, ctx: ctx}
}
