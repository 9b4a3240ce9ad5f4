package index

import (
	"fmt"
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
		if good {
			change := func(edit func(*ClassEvent)) *ClassEvent { e := definition(&c.class); edit(e); return e }
			for part, e := range map[string]*ClassEvent{
				"mask":    change(func(e *ClassEvent) { e.Mask = uint32(winnt.DELETE) }),
				"share":   change(func(e *ClassEvent) { e.Share = encoded(d) }),
				"holders": change(func(e *ClassEvent) { e.Holders = !e.Holders }),
			} {
				err := firmWorker(t, c.traverse).Define(e, 2)
				check.That(t, err != nil, "N-41: a class %s with another %s has its ID", name, part)
			}
		}
		again := w.Define(definition(&c.class), 3)
		check.That(t, (again == nil) == good && w.Take() == nil, "a class %s, defined again: %v, or an event", name, again)
	}
}

// TestDefinitionHasShare checks that a class that another machine defines is decided with its share, and that a class
// without its share is rejected (N-41).
func TestDefinitionHasShare(t *testing.T) {
	d, share := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)"), sddl.MustParse("O:BAG:SYD:(D;;FA;;;WD)")
	class := NewClass(d, share, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
	w := firmWorker(t, "")
	w.share = share
	w.Take()
	stripped := definition(&class)
	stripped.Share = ""
	check.That(t, w.Define(stripped, 2) != nil && w.Take() == nil, "N-41: a class without its share is accepted")
	check.NoError(t, w.Define(definition(&class), 2))
	events := w.Take()
	check.RequireThat(t, len(events) == 1 && events[0].Class != nil, "events %+v, want one of a class", events)
	check.Equal(t, events[0].Class.Members, "", "people whom the share denies")
	check.Equal(t, events[0].Class.Share, encoded(class.Share), "the share of the event")
}

// TestFolderIsDroppedAfterItsClasses drops more classes than one event can have. The folder's class is in the last
// event, because a class still names it before (N-83).
func TestFolderIsDroppedAfterItsClasses(t *testing.T) {
	w := firmWorker(t, TraverseAlways)
	folder := NewPassing(nil, false)
	w.state.classes[folder.ID] = &kind{Class: folder, number: 1}
	for n := range mostDropped {
		id := fmt.Sprint(n)
		w.state.classes[id] = &kind{Class: Class{ID: id, Through: []Class{folder}}, number: 2 + n}
	}
	w.Take()
	check.NoError(t, w.DropClasses(func(string) bool { return false }))
	check.That(t, len(w.Take()) == 2 && len(w.state.classes) == 0, "%d classes are left", len(w.state.classes))
}
