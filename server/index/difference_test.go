package index

import (
	"reflect"
	"testing"
	"time"
)

// TestDifferences: each event changes, in the tables that hold what a view has, its own rows
// and no others: a document that is gone, or that can be read no more, loses its rows, a
// folder has none, a class tells whom it gained and whom it lost.
func TestDifferences(t *testing.T) {
	const first, second = "S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-1108"
	v := &View{newState()}
	row := func(e RowEvent) Event { return Event{Row: &e} }
	people := func(members string) Event {
		return Event{Class: &ClassEvent{ID: "c", Right: "read", Version: "v", Members: members}}
	}
	told := func(path string) []DocumentRow {
		return []DocumentRow{{Path: path, Tree: "/t", Right: "read", Class: "c", Descriptor: "d", Time: time.Unix(0, 5)}}
	}
	for i, c := range []struct {
		name string
		e    Event
		want Difference
	}{
		{"the start", Event{Start: &StartEvent{Format: 1, Index: "x", Rights: []string{"read"}}}, Difference{}},
		{"a person", Event{Person: &PersonEvent{Number: 0, SID: first, Name: "a"}}, Difference{}},
		{"another", Event{Person: &PersonEvent{Number: 1, SID: second, Name: "b"}}, Difference{}},
		{"a class", people("0"), Difference{Class: "c", Gained: []string{first}}},
		{"its people are others", people("1"), Difference{Class: "c", Gained: []string{second}, Lost: []string{first}}},
		{"a document", row(RowEvent{Path: "/t/a", Tree: "/t", Classes: []string{"c"}, Descriptor: "d"}),
			Difference{Documents: told("/t/a")}},
		{"another document", row(RowEvent{Path: "/t/b", Tree: "/t", Classes: []string{"c"}, Descriptor: "d"}),
			Difference{Documents: told("/t/b")}},
		{"it can be read no more", row(RowEvent{Path: "/t/a", Tree: "/t", Error: "permission denied"}),
			Difference{Gone: []string{"/t/a"}}},
		{"a document that goes", Event{Gone: "/t/b"}, Difference{Gone: []string{"/t/b"}}},
		{"another directory", Event{Directory: "w"}, Difference{}},
	} {
		c.e.Seq, c.e.Time = uint64(i+1), 5
		for k := range c.want.Documents {
			c.want.Documents[k].Seq = c.e.Seq
		}
		if got, err := v.Apply(&c.e); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}
