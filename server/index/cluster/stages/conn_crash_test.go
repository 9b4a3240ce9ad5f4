package stages

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestRolesSurviveNATSRestart checks that all roles survive a restart of a site's only NATS server, even one
// longer than the limit. Without the server there are no heartbeats, so queries fail. Afterwards
// changes made in between are found, even if the server rejected the roles at first (N-93). The same
// holds if the server lost all streams, or only SEEN, ROWS or FENCE (N-49).
func TestRolesSurviveNATSRestart(t *testing.T) {
	t.Parallel()
	losses := [][]string{site.Streams(), {site.StreamSeen}, {site.StreamRows}, {site.StreamFence}}
	if testing.Short() { // five sites miss their heartbeats under the race detector
		losses = losses[:1]
	}
	var all sync.WaitGroup // more than run in parallel otherwise: they wait most of their time
	all.Go(func() { t.Run("longer than the limit", surviveOutages) })
	for _, lost := range losses {
		all.Go(func() {
			t.Run("lost "+strings.Join(lost, " "), func(t *testing.T) { surviveLoss(t, lost) })
		})
	}
	all.Wait()
}

func surviveOutages(t *testing.T) {
	h := newRestartSite(t)
	for _, open := range []bool{false, true} {
		stopServer(h.srv)
		h.publishFile(open)
		keys := h.o.Nkeys
		if open { // a server that does not know the accounts yet refuses the roles for a while
			h.o.Nkeys = []*server.NkeyUser{{Nkey: keys[0].Nkey}}
			h.srv = startServer(h, h.o)
		}
		h.wait("the end of answers", func() bool {
			_, plan := h.query("plan")
			_, offer := h.query("offer")
			return plan != "" && offer != ""
		})
		if open {
			stopServer(h.srv)
			h.o.Nkeys = keys
		}
		h.srv = startServer(h, h.o)
		h.want("the change of the meantime", open)
	}
	h.stop()
}

func surviveLoss(t *testing.T, streams []string) {
	h := newRestartSite(t)
	h.leave() // a keeper starts with its server
	check.NoError(t, <-h.done)
	h.roles--
	stopServer(h.srv)
	h.publishFile(false)
	for _, stream := range streams {
		check.NoError(t, os.RemoveAll(filepath.Join(h.store, "jetstream", "$G", "streams", stream)))
	}
	h.srv = startServer(h, h.o)
	h.keep()
	h.want("the answers after the loss", false)
	h.publishFile(true)
	h.want("the change after that", true)
	h.stop()
}

// restartSite is a site of one host with all its roles and a NATS server that can be restarted at its address.
type restartSite struct {
	*testing.T
	tree, state, store string
	site               *site.Site
	seeds              map[site.Role]string
	o                  *server.Options
	srv                *server.Server
	ctx                context.Context
	leave, finish      func()     // end the keeper, and all roles
	done               chan error // the results of the roles
	roles              int
}

// newRestartSite starts a site, and waits until alice may read the file plan and not the file offer.
func newRestartSite(t *testing.T) *restartSite {
	t.Helper()
	h := &restartSite{T: t, tree: t.TempDir(), state: t.TempDir(), store: t.TempDir(), done: make(chan error, 8)}
	h.publishFile(true)
	dir := filepath.Join(t.TempDir(), "firm.json")
	check.NoError(t, os.WriteFile(dir, []byte(company), 0o600))
	var err error
	h.site, h.seeds, err = site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {h.tree}}, Parts: 1,
		Deciders: 1})
	check.NoError(t, err)
	h.o = serverOptions(h.site, h.store)
	h.srv = startServer(t, h.o)
	t.Cleanup(func() { stopServer(h.srv) })
	h.site.Servers, h.o.Port = []string{h.srv.ClientURL()}, h.srv.Addr().(*net.TCPAddr).Port
	h.ctx, h.finish = context.WithCancel(t.Context())
	t.Cleanup(h.finish)
	h.keep()
	h.role(site.Watch("a"), func(c *Conn) error {
		return Watch(h.ctx, c, WatchConfig{Host: "a", NoEvents: true, Every: heartbeatInterval, Beat: heartbeatInterval})
	})
	h.role(site.Directory, func(c *Conn) error {
		return Directory(h.ctx, c, DirectoryConfig{File: dir, Beat: heartbeatInterval})
	})
	h.role(site.Work, func(c *Conn) error { return Work(h.ctx, c, WorkConfig{Name: "w", Beat: heartbeatInterval}) })
	h.role(site.Follow, func(c *Conn) error {
		return Follow(h.ctx, c, FollowConfig{State: h.state, Beat: heartbeatInterval})
	})
	h.want("the first answer", true)
	return h
}

// publishFile makes one of the files plan and offer readable by all, and the other by its owner only.
func (h *restartSite) publishFile(plan bool) {
	h.Helper()
	for name, open := range map[string]bool{"plan": plan, "offer": !plan} {
		path, mode := filepath.Join(h.tree, name), os.FileMode(0o600)
		if open {
			mode = 0o644
		}
		check.NoError(h, errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)))
	}
}

// role runs a role.
func (h *restartSite) role(r site.Role, run func(c *Conn) error) {
	h.Helper()
	c, err := Dial(h.site, r, h.seeds[r], Options{})
	check.NoError(h, err)
	h.Cleanup(c.Close)
	h.roles++
	go func() {
		err := run(c)
		for errors.Is(err, errLost) || errors.Is(err, errTakenOver) { // systemd starts the program again
			err = run(c)
		}
		h.done <- err
	}()
}

// keep runs a keeper until leave is called, and waits until the streams exist.
func (h *restartSite) keep() {
	h.Helper()
	ready := make(chan struct{})
	var served context.Context
	served, h.leave = context.WithCancel(h.ctx)
	h.role(site.Keeper, func(c *Conn) error { return Keep(served, c, func() { close(ready) }) })
	<-ready
}

// stop ends all roles and checks that none failed.
func (h *restartSite) stop() {
	h.Helper()
	h.finish()
	for range h.roles {
		check.NoError(h, <-h.done)
	}
}

// query reports whether alice may read a file, or why there is no answer.
func (h *restartSite) query(name string) (allowed bool, because string) {
	x, err := index.Open(h.state, 2*time.Second)
	if err != nil {
		return false, err.Error()
	}
	defer x.Close()
	a := x.CanRead("//a"+filepath.Join(h.tree, name), "alice", "read")
	return a.Allowed, a.Because
}

func (h *restartSite) wait(what string, is func() bool) {
	h.Helper()
	for range 1800 {
		select {
		case err := <-h.done:
			h.Fatalf("%s: a role has ended: %v", what, err)
		default:
		}
		if is() {
			return
		}
		time.Sleep(heartbeatInterval / 2)
	}
	_, plan := h.query("plan")
	h.Fatalf("%s does not come: %s", what, plan)
}

// want waits until alice may read plan or offer, and not the other one.
func (h *restartSite) want(what string, plan bool) {
	h.Helper()
	h.wait(what, func() bool {
		first, because := h.query("plan")
		second, _ := h.query("offer")
		return because == "" && first == plan && second == !plan
	})
}
