package main

import (
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/ntstatus"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/watch/feed"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// watching is the server of the daemon that watchers of the trees connect to. nil serves none.
type watching struct {
	listener *net.UnixListener
	server   *feed.Server
	all      sync.WaitGroup
}

// watch starts to listen for watchers. It does nothing if the configuration has no socket for them. It returns an
// error if the socket cannot be opened.
func (s *service) watch(cfg *config) error {
	if cfg.Watch.Socket == "" {
		return nil
	}
	l, err := daemon.Listen(cfg.Watch.Socket)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	w := &watching{listener: l, server: &feed.Server{Trees: map[string]feed.Tree{}, May: s.mayWatch,
		Quota: s.store.QuotaUID, Log: s.log}}
	for i := range cfg.trees {
		t := &cfg.trees[i]
		settings := cfg.Trees[t.name]
		w.server.Trees[t.Path] = feed.Tree{Share: settings.Share,
			Traverse: settings.traverse(), Options: t.watchOptions()}
	}
	w.all.Go(func() {
		if err := w.server.Serve(l); err != nil {
			s.log.Error("stopped watching trees", "error", err)
		}
	})
	s.watching.Store(w)
	return nil
}

// watchOptions returns how the watch of a tree reads its descriptors: as the tree serves them.
func (t *treeConfig) watchOptions() tree.Options {
	return tree.Options{Attribute: t.Attribute, IgnoreSystemACLs: t.IgnorePosix, Accounts: t.Accounts,
		Required: t.Missing == hostfs.RefuseMissing}
}

// mayWatch returns the token of a client that may watch trees, otherwise the reason why it may not. A watcher learns
// every file's name and descriptor, so it needs SeBackupPrivilege or Administrators (N-17).
func (s *service) mayWatch(c *net.UnixConn) (*token.Token, error) {
	p, err := auth.Of(c)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	r, err := s.Identity().LogOn(p, false)
	if err != nil {
		return nil, err
	}
	if r.Token.Privileges.Has(winnt.SeBackupPrivilege) ||
		slices.ContainsFunc(r.Token.Groups, func(g token.Group) bool {
			return g.SID == sid.Administrators && g.Attributes&winnt.SE_GROUP_ENABLED != 0
		}) {
		return token.New(r.Token)
	}
	return nil, fmt.Errorf("uid %d holds no SeBackupPrivilege: %w", p.UID, ntstatus.AccessDenied.Err())
}

// close ends all watches and waits for them. It does nothing for nil. Call it once.
func (w *watching) close() error {
	if w == nil {
		return nil
	}
	err := w.listener.Close()
	w.server.Close()
	w.all.Wait()
	return err
}
