package main

import (
	"bytes"
	"crypto/sha256"
	"path/filepath"
	"strings"
	"sync"
)

// hashes is a set of texts by their hashes. The zero value is empty. It is safe for concurrent use.
type hashes struct {
	mu sync.Mutex
	// +checklocks:mu
	of map[[16]byte]struct{}
}

// add adds a text.
func (h *hashes) add(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = map[[16]byte]struct{}{}
	}
	h.of[textKey([]byte(text))] = struct{}{}
}

// has reports whether the set has a text.
func (h *hashes) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.of) == 0 {
		return false
	}
	_, is := h.of[textKey([]byte(text))]
	return is
}

// cleanPath returns one form for all spellings of a path: [cleanName] without a slash or backslash at the end. The
// result for the root is "".
func cleanPath(path string) string { return strings.TrimRight(cleanName(path), `/\`) }

// cleanName returns filepath.Clean of a path in which each element ".." is replaced by parent. So "link/../b" is not
// "b", because link may be a symbolic link to another folder.
func cleanName(path string) string {
	names := strings.Split(filepath.ToSlash(path), "/")
	for i := range names {
		if names[i] == ".." {
			names[i] = parent
		}
	}
	return filepath.Clean(strings.Join(names, "/"))
}

// parent stands for ".." in a result of [cleanName]. No file has this name.
const parent = "..\x00"

// key returns a hash that identifies a document by its id, a JSON string. Two spellings of one text have equal hashes.
func key(id []byte) (out [16]byte) {
	if bytes.IndexByte(id, '\\') >= 0 {
		return textKey([]byte(unquoted(id)))
	}
	return textKey(id[1 : len(id)-1])
}

// textKey returns the first half of the SHA-256 hash of a text.
func textKey(text []byte) (out [16]byte) {
	sum := sha256.Sum256(text)
	copy(out[:], sum[:])
	return out
}
