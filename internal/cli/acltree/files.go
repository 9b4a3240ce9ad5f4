package acltree

import (
	"errors"
	"io/fs"
)

// Files opens the files of a tree. Paths have slashes, and "" is the root of the
// tree, which may be a single file.
type Files interface {
	// Hold opens a file, which the caller closes. It opens a link itself and does not follow it.
	Hold(path string) (Held, error)
	// List returns the children of a directory.
	List(path string) ([]fs.DirEntry, error)
}

// Held is an open file. Renames of its path do not affect it.
type Held interface {
	// Status returns the state of the file when it was opened.
	Status() Status
	// Attribute returns the value of an extended attribute. It returns nil without an error if the file does not have
	// it.
	Attribute(name string) ([]byte, error)
	// SetAttribute writes an extended attribute. A nil value removes it.
	SetAttribute(name string, value []byte) error
	// Close releases the file.
	Close()
}

// Kind says what a file is. The zero value is neither a file nor a directory,
// such as a link or a device, and has no descriptor.
type Kind uint8

// Kinds.
const (
	Other Kind = iota
	Regular
	Directory
)

// Status describes an open file.
type Status struct {
	Kind          Kind
	Device, Inode uint64
	Mode          uint32 // permission bits, set-uid, set-gid and sticky
	UID, GID      uint32
}

// ErrKind means that a path is neither a file nor a directory.
var ErrKind = errors.New("it is neither a file nor a directory; links are not followed")
