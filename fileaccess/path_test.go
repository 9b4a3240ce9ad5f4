package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
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
