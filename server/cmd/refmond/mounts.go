package main

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/lsa/host"
	"github.com/refmon/refmon/server/mount"
)

// LogOn implements [mount.Peers]: a request to a mount has the token that a connection
// of its user would have.
func (s *service) LogOn(p *unix.Peer, full bool) (logon.Result, error) {
	return s.Identity().LogOn(p, full)
}

// mountTrees shows the trees that are to be shown to programs of the host.
func (s *service) mountTrees(cfg *config) error {
	for i := range cfg.trees {
		c := &cfg.trees[i]
		if c.mount == "" {
			continue
		}
		m, err := mount.Start(mount.Config{System: s.System(), Name: c.name, Tree: s.trees[i].Tree, Directory: c.mount,
			Accounts: mount.Hosted{Peers: s, Hosts: host.New()}, Owners: s.store, Traverse: c.Policy.Traverse,
			HideUnreadable: c.hide, FollowLinks: c.follow, Log: s.log})
		if err != nil {
			return fmt.Errorf("trees: %s: %w", c.name, err)
		}
		s.mounts = append(s.mounts, m)
	}
	return nil
}

// dropTokens makes the tokens of the mounts' users anew: accounts may have changed.
func (s *service) dropTokens() {
	for _, m := range s.mounts {
		m.DropAccounts(0, true)
	}
}

// unmount ends the mounts, before the kernel that they use.
func (s *service) unmount() (err error) {
	for _, m := range s.mounts {
		err = errors.Join(err, m.Close())
	}
	s.mounts = nil
	return err
}
