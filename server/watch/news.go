package watch

// news collects the paths and inodes that events named, until their files are read. A watch's goroutine owns it.
type news struct {
	paths  map[string]struct{} // changed paths; a slash at the end includes all descendants
	left   map[string]struct{} // changed paths that a folder has left: it was moved, deleted or overwritten
	inodes map[uint64]struct{} // files whose attributes have changed
	// unnameable is the number of events in folders whose paths are too long for the kernel.
	unnameable int
}

// newNews returns an empty collection.
func newNews() *news {
	return &news{paths: map[string]struct{}{}, left: map[string]struct{}{}, inodes: map[uint64]struct{}{}}
}

// clear removes all paths and inodes. It keeps the count.
func (n *news) clear() {
	clear(n.paths)
	clear(n.left)
	clear(n.inodes)
}

// empty reports whether there is neither a path nor an inode.
func (n *news) empty() bool { return len(n.paths)+len(n.inodes) == 0 }
