package mount

import (
	"crypto/sha256"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/sd"
)

// node is a file or directory that the host's kernel refers to by number. Its id is never reused.
type node struct {
	id   uint64   // immutable
	file identity // immutable: the file of the tree

	lookups uint64 // guarded by nodes.mu: lookups that the kernel has not forgotten
	parent  *node  // guarded by nodes.mu; nil for the root, and for a file without a name
	name    string // guarded by nodes.mu: the file's name in parent
	moved   uint64 // guarded by nodes.mu: nodes.moves after its last rename
	// other is guarded by nodes.mu. It is the name that the file had before this one, which may be another hard link.
	// Its parent is nil for a file that the kernel looked up by one name only.
	other struct {
		parent *node
		name   string
	}
	// bare is guarded by nodes.mu. It is set once a user who may not read the attributes has looked
	// the file up: the kernel no longer caches them.
	bare bool
	// narrowed is guarded by nodes.mu. It is nil if the file was created without a narrower mode,
	// or if its creator has set another mode since. A user who sets the whole descriptor replaces it.
	narrowed *narrowed
	// lost is guarded by nodes.mu: the error of the last attempt to set the whole descriptor; OK: it succeeded, or
	// nobody tried.
	lost fuse.Status
	// kept is guarded by nodes.mu: the listing that the kernel caches.
	kept keptNames
	// fresh is guarded by nodes.mu: the file was created through the mount, and its whole descriptor was not set since.
	fresh bool
}

// keptNames identifies the directory listing that the kernel caches. The zero value stands for none.
type keptNames struct {
	change int64     // the directory's ChangeTime when it was opened for the listing
	opened time.Time // when the directory was opened for the listing
}

// narrowed says that a user created a file with a narrower mode than its directory gives, or set its whole descriptor.
// It is immutable.
type narrowed struct {
	uid   uint32
	whole *sd.Descriptor    // the inherited descriptor; nil: the user set the whole one
	now   [sha256.Size]byte // hash of the DACL that the file got
}

// newNarrowed returns what a node stores of a file that uid gave the descriptor now. whole is the inherited one, nil if
// the user set the whole descriptor.
func newNarrowed(uid uint32, whole, now *sd.Descriptor) *narrowed {
	return &narrowed{uid, whole, sha256.Sum256([]byte(now.DACL().Binary()))}
}

// nodes is the table of the files that the kernel knows. It is safe for concurrent use.
type nodes struct {
	mu sync.Mutex
	// +checklocks:mu
	byID map[uint64]*node // guarded by mu
	// +checklocks:mu
	byFile map[identity]*node // guarded by mu
	// +checklocks:mu
	next uint64 // guarded by mu
	// +checklocks:mu
	running []*rename // guarded by mu
	// +checklocks:mu
	removing map[removal]chan struct{} // guarded by mu: the names that requests remove; each channel closes at the end
	// inherited has the descriptors that recently created files inherited. Files with equal ones share them, because
	// the host's kernel can keep millions of files. A new descriptor replaces the oldest one.
	// +checklocks:mu
	inherited [16]*sd.Descriptor // guarded by mu
	// +checklocks:mu
	oldest int           // guarded by mu: index of the oldest one
	moves  atomic.Uint64 // renames that have ended; changed with mu held
}

// rootID is the root's id in the protocol.
const rootID = 1

// identity identifies a file. It may be revealed to any caller. Two files never share one, even if a number is
// reused (F-180).
type identity struct {
	number uint64
	id     string
	dir    bool
	link   bool
}

// newNodes returns a table with the root only, which the kernel has looked up once.
func newNodes(root identity) *nodes {
	r := &node{id: rootID, file: root, lookups: 1}
	return &nodes{byID: map[uint64]*node{rootID: r}, byFile: map[identity]*node{root: r}, next: rootID + 1,
		removing: map[removal]chan struct{}{}}
}

// get returns a node, nil for an unknown id.
func (n *nodes) get(id uint64) *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byID[id]
}

// add returns the node of a file, creates it if needed, and counts a lookup. The node gets parent and name; a nil
// parent means a file without a name. bare means that the user may not read the attributes. After any bare lookup
// kept is false: the kernel must not cache the attributes.
func (n *nodes) add(parent *node, name string, file identity, bare bool) (x *node, kept bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	x = n.byFile[file]
	if x == nil {
		x = &node{id: n.next, file: file}
		n.next++
		n.byID[x.id], n.byFile[file] = x, x
	}
	x.lookups++
	if x.id != rootID {
		if x.parent != parent || x.name != name {
			x.other.parent, x.other.name = x.parent, x.name
		}
		x.parent, x.name = parent, name
	}
	x.bare = x.bare || bare
	return x, !x.bare
}

// other returns the name that a file had before its present one. The parent is nil if the kernel used no other name.
func (n *nodes) other(x *node) (parent *node, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.other.parent, x.other.name
}

// useOther exchanges the name of a file with the one before it, if the latter still is parent and name.
func (n *nodes) useOther(x, parent *node, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if x.other.parent == parent && x.other.name == name {
		x.parent, x.name, x.other.parent, x.other.name = x.other.parent, x.other.name, x.parent, x.name
	}
}

