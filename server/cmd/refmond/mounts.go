package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/lsa/host"
	"github.com/refmon/refmon/server/mount"
)

// LogOn implements [mount.Peers]: it returns the token for the user of a request to a mount. This is the token that a
// connection of the same user gets. full is the argument of the Identity's LogOn.
func (s *service) LogOn(p *unix.Peer, full bool) (logon.Result, error) {
	return s.Identity().LogOn(p, full)
}

// removeStale removes the mounts of a killed refmond. Call it before any tree is opened, because a tree may be below
// such a mount (M-8). A directory without such a mount is not an error. It stops at the first error.
func removeStale(trees []treeConfig) error {
	for i := range trees {
		c := &trees[i]
		for what, directory := range map[string]string{"mount": c.mount, "backup": c.backup} {
			if directory == "" {
				continue
			}
			if err := mount.RemoveStale(directory, c.name); err != nil {
				return fmt.Errorf("trees: %s: %s: %w", c.name, what, err)
			}
		}
	}
	return nil
}

// mountTrees starts the mounts of all trees that have one, for use and for backup. It stops at the first error; the
// earlier mounts stay until unmount. A tree without mounts is skipped.
func (s *service) mountTrees(cfg *config) error {
	for i := range cfg.trees {
		c := &cfg.trees[i]
		common := mount.Config{System: s.System(), Name: c.name, Tree: s.trees[i].Tree,
			Accounts: mount.Hosted{Peers: s, Hosts: host.New()}, Owners: s.store, Traverse: c.Policy.Traverse, Log: s.log}
		if c.mount != "" {
			mc := common
			mc.Directory, mc.HideUnreadable, mc.FollowLinks, mc.Modes = c.mount, c.hide, c.follow, c.modes
			mc.ListDescriptors = c.listed
			if err := s.startMount(&mc, cfg.Audit.Denials); err != nil {
				return err
			}
		}
		if c.backup != "" {
			// A backup sees every entry and follows no link. No mode changes a restored descriptor (M-53, M-55).
			mc := common
			mc.Directory, mc.Backup = c.backup, true
			if err := s.startMount(&mc, cfg.Audit.Denials); err != nil {
				return err
			}
		}
	}
	return nil
}

// operate serves metrics and profiles at a socket in the state folder. The caller closes the result.
func (s *service) operate(state string) (*operations, error) {
	return operate(filepath.Join(state, operationsSocket), func(w io.Writer) {
		writeMetrics(w, s.Stats())
		of := map[string]mount.Stats{}
		mounts, names := s.currentMounts()
		for i, m := range mounts {
			of[names[i]] = m.Stats()
		}
		writeMounts(w, of)
	}, s.trail, func() uint64 { return s.Stats().RecordsLeftOut }, s.log)
}

// startMount mounts a tree until unmount. If recorded is true, it writes the mount's denials to the audit log. An
// error leaves no mount.
func (s *service) startMount(c *mount.Config, recorded bool) error {
	name := c.Name
	if c.Backup {
		name += " (backup)"
	}
	c.Denied = s.deniedBy(name)
	if recorded {
		log := s.System().Audit()
		write, show := record(log, &hostAccounts{hosts: host.New(), store: log.Names}), c.Denied
		c.Denied = func(d *mount.Denial) { write(d); show(d) }
	}
	m, err := mount.Start(*c)
	if err != nil {
		return fmt.Errorf("trees: %s: %w", c.Name, err)
	}
	s.mountsMu.Lock()
	defer s.mountsMu.Unlock()
	s.mounts, s.mounted = append(s.mounts, m), append(s.mounted, name)
	go s.reportLoss(m, name, c.Directory)
	return nil
}

// reportLoss waits until a mount ends, and logs an error unless unmount ends it. From then on programs reach the
// directory beneath.
func (s *service) reportLoss(m *mount.Mount, name, directory string) {
	m.Wait()
	if mounts, _ := s.currentMounts(); slices.Contains(mounts, m) {
		s.log.Error("another program unmounted the tree: restart refmond", "tree", name, "directory", directory)
	}
}

// currentMounts returns the mounts and their names, none after unmount.
func (s *service) currentMounts() ([]*mount.Mount, []string) {
	s.mountsMu.Lock()
	defer s.mountsMu.Unlock()
	return s.mounts, s.mounted
}

// dropTokens drops the tokens of the mounts' users, because accounts may have changed. Requests in progress keep
// theirs.
func (s *service) dropTokens() {
	mounts, _ := s.currentMounts()
	for _, m := range mounts {
		m.DropAccounts(0, true)
	}
}

// unmount ends all mounts and returns their errors. Call it before the kernel is closed. Without mounts it does
// nothing.
func (s *service) unmount() (err error) {
	s.mountsMu.Lock()
	mounts := s.mounts
	s.mounts, s.mounted = nil, nil
	s.mountsMu.Unlock()
	// The last mount goes first, because it can be inside an earlier one. Connections may call dropTokens during this
	// loop, so it holds no lock.
	for _, m := range slices.Backward(mounts) {
		err = errors.Join(err, m.Close())
	}
	return err
}
