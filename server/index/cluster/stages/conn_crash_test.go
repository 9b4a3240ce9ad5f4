package stages

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
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
	tree, dir, state, store := t.TempDir(), filepath.Join(t.TempDir(), "firm.json"), t.TempDir(), t.TempDir()
	put := func(name string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(tree, name)
		check.NoError(t, errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)))
	}
	put("plan", 0o644)
	put("offer", 0o600)
	check.NoError(t, os.WriteFile(dir, []byte(company), 0o600))
	s, seeds, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {tree}}, Parts: 1, Deciders: 1})
	check.NoError(t, err)
	o := &server.Options{JetStream: true, StoreDir: store, NoSigs: true, Host: "127.0.0.1", Port: server.RANDOM_PORT,
		MaxPayload: 8 << 20}
	for _, r := range s.Roles() {
		o.Nkeys = append(o.Nkeys, &server.NkeyUser{Nkey: s.Keys[string(r)]})
	}
	var srv *server.Server
	begin := func() {
		t.Helper()
		if srv, err = server.NewServer(o.Clone()); err != nil {
			t.Fatal(err)
		}
		srv.Start()
		check.RequireThat(t, srv.ReadyForConnections(time.Minute), "the server is not ready")
	}
	begin()
	defer func() { end(srv) }()
	s.Servers, o.Port = []string{srv.ClientURL()}, srv.Addr().(*net.TCPAddr).Port
	ctx, stop := context.WithCancel(t.Context())
	done, roles := make(chan error, 8), 0
	role := func(r site.Role, run func(c *Conn) error) {
		t.Helper()
		c, err := Dial(s, r, seeds[r], Options{})
		check.NoError(t, err)
		t.Cleanup(c.Close)
		roles++
		go func() {
			err := run(c)
			for errors.Is(err, errLost) || errors.Is(err, errTakenOver) { // systemd starts the program again
				err = run(c)
			}
			done <- err
		}()
	}
	keeper := func() (leave func()) {
		t.Helper()
		ready := make(chan struct{})
		served, leave := context.WithCancel(ctx)
		role(site.Keeper, func(c *Conn) error { return Keep(served, c, func() { close(ready) }) })
		<-ready
		return leave
	}
	leave := keeper()
	const often = 50 * time.Millisecond
	role(site.Watch("a"), func(c *Conn) error {
		return Watch(ctx, c, WatchConfig{Host: "a", NoEvents: true, Every: often, Beat: often})
	})
	role(site.Directory, func(c *Conn) error {
		return Directory(ctx, c, DirectoryConfig{File: dir, Beat: often})
	})
	role(site.Work, func(c *Conn) error { return Work(ctx, c, WorkConfig{Name: "w", Beat: often}) })
	role(site.Follow, func(c *Conn) error { return Follow(ctx, c, FollowConfig{State: state, Beat: often}) })

	const limit = 4 * time.Second
	reads := func(name string) (allowed bool, because string) {
		x, err := index.Open(state, limit)
		if err != nil {
			return false, err.Error()
		}
		defer x.Close()
		a := x.CanRead("//a"+filepath.Join(tree, name), "alice", "read")
		return a.Allowed, a.Because
	}
	wait := func(what string, is func() bool) {
		t.Helper()
		for range 1800 {
			select {
			case err := <-done:
				t.Fatalf("%s: a role has ended: %v", what, err)
			default:
			}
			if is() {
				return
			}
			time.Sleep(often)
		}
		_, plan := reads("plan")
		t.Fatalf("%s does not come: %s", what, plan)
	}
	want := func(what string, plan, offer bool) {
		t.Helper()
		wait(what, func() bool {
			first, because := reads("plan")
			second, _ := reads("offer")
			return because == "" && first == plan && second == offer
		})
	}
	want("the first answer", true, false)
	for _, open := range []bool{false, true} {
		end(srv)
		put("plan", map[bool]os.FileMode{true: 0o644, false: 0o600}[open])
		put("offer", map[bool]os.FileMode{true: 0o600, false: 0o644}[open])
		wait("the end of answers", func() bool {
			_, plan := reads("plan")
			_, offer := reads("offer")
			return plan != "" && offer != ""
		})
		if open { // a server that does not know the accounts yet refuses the roles for a while
			keys := o.Nkeys
			o.Nkeys = []*server.NkeyUser{{Nkey: keys[0].Nkey}}
			begin()
			time.Sleep(time.Second)
			end(srv)
			o.Nkeys = keys
		}
		begin()
		want("the change of the meantime", open, !open)
	}
	for _, lost := range [][]string{site.Streams(), {site.StreamSeen}, {site.StreamRows}, {site.StreamFence}} {
		leave() // a keeper starts with its server
		check.NoError(t, <-done)
		roles--
		end(srv)
		put("plan", 0o644)
		put("offer", 0o600)
		for _, stream := range lost {
			check.NoError(t, os.RemoveAll(filepath.Join(store, "jetstream", "$G", "streams", stream)))
		}
		begin()
		leave = keeper()
		want(fmt.Sprint("the answers after the loss of ", lost), true, false)
		put("plan", 0o600)
		put("offer", 0o644)
		want("the change after that", false, true)
	}
	leave()
	stop()
	for range roles {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func end(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}
