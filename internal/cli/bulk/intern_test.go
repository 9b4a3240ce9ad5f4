package bulk

import (
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestReturningEntryKeepsItsAnswer checks that an entry that returns to the young generation keeps its answer, and is
// that of the same descriptor in the same form, of the same type and behind the same folders.
func TestReturningEntryKeepsItsAnswer(t *testing.T) {
	way := new(objects.Ways).With(nil, sddl.MustParse("D:"))
	all := []*objects.Object{{SD: []byte("D:"), Form: objects.FormSDDL, Way: way, Type: winnt.KeyObject},
		{SD: []byte("D:"), Form: objects.FormSDDL, Type: winnt.KeyObject}, {SD: []byte("D:"), Form: objects.FormSDDL}}
	all = append(all, &objects.Object{SD: all[0].SD})
	for n := range len(all) - 1 {
		pair, table := all[n:n+2], newTable[int](0)
		for i := range 4 { // each entry fills a generation
			k := table.find(7, pair[i%2], pair[i%2].Type, table.limit)
			check.That(t, k.is(pair[i%2], pair[i%2].Type), "pair %d: entry %d is that of another object", n, i)
			check.Equal(t, k.answer.CompareAndSwap(nil, &i), i < 2, "pair %d: entry %d has no answer", n, i)
		}
	}
}
