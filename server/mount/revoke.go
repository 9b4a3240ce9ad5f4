package mount

import (
	"maps"
	"slices"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/token"
)

// Passed is an open file that the host's kernel reads and writes without the mount (passthrough).
type Passed struct {
	Name string // kernel name
	UID  uint32 // uid of the user who opened the file
}

// Revoke makes every selected user log on again, and drops the cached contents of the selected open files from the
// host's kernel. It returns the selected open files that the kernel serves past the mount: their programs can use them
// until they close them.
//
// selected gets the token of a user and the kernel name of a file that the user has open with it. A call with the name
// "" selects the user's cached token, and is made with a lock held. Call [kernel.System.Revoke] first: it marks the
// files, so that later reads, also through a memory map, are denied (W-101).
func (m *Mount) Revoke(selected func(user *token.Token, name string) bool) (remain []Passed) {
	m.accounts.drop(func(_ person, user *token.Token) bool { return user == nil || selected(user, "") })
	m.mu.Lock()
	all := maps.Clone(m.opens)
	m.mu.Unlock()
	stale := map[uint64]bool{}
	for fh, o := range all {
		user, names := m.openedAs(fh, o)
		if !slices.ContainsFunc(names, func(name string) bool { return selected(user, name) }) {
			continue
		}
		if o.passed {
			remain = append(remain, Passed{Name: names[0], UID: o.uid})
			continue
		}
		stale[o.n.id] = true
	}
	for id := range stale {
		// ENOENT means that the kernel has cached nothing of the file.
		if s := m.server.InodeNotify(id, 0, 0); s != fuse.OK && s != fuse.ENOENT {
			m.log.Warn("cannot drop the cached contents of a revoked file", "status", s)
		}
	}
	return remain
}

// openedAs returns the token with which a file was opened, nil if it was closed meanwhile, and its kernel names: the
// one by which the host's kernel looked it up last, which may be another hard link, the one by which it was opened, and
// the one that it has now.
func (m *Mount) openedAs(fh uint64, o *open) (user *token.Token, names []string) {
	m.run(unattributed, true, func(t *worker) fuse.Status {
		m.mu.Lock()
		held := m.opens[fh] == o && o.lent.TryRLock() // if false, o was closed and o.h may be another file's handle
		m.mu.Unlock()
		if held {
			user, names = m.sys.OpenedAs(t.Thread, o.h)
			o.lent.RUnlock() // +checklocksforce: TryRLock locked it
		}
		return fuse.OK
	})
	return user, append([]string{m.deviceName(o.n)}, names...)
}

// deviceName returns the kernel name of a file, such as \Device\share\a\b.
func (m *Mount) deviceName(n *node) string {
	return `\Device\` + strings.TrimPrefix(m.prefix, `\??\`) + m.nodes.path(n, "")
}
