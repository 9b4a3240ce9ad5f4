package lint

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Masks that a directory's entries have and files' entries do not: all rights and the generic ones as a directory maps
// them, without SYNCHRONIZE.
const (
	directoryAll   = winnt.AccessMask(0xF01FF)
	directoryRead  = winnt.AccessMask(0x20094)
	directoryWrite = winnt.AccessMask(0x20028)
)

// OfDirectory guesses whether a descriptor is that of an Active Directory object: an entry names an object type, or has
// one of a directory's generic masks (B-57). It returns false for a descriptor without entries. An object type of zeros
// is ignored.
func OfDirectory(d *sd.Descriptor) bool {
	for _, l := range []*sd.ACL{d.DACL(), d.SACL()} {
		for _, a := range l.All() {
			if g, ok := a.ObjectType(); ok && g != (winnt.GUID{}) {
				return true
			}
			if g, ok := a.InheritedObjectType(); ok && g != (winnt.GUID{}) {
				return true
			}
		}
	}
	for _, a := range d.DACL().All() {
		switch a.Mask() {
		case directoryAll, directoryRead, directoryWrite:
			return true
		}
	}
	return false
}
