package words

import (
	"strings"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Entry says which object types an entry is limited to, by name or, without one,
// by GUID: "on member", "on member, for children of class group". It is "" for an
// entry that names none.
func Entry(a sd.ACE) string {
	var parts []string
	if g, ok := a.ObjectType(); ok && g != (winnt.GUID{}) {
		parts = append(parts, "on "+named(g, a.Mask()))
	}
	if g, ok := a.InheritedObjectType(); ok && g != (winnt.GUID{}) {
		parts = append(parts, "for children of class "+named(g, 0))
	}
	return strings.Join(parts, ", ")
}

// named returns the display name of a GUID in an entry with this mask, or the GUID as text if it has none.
func named(g winnt.GUID, mask winnt.AccessMask) string {
	if name := adrights.Name(g, mask); name != "" {
		return name
	}
	return g.String()
}
