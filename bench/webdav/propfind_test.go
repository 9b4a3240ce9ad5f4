package webdav

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/webdav"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/gateway"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// gate is the uid of the gateway's account.
const gate = 61010

// entries is how many files the folder has.
const entries = 1000

// BenchmarkPropfind lists a folder of 1,000 files with depth 1, by the gateway, by x/net/webdav on the same files, and
// by x/net/webdav on files in memory, in turn, each over TLS and with a password. It reports the mean of each in
// milliseconds, and how many times the time of x/net/webdav the gateway takes. x/net/webdav checks no access.
func BenchmarkPropfind(b *testing.B) {
	servers := start(b)
	const some = `<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/><D:getlastmodified/>` +
		`<D:getetag/></D:prop></D:propfind>`
	for _, c := range []struct{ name, body string }{{"allprop", ""}, {"four properties", some}} {
		b.Run(c.name, func(b *testing.B) {
			var spent [3]float64
			for i, s := range servers {
				list(b, s, i, c.body)
			}
			for b.Loop() {
				for i, s := range servers {
					begun := time.Now()
					list(b, s, i, c.body)
					spent[i] += time.Since(begun).Seconds() * 1e3
				}
			}
			b.ReportMetric(0, "ns/op")
			for i, name := range []string{"gateway-ms", "files-ms", "memory-ms"} {
				b.ReportMetric(spent[i]/float64(b.N), name)
			}
			b.ReportMetric(spent[0]/spent[1], "of-files")
			b.ReportMetric(spent[0]/spent[2], "of-memory")
		})
	}
}

// list makes one request and checks that the answer has each file.
func list(b *testing.B, s *httptest.Server, which int, body string) {
	b.Helper()
	path := []string{"/share/d/", "/d/", "/d/"}[which]
	r, err := http.NewRequestWithContext(b.Context(), "PROPFIND", s.URL+path, strings.NewReader(body))
	must(b, err)
	r.Header.Set("Depth", "1")
	r.SetBasicAuth("alice", "pw-x")
	answer, err := s.Client().Do(r)
	must(b, err)
	text, err := io.ReadAll(answer.Body)
	must(b, errors.Join(err, answer.Body.Close()))
	if n := strings.Count(string(text), ":response>"); answer.StatusCode != http.StatusMultiStatus || n != 2*(entries+1) {
		b.Fatalf("%d, %d files\n%.2000s", answer.StatusCode, n/2, text)
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// start makes a tree and serves it by each.
func start(b *testing.B) []*httptest.Server {
	b.Helper()
	if os.Getuid() != 0 {
		b.Skip("only root opens files for others")
	}
	dir, err := os.MkdirTemp("", "davbench")
	must(b, err)
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	root := filepath.Join(dir, "tree")
	must(b, errors.Join(os.Chmod(dir, 0o755), os.MkdirAll(filepath.Join(root, "d"), 0o700),
		os.Mkdir(filepath.Join(dir, "state"), 0o700)))
	store, err := lsa.Open(lsa.Config{Folder: filepath.Join(dir, "state"), Computer: "host",
		Password: lsa.Hashing{Memory: 8, Passes: 1}, Subuids: []string{filepath.Join(dir, "subuid")}})
	must(b, err)
	var alice sid.SID
	must(b, store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		alice = e.AddAccount(lsa.Account{Name: "alice"})
		return nil
	}))
	must(b, store.Update(sid.LocalSystem, func(e *lsa.Edit) error { return e.SetPassword("alice", "pw-x") }))
	describe := func(name string) {
		d := sddl.MustParse("O:BAG:SYD:P(A;OICI;FA;;;" + alice.String() + ")")
		value, err := (&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: d}).Append(nil)
		must(b, err)
		if err := unix.Setxattr(filepath.Join(root, name), ntacl.Name, value, 0); err != nil {
			b.Skip(err)
		}
	}
	describe("")
	describe("d")
	memory := webdav.NewMemFS()
	must(b, memory.Mkdir(b.Context(), "/d", 0o700))
	for i := range entries {
		name := fmt.Sprintf("d/file%04d.txt", i)
		must(b, os.WriteFile(filepath.Join(root, name), []byte("text\n"), 0o600))
		describe(name)
		f, err := memory.OpenFile(b.Context(), "/"+name, os.O_CREATE|os.O_RDWR, 0o600)
		must(b, err)
		_, err = f.Write([]byte("text\n"))
		must(b, errors.Join(err, f.Close()))
	}
	tree, err := hostfs.Open(hostfs.Config{Path: root, HandOut: hostfs.HandOutReads})
	must(b, err)
	socket := filepath.Join(dir, "s")
	d, err := daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: socket, LSA: store,
		Audit: &audit.Log{Sink: audit.NewMemory(0, 0), Clock: auditlog.Now},
		Identity: peer.Stored{Store: store, Privileges: map[uint32]winnt.PrivilegeSet{
			gate: winnt.Privileges(winnt.SeImpersonatePrivilege)}}})
	must(b, err)
	must(b, d.System().AddTree("share", tree))
	served := make(chan error, 1)
	go func() { served <- d.Serve() }()
	b.Cleanup(func() { must(b, errors.Join(d.Close(), <-served, tree.Close(), store.Close())) })
	g, err := gateway.New(gateway.Config{Trees: []string{"share"},
		Dial: func() (*client.Conn, error) { return dial(socket) }})
	must(b, err)
	b.Cleanup(func() { must(b, g.Close()) })
	return []*httptest.Server{serve(b, g.Files()),
		serve(b, &webdav.Handler{FileSystem: webdav.Dir(root), LockSystem: webdav.NewMemLS()}),
		serve(b, &webdav.Handler{FileSystem: memory, LockSystem: webdav.NewMemLS()})}
}

// serve starts a server of HTTPS.
func serve(b *testing.B, h http.Handler) *httptest.Server {
	b.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	b.Cleanup(s.Close)
	return s
}

// dial connects as the gateway's account.
func dial(socket string) (*client.Conn, error) {
	type dialed struct {
		c   *client.Conn
		err error
	}
	done := make(chan dialed)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is that user until it ends with the goroutine
		for _, set := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
			if _, _, e := unix.RawSyscall(set, gate, gate, gate); e != 0 {
				done <- dialed{nil, e}
				return
			}
		}
		c, err := client.DialUser(socket, 0)
		done <- dialed{c, err}
	}()
	d := <-done
	return d.c, d.err
}
