package index

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/winnt"
)

// TestAmbiguousNameRefersToNobody checks that a name shared by two or three people refers to nobody until only one has
// it, and that a former name refers to nobody (N-6).
func TestAmbiguousNameRefersToNobody(t *testing.T) {
	s := newState()
	check.NoError(t, s.Apply(&Event{Seq: 1, Start: &StartEvent{Rights: []string{"read"}}}))
	number := func(name string) int {
		if n, known := s.number(name); known {
			return n
		}
		return -1
	}
	for i, c := range []struct {
		person int
		name   string
		want   map[string]int
	}{
		{0, "ann", map[string]int{"ann": 0}}, {1, "bea", map[string]int{"ann": 0, "bea": 1}},
		{1, "ann", map[string]int{"ann": -1, "bea": -1}}, {2, "ann", map[string]int{"ann": -1}},
		{3, "ann", map[string]int{"ann": -1}}, {3, "dot", map[string]int{"ann": -1, "dot": 3}},
		{0, "eve", map[string]int{"ann": -1, "eve": 0}}, {0, "fay", map[string]int{"eve": -1, "fay": 0}},
		// If nobody has exactly the name, case does not matter.
		{0, "Fay", map[string]int{"fay": 0, "FAY": 0, "Dot": 3}}, {3, "FAY", map[string]int{"fay": -1, "Fay": 0, "FAY": 3}},
		{1, "bea", map[string]int{"BEA": 1}}, {2, "Ann", map[string]int{"ann": 2, "ANN": 2}},
		{0, "gil", map[string]int{"fay": 3, "Gil": 0}}, {3, "fay", map[string]int{"FAY": 3, "Fay": 3}},
		{3, "hal", map[string]int{"FAY": -1, "fay": -1}},
		{2, "S-1-5-21-1-2-3-1101", map[string]int{"S-1-5-21-1-2-3-1101": 1}}, // the SID of person 1
		// No other letter is an ASCII one: neither the Kelvin sign nor a dotted capital I.
		{0, "kim", map[string]int{"KIM": 0, "\u212aim": -1, "k\u0130m": -1}}, {3, "åse", map[string]int{"ÅSE": 3}},
	} {
		e := Event{Seq: uint64(i) + 2, Person: &PersonEvent{Number: c.person, Name: c.name,
			SID: fmt.Sprintf("S-1-5-21-1-2-3-%d", 1100+c.person)}}
		check.NoError(t, s.Apply(&e))
		for name, want := range c.want {
			check.Equal(t, number(name), want, "N-6: after %d is %s: %s", c.person, c.name, name)
		}
		check.Equal(t, number(e.Person.SID), c.person, "N-6: %s", e.Person.SID)
	}
}

