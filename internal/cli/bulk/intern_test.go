package bulk

import (
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
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
			k := table.find(7, pair[i%2], kind{typ: pair[i%2].Type}, table.limit)
			check.That(t, k.is(pair[i%2], kind{typ: pair[i%2].Type}), "pair %d: entry %d is that of another object", n, i)
			check.Equal(t, k.answer.CompareAndSwap(nil, &i), i < 2, "pair %d: entry %d has no answer", n, i)
		}
	}
}

// TestObjectsOfOneClassShareAnAnswer checks that equal descriptors of one class are decided once, and that an entry
// about a class counts for this class alone (B-4).
func TestObjectsOfOneClassShareAnAnswer(t *testing.T) {
	user := words.Class("user")
	var classes []winnt.GUID
	run := &Run{Directory: &directory.Directory{}}
	w := &worker[int, int]{run: run, also: alternatives{run: run}, near: newTable[outcome[int]](0).near(1)}
	w.ask.decide = func(x place) (int, bool, error) {
		classes = append(classes, x.class)
		return len(classes), true, nil
	}
	of := func(class string) int {
		o := &objects.Object{SD: []byte("D:(OA;;CC;" + user.String() + ";;BA)"), Form: objects.FormSDDL,
			Type: winnt.DirectoryServiceObject, Entry: &objects.Entry{Classes: []string{"top", class}}}
		return w.outcome(o).answer
	}
	got := []int{of("user"), of("group"), of("user"), of("group"), of("unknown")}
	check.SlicesEqual(t, got, []int{1, 2, 1, 2, 3}, "B-4: decisions for a user, a group, both again, and an unknown class")
	check.SlicesEqual(t, classes, []winnt.GUID{user, {}, {}}, "B-4: classes of the decisions")
}
