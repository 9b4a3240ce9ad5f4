package mount

import (
	"slices"

	"github.com/refmon/refmon/ntstatus"
)

// rename is a rename through the mount that has not ended.
type rename struct {
	file  identity
	ended chan struct{}
}

// rename runs f, which renames a file on the host, and returns its status. After a success the file's node has the new
// parent and name. f must not call [Mount.atPath].
func (n *nodes) rename(file identity, parent *node, name string, f func() ntstatus.Status) ntstatus.Status {
	r := &rename{file, make(chan struct{})}
	n.mu.Lock()
	n.running = append(n.running, r)
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.running = slices.DeleteFunc(n.running, func(other *rename) bool { return other == r })
		close(r.ended)
	}()
	st := f()
	if st == ntstatus.Success {
		n.moved(file, parent, name)
	}
	return st
}

// removal is the name of a file in a directory that a request removes now.
type removal struct {
	parent *node
	name   string
}

// remove runs f, which removes a name of a directory, and returns its status. f must not call [Mount.atPath].
func (n *nodes) remove(parent *node, name string, f func() ntstatus.Status) ntstatus.Status {
	r, ended := removal{parent, name}, make(chan struct{})
	n.mu.Lock()
	n.removing[r] = ended
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.removing[r] == ended { // else a later request removes a new file with the name
			delete(n.removing, r)
		}
		close(ended)
	}()
	return f()
}

// awaitRemoval waits until a running removal of name in x has ended, or with an empty name that of x itself.
func (n *nodes) awaitRemoval(x *node, name string) {
	n.mu.Lock()
	r := removal{x, name}
	if name == "" {
		r = removal{x.parent, x.name}
	}
	ended := n.removing[r]
	n.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// movedSince reports whether x or a folder above it was renamed after the first moves renames. It first waits for the
// running renames of these files, but not for those of other files.
func (n *nodes) movedSince(x *node, moves uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	var running []*rename
	for _, r := range n.running {
		if x.isBelow(func(folder *node) bool { return folder.file == r.file }) {
			running = append(running, r)
		}
	}
	n.mu.Unlock()
	for _, r := range running {
		<-r.ended
	}
	n.mu.Lock()
	return x.isBelow(func(folder *node) bool { return folder.moved > moves })
}

// isBelow reports whether is returns true for x or for a folder above it. The caller holds nodes.mu.
func (x *node) isBelow(is func(*node) bool) bool {
	for depth := 0; x != nil && x.id != rootID && depth < maxDepth; depth++ {
		if is(x) {
			return true
		}
		x = x.parent
	}
	return false
}

// maxTries limits how often a request is tried because of renames.
const maxTries = 4

// atPath runs f with the path of name in a directory, and returns f's status. With an empty name it is the path of the
// node itself. If f does not find the file and a rename has changed the path since, atPath runs f again with the new
// path (M-11). If the name is marked for deletion, atPath waits for the request that removes it and runs f again. If f
// does not find the file, it must change nothing. Renames of other directories do not delay a request. A path that is
// too long for a tree is STATUS_NAME_TOO_LONG.
func (m *Mount) atPath(x *node, name string, f func(path string) ntstatus.Status) (st ntstatus.Status) {
	for range maxTries {
		moves := m.nodes.moves.Load()
		path := m.nodes.path(x, name)
		if len(path) > longestPath {
			return ntstatus.NameTooLong // the host's kernel allows such paths, because it looks up one name at a time (M-9)
		}
		switch st = f(path); st {
		case ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound, ntstatus.NotSameObject:
		case ntstatus.DeletePending:
			// An unlink marks the name and then removes it. In between, a program that creates a file with this name must
			// not fail with ENOENT (M-20).
			m.nodes.awaitRemoval(x, name)
			continue
		default:
			return st
		}
		if !m.nodes.movedSince(x, moves) {
			return st
		}
	}
	return st
}
