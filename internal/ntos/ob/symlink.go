package ob

import (
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// SymbolicLinkType is the type of [SymbolicLink].
var SymbolicLinkType = &Type{ObjectType: winnt.SymbolicLinkObject}

// SymbolicLink is a named object that refers to another path.
type SymbolicLink struct {
	Header
	target string // immutable
}

// NewSymbolicLink makes an unnamed link with one reference (TagCall). target is an absolute path; "" refers to the
// root. A malformed target is an error only when the link is followed.
func NewSymbolicLink(target string, d *sd.Descriptor) *SymbolicLink {
	l := &SymbolicLink{target: strings.Clone(target)}
	l.Init(SymbolicLinkType, l, d)
	return l
}

// HeapSize returns the bytes of the target. It implements [Sized].
func (l *SymbolicLink) HeapSize() int { return len(l.target) }

// Target returns the path that the link refers to, which need not exist. It never changes.
func (l *SymbolicLink) Target() string { return l.target }
