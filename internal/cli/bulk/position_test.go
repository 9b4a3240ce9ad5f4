package bulk

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// numbered is a position whose numbers are all different, from first on.
func numbered(first int64) (p Position) {
	v := reflect.ValueOf(&p).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(first + int64(i)*int64(i))
	}
	return p
}

// TestResumedCountsAddUp checks that each count of a resumed run is the sum of both parts. The input position is that
// of the second part, unless it had nothing to read.
func TestResumedCountsAddUp(t *testing.T) {
	p, q := numbered(1000), numbered(7)
	want := Position{}
	v := reflect.ValueOf(&want).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(reflect.ValueOf(p).Field(i).Int() + reflect.ValueOf(q).Field(i).Int())
	}
	want.Offset, want.Lines = q.Offset, q.Lines
	was := p
	check.Equal(t, p.Plus(q), want, "both parts")
	check.Equal(t, p, was, "first part afterwards")
	q.Offset = 0
	want.Offset, want.Lines = p.Offset, p.Lines
	check.Equal(t, p.Plus(q), want, "nothing left to read")
	check.Equal(t, (Position{}).Plus(p), p, "from the beginning")
}

// A batch adds its counts. The first error, stale path and SID are kept. The input position is that of the last
// batch, even if it has none.
func TestBatchCountsAddUp(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	s := Summary{Position: numbered(1000)}
	parts := []Summary{{Position: numbered(1)}, {Position: numbered(30), FirstError: one, FirstStale: "a"},
		{Position: numbered(500), FirstError: two, FirstStale: "b", FirstUnmapped: "c"}, {FirstUnmapped: "d"}}
	for i := range parts {
		want := s
		want.Position = s.Plus(parts[i].Position)
		want.Offset, want.Lines = parts[i].Offset, parts[i].Lines
		want.FirstError, want.FirstStale, want.FirstUnmapped = []error{nil, one, one, one}[i], []string{"", "a", "a", "a"}[i],
			[]string{"", "", "c", "c"}[i]
		if s.add(&parts[i]); fmt.Sprintf("%+v", s) != fmt.Sprintf("%+v", want) {
			t.Errorf("part %d: got  %+v\nwant %+v", i, s, want)
		}
	}
}

// Each remark of the source has its count. Of stale and unreadable objects the first is named.
func TestRemarksOfTheSourceAreCounted(t *testing.T) {
	var b box[none]
	for i, note := range []objects.Note{objects.NoteStale, 0, objects.NoteStale, objects.NoteStale,
		objects.NoteUnverified, objects.NoteUnverified, objects.NoteNoDACL} {
		o := &objects.Object{Path: fmt.Append(nil, "/", i), Note: note}
		b.note(o)
		b.fail(o, errors.New("broken"))
	}
	s := &b.sum
	check.That(t, s.Stale == 3 && s.FirstStale == "/0" && s.Unverified == 2 && s.NoDACL == 1 && s.Unreadable == 7 &&
		s.FirstError.Error() == "/0: broken", "%+v, want 3 stale objects, /0 first, 2 unverified, 1 without DACL", s)
}

// An object of a directory without a class is counted, and the first is named. Files and rows without attributes are
// not (B-56).
func TestObjectsWithoutClassAreCounted(t *testing.T) {
	var s Summary
	s.Observe(winnt.FileObject, &objects.Entry{}, "/file")
	s.Observe(winnt.DirectoryServiceObject, nil, "none")
	s.Observe(winnt.DirectoryServiceObject, &objects.Entry{Classes: []string{"user"}}, "user")
	s.Observe(winnt.DirectoryServiceObject, &objects.Entry{}, "first")
	s.Observe(winnt.DirectoryServiceObject, &objects.Entry{}, "second")
	var sum Summary
	sum.add(&s)
	sum.add(&s)
	check.That(t, sum.Classless == 4 && sum.FirstClassless == "first",
		"%d, the first %q, want 4 and first", sum.Classless, sum.FirstClassless)
}
