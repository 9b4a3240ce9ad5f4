package stages

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/server/index/site"
)

// beats is how often stages vouch in tests.
const beats = 20 * time.Millisecond

const company = `{"users":[{"name":"alice","sid":"S-1-5-21-1-2-3-1107"},{"name":"bob","sid":"S-1-5-21-1-2-3-1108"}]}`

// hall is a site of one host with a message server that lets everybody do everything: what
// holds here holds without the server's permissions.
type hall struct {
	t         *testing.T
	site      *site.Site
	seeds     map[site.Role]string
	server    *server.Server
	tree, dir string
	part      site.Part
}

func newHall(t *testing.T, parts int) *hall {
	t.Helper()
	h := &hall{t: t, tree: t.TempDir(), dir: filepath.Join(t.TempDir(), "firm.json")}
	var err error
	h.site, h.seeds, err = site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {h.tree}, "b": {"/srv"}},
		Parts: parts, Deciders: parts})
	if err != nil {
		t.Fatal(err)
	}
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
	if !h.server.ReadyForConnections(time.Minute) {
		t.Fatal("the message server is not ready")
	}
	if err := Prepare(t.Context(), h.dial(site.Keeper)); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.WriteFile(h.dir, []byte(company), 0o600), os.WriteFile(filepath.Join(h.tree, "plan"), nil, 0o600),
		os.Chmod(filepath.Join(h.tree, "plan"), 0o644), os.WriteFile(filepath.Join(h.tree, "own"), nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hall) dial(r site.Role) *Conn {
	h.t.Helper()
	c, err := Dial(h.site, r, h.seeds[r], Options{InProcess: h.server})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(c.Close)
	return c
}

// send publishes a message as a role signs it, behind a sequence, and returns where it stands.
func (h *hall) send(r site.Role, subject, id string, after uint64, body []byte) uint64 {
	h.t.Helper()
	seq, err := h.dial(r).publish(h.t.Context(), &site.Signed{Subject: subject, ID: id, After: after, Body: body}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return seq
}

// anyPeople returns a directory, for tests of how its file is sent.
func anyPeople(t *testing.T) *people.Directory {
	t.Helper()
	d, err := people.Read([]byte(company))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
