package ob

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// SymbolicLinkType is the type of [SymbolicLink].
var SymbolicLinkType = &Type{ObjectType: winnt.SymbolicLinkObject}

// SymbolicLink is a named object that stands for another path.
type SymbolicLink struct {
	Header
	target string // immutable
}

// NewSymbolicLink makes an unnamed link with one reference (TagCall). target
// is an absolute path; a bad one is found out when the link is followed.
func NewSymbolicLink(target string, d *sd.Descriptor) *SymbolicLink {
	l := &SymbolicLink{target: target}
	l.Init(SymbolicLinkType, l, d)
	return l
}

// Target returns the path that the link stands for.
func (l *SymbolicLink) Target() string { return l.target }
