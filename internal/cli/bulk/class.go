package bulk

import (
	"slices"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// classTable remembers which object types are classes, and the GUIDs of classes by name. The zero value is empty. It
// belongs to one goroutine.
type classTable struct {
	isClass map[winnt.GUID]bool
	byName  map[string]winnt.GUID
}

// maxClasses limits each map of a classTable.
const maxClasses = 1 << 12

// of returns the class of an object if an entry of its DACL is about it, else zero. The class is then the root of the
// object types in a question (B-4). any reports whether an entry is about any class. e may be nil.
func (t *classTable) of(d *sd.Descriptor, e *objects.Entry) (class winnt.GUID, any bool) {
	l := d.DACL()
	var own winnt.GUID
	for _, x := range l.Entries() {
		extra := l.Extra(x.Aux)
		if extra == nil || !extra.HasObjectType || x.Flags&sd.InheritOnly != 0 || !t.known(extra.ObjectType) {
			continue
		}
		if !any && e != nil && len(e.Classes) > 0 {
			own = t.named(e.Classes[len(e.Classes)-1])
		}
		any = true
		if extra.ObjectType == own {
			class = own
		}
	}
	return class, any
}

// known reports whether a GUID is that of a class.
func (t *classTable) known(g winnt.GUID) bool {
	is, ok := t.isClass[g]
	if !ok {
		is = slices.ContainsFunc(adrights.ByGUID(g), func(e adrights.Entry) bool { return e.Kind == adrights.Class })
		if t.isClass == nil || len(t.isClass) >= maxClasses {
			t.isClass = map[winnt.GUID]bool{}
		}
		t.isClass[g] = is
	}
	return is
}

// named returns the GUID of a class by its name, zero for an unknown one.
func (t *classTable) named(name string) winnt.GUID {
	g, ok := t.byName[name]
	if !ok {
		g = words.Class(name)
		if t.byName == nil || len(t.byName) >= maxClasses {
			t.byName = map[string]winnt.GUID{}
		}
		t.byName[name] = g
	}
	return g
}
