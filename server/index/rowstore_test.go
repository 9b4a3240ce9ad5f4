package index_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// TestLastEventOfDocumentDecidesRow checks which events a batch accepts and what it makes of them: the last event of a
// document decides, an unreadable document is gone (N-5), and documents of other parts are left out (N-75).
func TestLastEventOfDocumentDecidesRow(t *testing.T) {
	row := func(seq uint64, path, err string, classes ...string) index.Event {
		return index.Event{Seq: seq, Row: &index.RowEvent{Path: path, Error: err, Classes: classes}}
	}
	start := func(seq, until uint64, rights ...string) index.Event {
		return index.Event{Seq: seq, Start: &index.StartEvent{Rights: rights, Until: until}}
	}
	for _, c := range []struct {
		name       string
		after      uint64
		restart    bool
		events     []index.Event
		rows, gone string
		message    string // of the error; "": none
	}{
		{"the last event decides", 4, false, []index.Event{row(5, "/a", "", "x"), row(6, "/a", "", "y"),
			row(7, "/b", "", "x"), {Seq: 8, Gone: "/b"}, row(9, "/0", "", "z")}, "/0=z /a=y", "/b", ""},
		{"unreadable", 4, false, []index.Event{row(5, "/a", "", "x"), row(6, "/a", "denied")}, "", "/a", ""},
		{"another part", 4, false, []index.Event{row(5, "/other", "", "x"), {Seq: 6, Gone: "/other"}}, "", "", ""},
		{"a beginning", 0, false, []index.Event{start(1, 0, "read"), row(2, "/a", "", "x")}, "/a=x", "", ""},
		{"a snapshot", 9, true, []index.Event{start(3, 4, "read"), row(4, "/a", "denied")}, "", "", ""},
		{"a snapshot without rows", 9, true, []index.Event{start(4, 4, "read")}, "", "", ""},
		{"no beginning", 0, false, []index.Event{row(1, "/a", "", "x")}, "", "", "begins once"},
		{"a second beginning", 4, false, []index.Event{start(5, 0, "read")}, "", "", "begins once"},
		{"a beginning in the middle", 0, false, []index.Event{start(2, 0, "read")}, "", "", "comes after"},
		{"other rights", 0, false, []index.Event{start(1, 0, "write")}, "", "", "the rights"},
		{"a gap", 4, false, []index.Event{row(6, "/a", "", "x")}, "", "", "comes after"},
		{"a repetition", 4, false, []index.Event{row(4, "/a", "", "x")}, "", "", "comes after"},
		{"no class", 4, false, []index.Event{row(5, "/a", "")}, "", "", "0 classes for 1"},
		{"two classes", 4, false, []index.Event{row(5, "/a", "", "x", "y")}, "", "", "2 classes for 1"},
		{"unreadable with a class", 4, false, []index.Event{row(5, "/a", "denied", "x")}, "", "", "1 classes"},
	} {
		own := func(path string) bool { return path != "/other" }
		b := index.NewRowBatch([]string{"read"}, own, index.Cursor{Seq: c.after})
		if c.restart {
			b.Restart()
		}
		var err error
		for i := range c.events {
			if err = b.Add(&c.events[i]); err != nil {
				break
			}
		}
		if (err != nil) != (c.message != "") || err != nil && !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v, want %q", c.name, err, c.message)
			continue
		}
		if err != nil {
			continue
		}
		var rows []string
		for range b.Documents {
			break // the range panics if Documents goes on
		}
		for d := range b.Documents {
			rows = append(rows, d.Path+"="+d.Class)
		}
		if got := strings.Join(rows, " "); got != c.rows || strings.Join(b.Gone(), " ") != c.gone {
			t.Errorf("%s: rows %q and gone %q, want %q and %q", c.name, got, b.Gone(), c.rows, c.gone)
		}
		if last := c.events[len(c.events)-1].Seq; b.Cursor.Seq != last {
			t.Errorf("%s: the batch ends with %d, want %d", c.name, b.Cursor.Seq, last)
		}
	}
}

// TestRowBatchMarksSnapshotPieces checks that batches between the beginning and the end of a snapshot are pieces, and
// later ones not. A batch has the announced classes of documents.
func TestRowBatchMarksSnapshotPieces(t *testing.T) {
	b := index.NewRowBatch([]string{"read"}, func(string) bool { return true }, index.Cursor{Message: 3, Seq: 4})
	for i, passing := range []bool{true, false} { // only documents have classes that a database knows
		e := index.ClassEvent{ID: fmt.Sprint("c", i), Passing: passing}
		check.NoError(t, b.Add(&index.Event{Seq: 5 + uint64(i), Class: &e}))
	}
	check.SlicesEqual(t, b.Classes(), []string{"c1"}, "announced classes")
	var got []bool
	note := func() { got = append(got, b.Piece, b.Begin, b.End) }
	note()
	b.Restart()
	note()
	b = b.Next()
	note()
	b.End = true
	note()
	b = b.Next()
	note()
	want := []bool{false, false, false, true, true, false, true, false, false, true, false, true, false, false, false}
	check.That(t, slices.Equal(got, want) && b.Cursor.Message == 3,
		"%v, want %v; message %d, want 3", got, want, b.Cursor.Message)
}
