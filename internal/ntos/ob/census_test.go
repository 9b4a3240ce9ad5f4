package ob_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestCensusReportsLeakedObject checks that the census counts objects, handles and references, and reports an object
// that is still referenced.
func TestCensusReportsLeakedObject(t *testing.T) {
	var census ob.Census
	table := ob.NewTable(0)
	const made, closed = 256, 64 // so that lists have several objects, and lose some at each end
	for range made {
		o := newObject(eventType, nil)
		census.Track(o)
		table.Insert(o, 1, 0)
		o.Deref(ob.TagCall)
	}
	for i := range closed {
		check.Success(t, table.Close(winnt.Handle(4*(i+1)))|table.Close(winnt.Handle(4*(made-i))))
	}
	const left = made - 2*closed
	if o, h, r := census.Counts(); o != left || h != left || r != left {
		t.Errorf("alive: %d objects, %d handles, %d references; want %d of each", o, h, r, left)
	}
	leak, _, _ := table.Lookup(4*made/2, ob.TagSaved)
	check.That(t, slices.IsSorted(census.Report()), "the report %q is not sorted", census.Report())
	visited := 0
	census.Visit(func(ob.Object) { visited++ })
	check.Equal(t, visited, left, "objects visited")
	table.Drain()
	if got := census.Report(); len(got) != 1 || !strings.HasPrefix(got[0], "Event: handles 0, references 1") {
		t.Errorf("report %q, want the one event that is still referenced", got)
	}
	leak.Deref(ob.TagSaved)
	if o, _, _ := census.Counts(); o != 0 || len(census.Report()) != 0 {
		t.Error("a destroyed object is still listed, want an empty report")
	}
}
