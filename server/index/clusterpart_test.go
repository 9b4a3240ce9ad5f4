package index

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestClassOfAnotherIndexIsRejected checks that a class with a valid ID is rejected if it is of another index: with
// another share, mask, right, or folder policy (N-41).
func TestClassOfAnotherIndexIsRejected(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	const read = winnt.FILE_GENERIC_READ
	for name, c := range map[string]struct {
		class    Class
		traverse Traverse
		want     bool
	}{
		"its own":                   {NewClass(d, nil, "read", read, winnt.FileObject), "", true},
		"of another share":          {NewClass(d, d, "read", read, winnt.FileObject), "", false},
		"of another mask":           {NewClass(d, nil, "read", winnt.FILE_EXECUTE, winnt.FileObject), "", false},
		"of another right":          {NewClass(d, nil, "write", read, winnt.FileObject), "", false},
		"of a folder, always":       {NewPassing(d, false), TraverseAlways, true},
		"of holders, always":        {NewPassing(d, true), TraverseAlways, false},
		"of holders, by privilege":  {NewPassing(d, true), TraversePrivilege, true},
		"of a folder, by privilege": {NewPassing(d, false), TraversePrivilege, false},
		"of a folder, never":        {NewPassing(d, false), "", false},
	} {
		w := working(t, c.traverse)
		err := w.Define(definition(&c.class), 2)
		check.That(t, (err == nil) == c.want && (w.state.classes[c.class.ID] != nil) == c.want,
			"N-41: a class %s: %v", name, err)
		check.That(t, (w.Definition(c.class.ID) != nil) == (c.want && !c.class.Passing), "the definition of a class %s", name)
		w.Take()
		again := w.Define(definition(&c.class), 3)
		check.That(t, (again == nil) == c.want && w.Take() == nil, "a class %s, defined again: %v, or an event", name, again)
	}
}
