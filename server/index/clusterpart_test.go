package index

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestClassOfAnotherIndexIsRejected checks that a class is rejected with another ID, or if it is of another index: with
// another share, mask, right, or folder policy (N-41).
func TestClassOfAnotherIndexIsRejected(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	const read = winnt.FILE_GENERIC_READ
	own, folder, holders := NewClass(d, nil, "read", read, winnt.FileObject), NewPassing(d, false), NewPassing(d, true)
	forged := own
	forged.Descriptor = Relevant(sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)"))
	wanted := NewClass(forged.Descriptor, nil, "read", read, winnt.FileObject).ID
	for name, c := range map[string]struct {
		class    Class
		traverse Traverse
		want     string // the error
	}{
		"its own":                   {own, "", ""},
		"with another's ID":         {forged, "", "the ID " + wanted},
		"of another share":          {NewClass(d, d, "read", read, winnt.FileObject), "", "the ID " + own.ID},
		"of another mask":           {NewClass(d, nil, "read", winnt.FILE_EXECUTE, winnt.FileObject), "", "the ID " + own.ID},
		"of another right":          {NewClass(d, nil, "write", read, winnt.FileObject), "", "not about the right write"},
		"of a folder, always":       {folder, TraverseAlways, ""},
		"of holders, always":        {holders, TraverseAlways, "the ID " + folder.ID},
		"of holders, by privilege":  {holders, TraversePrivilege, ""},
		"of a folder, by privilege": {folder, TraversePrivilege, "the ID " + holders.ID},
		"of a folder, never":        {folder, "", "does not test folders on the way"},
	} {
		w := firmWorker(t, c.traverse)
		good := c.want == ""
		err := w.Define(definition(&c.class), 2)
		check.That(t, good && err == nil || !good && err != nil && strings.HasSuffix(err.Error(), c.want),
			"N-41: a class %s: %v, want %q", name, err, c.want)
		check.Equal(t, w.state.classes[c.class.ID] != nil, good, "N-41: a class %s is known", name)
		check.That(t, (w.Definition(c.class.ID) != nil) == (good && !c.class.Passing), "the definition of a class %s", name)
		w.Take()
		again := w.Define(definition(&c.class), 3)
		check.That(t, (again == nil) == good && w.Take() == nil, "a class %s, defined again: %v, or an event", name, again)
	}
}
