package auditlog

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// frontier is the state of a growing tree: the roots of its perfect subtrees from left to right, one for each bit of
// its size (RFC 6962, section 2.1). The zero value is the empty tree.
type frontier struct {
	size   uint64
	hashes []tlog.Hash
}

// valid reports whether the tree has as many subtree roots as its size needs.
func (f *frontier) valid() bool { return len(f.hashes) == bits.OnesCount64(f.size) }

// add appends the leaf hash of one record to the tree.
func (f *frontier) add(leaf tlog.Hash) {
	h := leaf
	for s := f.size; s&1 == 1; s >>= 1 {
		last := len(f.hashes) - 1
		h = tlog.NodeHash(f.hashes[last], h)
		f.hashes = f.hashes[:last]
	}
	f.hashes = append(f.hashes, h)
	f.size++
}

// root returns the hash of the whole tree. For the empty tree that is SHA-256 of no bytes.
func (f *frontier) root() tlog.Hash {
	if len(f.hashes) == 0 {
		return sha256.Sum256(nil)
	}
	h := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.hashes[i], h)
	}
	return h
}

// clone returns a copy with its own hashes.
func (f *frontier) clone() frontier { return frontier{f.size, slices.Clone(f.hashes)} }

// equal reports whether both have the same number of records and the same hashes.
func (f *frontier) equal(g *frontier) bool {
	return f.size == g.size && slices.Equal(f.hashes, g.hashes)
}
