package bulk

import (
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// about reports whether an effective entry of a descriptor's DACL is about a class.
func about(d *sd.Descriptor, class winnt.GUID) bool {
	l := d.DACL()
	for _, x := range l.Entries() {
		extra := l.Extra(x.Aux)
		if extra != nil && extra.HasObjectType && x.Flags&sd.InheritOnly == 0 && extra.ObjectType == class {
			return true
		}
	}
	return false
}

// classTable remembers the GUIDs of classes by name. The zero value is empty. It belongs to one goroutine.
type classTable map[string]winnt.GUID

// maxClasses limits a classTable.
const maxClasses = 1 << 12

// of returns the class of an object, zero for an unknown one and for an entry without classes. The class is the root of
// the object types in a question (B-4). e may be nil.
func (t *classTable) of(e *objects.Entry) winnt.GUID {
	if e == nil || len(e.Classes) == 0 {
		return winnt.GUID{}
	}
	name := e.Classes[len(e.Classes)-1]
	g, ok := (*t)[name]
	if !ok {
		g = words.Class(name)
		if *t == nil || len(*t) >= maxClasses {
			*t = classTable{}
		}
		(*t)[name] = g
	}
	return g
}
