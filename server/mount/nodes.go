package mount

import (
	"strings"
	"sync"
)

// node is a file that the host's kernel knows, by a number that is never given twice.
type node struct {
	id   uint64   // immutable
	file identity // immutable: the file below

	lookups uint64 // guarded by nodes.mu: how often the kernel was told of it
	parent  *node  // guarded by nodes.mu; nil: the root
	name    string // guarded by nodes.mu: in parent
	// bare is guarded by nodes.mu: some user was told of it who may not see its
	// attributes, so that the kernel does not keep them.
	bare bool
}

// nodes is the table of what the kernel knows.
type nodes struct {
	mu sync.Mutex
	// +checklocks:mu
	byID map[uint64]*node // guarded by mu
	// +checklocks:mu
	byFile map[identity]*node // guarded by mu
	// +checklocks:mu
	next uint64 // guarded by mu
}

// rootID is the number of the root, as the protocol has it.
const rootID = 1

// identity may be told of a file to those who may know nothing else of it. Two files never
// have the same one: id differs where a number is used again. F-180
type identity struct {
	number uint64
	id     string
	dir    bool
	link   bool
}

func newNodes(root identity) *nodes {
	r := &node{id: rootID, file: root, lookups: 1}
	return &nodes{byID: map[uint64]*node{rootID: r}, byFile: map[identity]*node{root: r}, next: rootID + 1}
}

// get returns a node; nil for a number that the kernel cannot know.
func (n *nodes) get(id uint64) *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byID[id]
}

// add notes that the kernel is told of a file in a directory.
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
		x.parent, x.name = parent, name
	}
	x.bare = x.bare || bare
	return x, !x.bare
}

// forget notes that the kernel forgot.
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
	delete(n.byID, id)
	delete(n.byFile, x.file)
}

// maxDepth bounds the directories of a path: names that are moved while others
// look could make a circle.
const maxDepth = 4096

// path returns the name of a file in a directory below the root, with backslashes; the
// directory's own with an empty name.
func (n *nodes) path(x *node, name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var parts []string
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

// nameless reports whether a file was made without a name and has none yet.
func (n *nodes) nameless(x *node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.parent == nil && x.id != rootID
}

// isBare reports whether the kernel must not keep the attributes of a file.
func (n *nodes) isBare(x *node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return x.bare
}

// moved notes that a file has another name.
func (n *nodes) moved(file identity, parent *node, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if x := n.byFile[file]; x != nil && x.id != rootID {
		x.parent, x.name = parent, name
	}
}
