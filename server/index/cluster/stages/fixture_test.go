package stages

import (
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
	t         *testing.T
	site      *site.Site
	seeds     map[site.Role]string
	server    *server.Server
	tree, dir string
	part      site.Part
}

func newOpenSite(t *testing.T, parts int) *openSite {
	t.Helper()
	h := &openSite{t: t, tree: t.TempDir(), dir: filepath.Join(t.TempDir(), "firm.json")}
	var err error
	h.site, h.seeds, err = site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {h.tree}, "b": {"/srv"}},
		Parts: parts, Deciders: parts, Followers: []string{"search1"}})
	check.NoError(t, err)
	h.part = site.Part{Host: "a", Tree: h.tree}
	o := &server.Options{JetStream: true, StoreDir: t.TempDir(), NoSigs: true, DontListen: true, MaxPayload: 8 << 20}
	for _, r := range h.site.Roles() {
		o.Nkeys = append(o.Nkeys, &server.NkeyUser{Nkey: h.site.Keys[string(r)]})
	}
	if h.server, err = server.NewServer(o); err != nil {
		t.Fatal(err)
	}
	h.server.Start()
	t.Cleanup(func() {
		h.server.Shutdown()
		h.server.WaitForShutdown()
	})
	check.RequireThat(t, h.server.ReadyForConnections(time.Minute), "the NATS server is not ready")
	keep(t, h.dial(site.Keeper))
	err = errors.Join(os.WriteFile(h.dir, []byte(company), 0o600), os.WriteFile(filepath.Join(h.tree, "plan"), nil, 0o600),
		os.Chmod(filepath.Join(h.tree, "plan"), 0o644), os.WriteFile(filepath.Join(h.tree, "own"), nil, 0o600))
	check.NoError(t, err)
	return h
}

// keep creates the streams and deletes messages for workers until the end of the test.
func keep(t *testing.T, c *Conn) {
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

// send publishes a message with a role's signature after a given sequence, and returns its own
// sequence.
func (h *openSite) send(r site.Role, subject, id string, after uint64, body []byte) uint64 {
	h.t.Helper()
	seq, err := h.dial(r).publish(h.t.Context(), &site.Signed{Subject: subject, ID: id, After: after, Body: body}, nil)
	check.NoError(h.t, err)
	return seq
}

// anyPeople returns a directory, for tests of how its file is sent.
func anyPeople(t *testing.T) *directory.Directory {
	t.Helper()
	return check.Must(dirfile.Read([]byte(company)))
}
