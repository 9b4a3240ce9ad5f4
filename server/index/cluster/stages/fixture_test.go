package stages

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// heartbeatInterval is the interval of heartbeats in tests. Under the race detector, more frequent ones pile up.
const heartbeatInterval = 100 * time.Millisecond

const company = `{"users":[{"name":"alice","sid":"S-1-5-21-1-2-3-1107"},{"name":"bob","sid":"S-1-5-21-1-2-3-1108"}]}`

// openSite is a site of one host with a NATS server without permissions, to show which properties hold without them.
type openSite struct {
	t         testing.TB
	site      *site.Site
	seeds     map[site.Role]string
	server    *server.Server
	tree, dir string
	part      site.Part
}

func newOpenSite(t testing.TB, parts int) *openSite {
	t.Helper()
	h := &openSite{t: t, tree: t.TempDir(), dir: filepath.Join(t.TempDir(), "firm.json")}
	var err error
	h.site, h.seeds, err = site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {h.tree}, "b": {"/srv"}},
		Parts: parts, Deciders: parts, Followers: []string{"search1"}})
	check.NoError(t, err)
	h.part = site.Part{Host: "a", Tree: h.tree}
	o := serverOptions(h.site, t.TempDir())
	o.DontListen = true
	h.server = startServer(t, o)
	t.Cleanup(func() { stopServer(h.server) })
	keep(t, h.dial(site.Keeper))
	err = errors.Join(os.WriteFile(h.dir, []byte(company), 0o600), os.WriteFile(filepath.Join(h.tree, "plan"), nil, 0o600),
		os.Chmod(filepath.Join(h.tree, "plan"), 0o644), os.WriteFile(filepath.Join(h.tree, "own"), nil, 0o600))
	check.NoError(t, err)
	return h
}

// serverOptions returns the options of a NATS server that lets the roles of a site do everything.
func serverOptions(s *site.Site, store string) *server.Options {
	o := &server.Options{JetStream: true, StoreDir: store, NoSigs: true, Host: "127.0.0.1", Port: server.RANDOM_PORT,
		MaxPayload: 8 << 20}
	for _, r := range s.Roles() {
		o.Nkeys = append(o.Nkeys, &server.NkeyUser{Nkey: s.Keys[string(r)]})
	}
	return o
}

// startServer starts a NATS server.
func startServer(t testing.TB, o *server.Options) *server.Server {
	t.Helper()
	srv := check.Must(server.NewServer(o.Clone()))
	srv.Start()
	check.RequireThat(t, srv.ReadyForConnections(time.Minute), "the NATS server is not ready")
	return srv
}

// stopServer stops a NATS server.
func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// keep creates the streams and deletes messages for workers until the end of the test.
func keep(t testing.TB, c *Conn) {
	t.Helper()
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- Keep(t.Context(), c, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
}

func (h *openSite) dial(r site.Role) *Conn {
	h.t.Helper()
	c := check.Must(Dial(h.site, r, h.seeds[r], Options{InProcess: h.server}))
	h.t.Cleanup(c.Close)
	return c
}

// run runs a role on a connection of its own until stop is called.
func (h *openSite) run(r site.Role, role func(ctx context.Context, c *Conn) error) (stop func()) {
	h.t.Helper()
	ctx, end := context.WithCancel(h.t.Context())
	c, done := h.dial(r), make(chan error, 1)
	go func() { done <- role(ctx, c) }()
	return func() {
		h.t.Helper()
		end()
		check.Equal(h.t, <-done, nil, "%s", r)
	}
}

// publisher returns a stage that publishes directories.
func (h *openSite) publisher() *directoryPublisher {
	h.t.Helper()
	d := newDirectoryPublisher(h.dial(site.Directory))
	d.head.Started, d.run = 1, "r"
	return d
}

// send publishes a message with a role's signature after a given sequence, and returns its own
// sequence.
func (h *openSite) send(r site.Role, subject, id string, after uint64, body []byte) uint64 {
	h.t.Helper()
	seq, err := h.dial(r).publish(h.t.Context(), &site.Signed{Subject: subject, ID: id, After: after, Body: body}, nil)
	check.NoError(h.t, err)
	return seq
}

// anyPeople returns a directory, for tests of how its file is sent.
func anyPeople(t testing.TB) *directory.Directory {
	t.Helper()
	return check.Must(dirfile.Read([]byte(company)))
}
