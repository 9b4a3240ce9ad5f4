package ob_test

import (
	"github.com/refmon/refmon/internal/test/check"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
)

// TestCensusReportsLeakedObject checks that the census counts objects, handles and references, and reports an object
// that is still referenced.
func TestCensusReportsLeakedObject(t *testing.T) {
	var census ob.Census
	table := ob.NewTable(0)
	for range 3 {
		o := newObject(eventType, nil)
		census.Track(o)
		table.Insert(o, 1, 0)
		o.Deref(ob.TagCall)
	}
	if o, h, r := census.Counts(); o != 3 || h != 3 || r != 3 {
		t.Errorf("alive: %d objects, %d handles, %d references; want 3 of each", o, h, r)
	}
	leak, _, _ := table.Lookup(8, ob.TagSaved)
	visited := 0
	census.Visit(func(ob.Object) { visited++ })
	check.Equal(t, visited, 3, "objects visited")
	table.Drain()
	if got := census.Report(); len(got) != 1 || !strings.HasPrefix(got[0], "Event: handles 0, references 1") {
		t.Errorf("report %q, want the one event that is still referenced", got)
	}
	leak.Deref(ob.TagSaved)
	if o, _, _ := census.Counts(); o != 0 || len(census.Report()) != 0 {
		t.Error("a destroyed object is still listed, want an empty report")
	}
}
