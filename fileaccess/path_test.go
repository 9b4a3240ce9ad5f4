package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// A denial reports the index of the component that caused it, or the number of components for the last name (F-22,
// F-23, F-26, F-27).
func TestStoppedAtIsIndexOfComponent(t *testing.T) {
	all := path("(A;;FA;;;WD)", "(A;;FA;;;WD)", "(A;;FA;;;WD)")
	at := func(i int, change func(*fileaccess.Component)) setup { return component(i, change) }
	for _, c := range []struct {
		name string
		do   setup
		want int
		rule string
	}{
		{"the first is missing", at(0, func(c *fileaccess.Component) { c.Exists = false }), 0, "F-22"},
		{"the second is a link", at(1, func(c *fileaccess.Component) { c.SymbolicLink = true }), 1, "F-22"},
		{"the third is not a directory", at(2, func(c *fileaccess.Component) { c.IsDirectory = false }), 2, "F-22"},
		{"the second cannot be traversed", at(1, func(c *fileaccess.Component) { c.Descriptor = aces(t, "empty") }), 1,
			"F-23"},
		{"the last name is missing", func(s *situation) { s.f.Object.Exists = false }, 3, "F-26"},
		{"the last name is not a directory", options(fileaccess.DirectoryFile), 3, "F-27"},
	} {
		d, _ := open(t, 1, all, always, c.do)
		check.That(t, !d.Allowed() && d.StoppedAt == c.want && d.Rule == c.rule,
			"%s: %v by %s, stopped at %d; want %s, stopped at %d", c.name, d.Status(), d.Rule, d.StoppedAt, c.rule, c.want)
	}
}

// The right to traverse does not include listing (F-24). A handle opened by id returns its name only with the right
// to traverse (F-25).
func TestTraverseDoesNotAllowListing(t *testing.T) {
	for _, c := range []struct {
		h    fileaccess.Handle
		op   fileaccess.Operation
		want ntstatus.Status
	}{
		// Listing needs a right of its own (F-24).
		{fileaccess.Handle{Granted: 0x20, Directory: true}, fileaccess.Enumerate, denied},
		{fileaccess.Handle{Granted: 1, Directory: true}, fileaccess.ChangeNotify, 0},
		// The name of a file opened by id needs the right to traverse (F-25).
		{fileaccess.Handle{Granted: 1, ByID: true}, fileaccess.QueryName, denied},
		{fileaccess.Handle{Granted: 0x20, ByID: true}, fileaccess.QueryName, 0},
		{fileaccess.Handle{Granted: 1}, fileaccess.QueryName, 0},
	} {
		check.Equal(t, c.h.May(c.op), c.want, "handle %+v: May(%v)", c.h, c.op)
	}
	if d, _ := open(t, 1, byID,
		func(s *situation) { noChangeNotify(s); twoDirs(s) }); d.Granted != 1 { // F-25: an open by id has no path
		t.Errorf("F-25: %v, granted %v; want granted 1", d.Status(), d.Granted)
	}
}
