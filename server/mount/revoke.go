package mount

import (
	"maps"
	"slices"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/sid"
)

// Passed is an open file that the host's kernel reads and writes without the mount (passthrough).
type Passed struct {
	Name string // kernel name
	UID  uint32 // of the user who opened it
}

// Revoke makes every selected user log on again, and drops the cached contents of the selected open files from the
// host's kernel. It returns the selected open files that the kernel serves past the mount: their programs can use them
// until they close them.
//
// selected gets a user and the kernel name of a file that the user has open. A call with the name "" selects the
// user's cached token. Revoke calls it without a lock held. Call [kernel.System.Revoke] first: it marks the files, so
// that later reads, also through a memory map, are denied (W-101).
func (m *Mount) Revoke(selected func(user sid.SID, name string) bool) (remain []Passed) {
	m.accounts.drop(func(p person) bool { return selected(m.owners.UserSID(p.uid), "") })
	m.mu.Lock()
	all := maps.Clone(m.opens)
	m.mu.Unlock()
	stale := map[uint64]bool{}
	for fh, o := range all {
		name := m.deviceName(o.n)
		user := m.owners.UserSID(o.uid)
		if !slices.ContainsFunc(m.namesOf(fh, o), func(name string) bool { return selected(user, name) }) {
			continue
		}
		if o.passed {
			remain = append(remain, Passed{Name: name, UID: o.uid})
			continue
		}
		stale[o.n.id] = true
	}
	for id := range stale {
		// ENOENT means that the kernel keeps nothing of the file.
		if s := m.server.InodeNotify(id, 0, 0); s != fuse.OK && s != fuse.ENOENT {
			m.log.Warn("cannot drop the cached contents of a revoked file", "status", s)
		}
	}
	return remain
}

// namesOf returns the kernel names of an open file: the one by which it was opened, the one that it has now, and the
// one by which the host's kernel looked it up last, which may be another hard link.
func (m *Mount) namesOf(fh uint64, o *open) []string {
	names := []string{m.deviceName(o.n)}
	m.do(func(t *worker) fuse.Status {
		m.mu.Lock()
		held := m.opens[fh] == o && o.lent.TryRLock() // otherwise it was closed, and its handle may be another file's
		m.mu.Unlock()
		if held {
			names = append(names, m.sys.FileNames(t.Thread, o.h)...)
			o.lent.RUnlock() // +checklocksforce: TryRLock locked it
		}
		return fuse.OK
	})
	return names
}

// deviceName returns the kernel name of a file, such as \Device\share\a\b.
func (m *Mount) deviceName(n *node) string {
	return `\Device\` + strings.TrimPrefix(m.prefix, `\??\`) + m.nodes.path(n, "")
}