// TestDanglingEventsAreRejected checks that an event with an unknown reference is an error that names it, and
// leaves the state unchanged. So is a row with both an error and classes (N-5).
func TestDanglingEventsAreRejected(t *testing.T) {
	start := &StartEvent{Format: 1, Index: "x", Rights: []string{"read"}}
	mask := uint32(winnt.FILE_GENERIC_READ)
	pass := definition(new(NewPassing(sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)"), false)))
	list := []Event{{Start: start}, {Person: &PersonEvent{0, alice, "alice"}}, {Person: &PersonEvent{1, bob, "bob"}},
		{Class: &ClassEvent{ID: "c", Right: "read", Mask: mask, Version: "v", Members: "0-1"}}, {Class: pass},
		{Row: &RowEvent{Path: "/t/a", Tree: "/t", Classes: []string{"c"}, Pass: pass.ID}},
		{Row: &RowEvent{Path: "/t/b", Tree: "/t", Error: "e"}}, {Directory: "v"}}
	s := newState()
	for i := range list {
		list[i].Seq = uint64(i + 1)
		check.NoError(t, s.Apply(&list[i]))
		consistent(t, fmt.Sprint("event ", i), s)
	}
	for name, c := range map[string]struct {
		e   Event
		why string
	}{
		"a gap":             {Event{Seq: 10, Gone: "/t/a"}, "event 10 comes after 8"},
		"twice":             {Event{Seq: 8, Gone: "/t/a"}, "event 8 comes after 8"},
		"another start":     {Event{Seq: 9, Start: start}, "an index begins once"},
		"a later start":     {Event{Seq: 20, Start: &StartEvent{Until: 30}}, "comes after 8"},
		"a number too many": {Event{Seq: 9, Person: &PersonEvent{3, carol, "carol"}}, "the next number is 2"},
		"another's number":  {Event{Seq: 9, Person: &PersonEvent{0, carol, "carol"}}, "the next number is 2"},
		"another's SID":     {Event{Seq: 9, Person: &PersonEvent{1, alice, "alice"}}, "the next number is 2"},
		"a class in use":    {Event{Seq: 9, Dropped: []string{"none", "c"}}, "1 of 2 dropped classes are in use"},
		"a second number":   {Event{Seq: 9, Person: &PersonEvent{2, alice, "alice"}}, "person 2"},
		"no SID":            {Event{Seq: 9, Person: &PersonEvent{2, "alice", "alice"}}, "event 9"},
		"no such member":    {Event{Seq: 9, Class: &ClassEvent{ID: "d", Members: "2"}}, "event 9"},
		"no folder's class": {Event{Seq: 9, Class: &ClassEvent{ID: "d", Through: []string{"c"}}}, "class d"},
		"a class's number":  {Event{Seq: 9, Class: &ClassEvent{ID: "c", Number: 2}}, "class c: number 2"},
		"no base64":         {Event{Seq: 9, Class: &ClassEvent{ID: "d", SD: "!"}}, "class d"},
		"no descriptor":     {Event{Seq: 9, Class: &ClassEvent{ID: "d", Share: "AAAA"}}, "class d"},
		"no class":          {Event{Seq: 9, Row: &RowEvent{Path: "/t/p", Classes: []string{"d"}}}, "/t/p: no class d"},
		"no pass": {Event{Seq: 9, Row: &RowEvent{Path: "/t/p", Classes: []string{"c"}, Pass: "d"}},
			"/t/p: no class d"},
		"two classes": {Event{Seq: 9, Row: &RowEvent{Path: "/t/p", Classes: []string{"c", "c"}}},
			"/t/p: 2 classes for 1"},
		"no classes": {Event{Seq: 9, Row: &RowEvent{Path: "/t/p"}}, "/t/p: 0 classes for 1"},
		"an unreadable document with readers": {Event{Seq: 9, Row: &RowEvent{Path: "/t/p", Error: "e",
			Classes: []string{"c"}}}, "/t/p: an unreadable document with 1 classes"},
	} {
		err := s.Apply(&c.e)
		check.That(t, err != nil && strings.Contains(err.Error(), c.why), "%s: %v, want %s", name, err, c.why)
		if s.seq != 8 || len(s.rows) != 2 || len(s.people) != 2 || len(s.classes) != 2 || s.version != "v" ||
			s.classes["c"].number != 1 {
			t.Errorf("%s: the state is another one", name)
		}
		consistent(t, name, s)
	}
	put := newState() // a log that was put together begins with a later number (N-22)
	for seq, good := range map[uint64]bool{7: true, 8: false} {
		event := Event{Seq: seq, Start: &StartEvent{Until: 7, Rights: []string{"read"}}}
		if err := newState().Apply(&event); (err == nil) != good {
			t.Errorf("N-22: it begins with %d of 7: %v", seq, err)
		}
	}
	// Outputs name the first right of each document.
	if err := put.Apply(&Event{Seq: 1, Start: &StartEvent{Format: 1}}); err == nil || put.start != nil ||
		!strings.Contains(err.Error(), "event 1: an index without rights") {
		t.Errorf("a start without rights: %v, want an error", err)
	}
	check.That(t, put.Apply(&Event{Seq: 1, Gone: "x"}) != nil, "a log begins without its start")
}

// TestClassNumbersAreNeverReused checks that classes keep their numbers when a compaction leaves out classes without
// documents, that a later class gets a number of none of these, and that a reader of all events gives a class that
// comes back its new number, as a reader of the compacted log does (N-131).
func TestClassNumbersAreNeverReused(t *testing.T) {
	w, all := firmWorker(t, ""), newState()
	file := func(path, who string) watch.Seen {
		return watch.Seen{Path: path, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + who + ")")}
	}
	apply := func() {
		t.Helper()
		for _, e := range w.Take() {
			check.NoError(t, all.Apply(&e))
		}
	}
	number := func(s *State, path string) int { return s.classes[s.rows[path].Classes[0]].number }
	report(t, w, file("/t/a", alice), file("/t/b", bob))
	apply()
	if a, b := number(w.state, "/t/a"), number(w.state, "/t/b"); a != 1 || b != 2 {
		t.Fatalf("the classes have the numbers %d and %d, want 1 and 2", a, b)
	}
	report(t, w, watch.Seen{Path: "/t/b", Gone: true})
	apply()
	check.NoError(t, check.Err(w.Compact(false)))
	report(t, w, file("/t/c", carol), file("/t/b", bob))
	apply()
	for path, want := range map[string]int{"/t/a": 1, "/t/c": 3, "/t/b": 4} {
		if got, same := number(w.state, path), number(all, path); got != want || same != want {
			t.Errorf("%s has a class with the number %d, to a reader of all events %d, want %d", path, got, same, want)
		}
	}
	for _, n := range []int{1, 4} {
		e := &Event{Seq: all.seq + 1, Class: &ClassEvent{ID: "new", Number: n}}
		check.That(t, all.Apply(e) != nil, "a new class with the number %d of another one is not an error", n)
	}
}
