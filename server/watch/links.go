package watch

// linkTable maps inodes to the names of their files in a tree, so that a change through one name
// reaches all of them (N-88). Names may be stale, so look each one up before use. The table has
// about one entry per file. A watch's goroutine owns it. Create it with [newLinkTable].
type linkTable struct {
	first map[uint64]string // the only name of most files
	// more has further names. A user can give a file millions of names, so a name must be found without a search.
	more  map[uint64]map[string]struct{}
	names int
	most  int // number of names at which stale ones are removed
}

// fewest is the minimum number of names before stale ones are removed.
const fewest = 1 << 16

// newLinkTable returns an empty table of hard links.
func newLinkTable() *linkTable {
	return &linkTable{first: map[uint64]string{}, more: map[uint64]map[string]struct{}{}, most: fewest}
}

// add records path as a name of an inode. It ignores inode 0, which stands for no number, and a name that is recorded
// already.
func (l *linkTable) add(inode uint64, path string) {
	if inode == 0 {
		return
	}
	first, known := l.first[inode]
	more := l.more[inode]
	_, repeated := more[path]
	switch {
	case !known:
		l.first[inode] = path
	case first == path || repeated:
		return
	default:
		if more == nil {
			more = map[string]struct{}{}
			l.more[inode] = more
		}
		more[path] = struct{}{}
	}
	l.names++
}

// of adds all known names of a file to the set into, given its inode. It adds nothing for an unknown inode. Names stay
// in the set that were there before.
func (l *linkTable) of(inode uint64, into map[string]struct{}) {
	if first, known := l.first[inode]; known {
		into[first] = struct{}{}
	}
	for path := range l.more[inode] {
		into[path] = struct{}{}
	}
}

// settle removes stale names from the table, once it has doubled in size. A name is stale if its path now has another
// inode. inodeAt returns the current inode of a path, 0 if there is none. Before the table has doubled, settle does
// nothing.
func (l *linkTable) settle(inodeAt func(path string) uint64) {
	if l.names < l.most {
		return
	}
	now := newLinkTable()
	keep := func(inode uint64, path string) {
		if inodeAt(path) == inode {
			now.add(inode, path)
		}
	}
	for inode, path := range l.first {
		keep(inode, path)
		for path := range l.more[inode] {
			keep(inode, path)
		}
	}
	now.most = max(fewest, 2*now.names)
	*l = *now
}