// forget subtracts lookups from a node and removes the node at 0. It ignores unknown IDs and the root, and a number
// above the node's counts as all of them.
func (n *nodes) forget(id, lookups uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	x := n.byID[id]
	if x == nil || id == rootID {
		return
	}
	x.lookups -= min(lookups, x.lookups)
	if x.lookups > 0 {
		return
	}
	x.other.parent = nil // x must not keep a folder in memory that the kernel forgot
	delete(n.byID, id)
	delete(n.byFile, x.file)
}

// cachesNames reports whether the kernel may cache the listing of a directory that is now opened. change is the
// directory's ChangeTime. cache requires that change is so old that a later change will differ. keep allows a listing
// that was cached less than attributeLife ago with the same ChangeTime.
func (n *nodes) cachesNames(x *node, change int64, now time.Time) (cache, keep bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	age := now.Sub(x.kept.opened)
	if x.kept.change == change && age >= 0 && age < attributeLife {
		return true, true
	}
	x.kept = keptNames{}
	if now.Sub(filetime.Time(change)) < settled {
		return false, false
	}
	x.kept = keptNames{change: change, opened: now}
	return true, false
}

// maxDepth bounds the components of a path. Concurrent renames could form a cycle. A path of so many is too long for a
// tree, whatever its names.
const maxDepth = longestPath/2 + 1

// path returns the path of name in directory x, relative to the root and with backslashes. With an empty name it
// returns the path of x itself; the root's is "". Of a path deeper than maxDepth it leaves out the first folders.
func (n *nodes) path(x *node, name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var room [16]string // on the stack: a path of up to 16 names takes one allocation
	parts := room[:0]
	if name != "" {
		parts = append(parts, name)
	}
	for depth := 0; x != nil && x.id != rootID && depth < maxDepth; depth++ {
		parts = append(parts, x.name)
		x = x.parent
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, `\`)
}

// nameless reports whether a file was created without a name and has not got one since.
func (n *nodes) nameless(x *node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.parent == nil && x.id != rootID
}

// isBare reports whether a user who may not read the attributes of a file has looked it up. The kernel must not cache
// them then.
func (n *nodes) isBare(x *node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.bare
}

// moved sets the parent and name of a file after a rename. The paths of its descendants follow. It ignores the root,
// and files that the kernel does not know.
func (n *nodes) moved(file identity, parent *node, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if x := n.byFile[file]; x != nil && x.id != rootID {
		x.parent, x.name, x.moved = parent, name, n.moves.Add(1)
	}
}

// narrowed stores made for x, and shares its whole descriptor with those of other files. A nil made deletes the stored
// one.
func (n *nodes) narrowed(x *node, made *narrowed) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if made != nil && made.whole != nil {
		made = &narrowed{made.uid, n.shareLocked(made.whole), made.now}
	}
	x.narrowed = made
}

// shareLocked returns a descriptor that equals d: a recent one, or d itself.
//
// +checklocks:n.mu
func (n *nodes) shareLocked(d *sd.Descriptor) *sd.Descriptor {
	for _, known := range n.inherited {
		if known != nil && known.Equal(d) {
			return known
		}
	}
	n.inherited[n.oldest] = d
	n.oldest = (n.oldest + 1) % len(n.inherited)
	return d
}

// wholeOf returns the descriptor that a file inherited before its mode narrowed it, or now, the current descriptor, if
// the user has set the whole one. It returns nil if uid is not that user, if no mode narrowed the file, or if the DACL
// of now differs from the one that the file got then.
func (n *nodes) wholeOf(x *node, uid uint32, now *sd.Descriptor) *sd.Descriptor {
	n.mu.Lock()
	made := x.narrowed
	n.mu.Unlock()
	if made == nil || made.uid != uid || now == nil || sha256.Sum256([]byte(now.DACL().Binary())) != made.now {
		return nil
	}
	if made.whole == nil {
		return now
	}
	return made.whole
}

// restored reports whether a user was the last to set the whole descriptor of a file, as programs that restore backups
// do before chmod. Call it after wholeOf returned a descriptor.
func (n *nodes) restored(x *node, uid uint32) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.narrowed != nil && x.narrowed.uid == uid && x.narrowed.whole == nil
}

// setLost records whether the descriptor of a restored file could be set: s is the result of setting the whole
// descriptor. With OK the file no longer counts as just created.
func (n *nodes) setLost(x *node, s fuse.Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	x.lost, x.fresh = s, x.fresh && s != fuse.OK
}

// created marks a file as created through the mount. It ignores nil.
func (n *nodes) created(x *node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if x != nil {
		x.fresh = true
	}
}

// isFresh reports whether a program that restores a file may still set its owner by chown: the file was created through
// the mount and its whole descriptor was not set since.
func (n *nodes) isFresh(x *node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.fresh
}

// lostOf returns why the descriptor of a restored file could not be set: the last result of setting the whole
// descriptor, OK if nobody tried.
func (n *nodes) lostOf(x *node) fuse.Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.lost
}
