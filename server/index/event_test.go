package index

import (
	"reflect"
	"slices"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// FuzzEvents checks that no line leads to a state with dangling references, and that incomplete
// lines are rejected.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"seq":1,"time":0,"start":{"format":1,"index":"x","rights":["read"]}}`),
		[]byte(`{"seq":2,"time":0,"person":{"number":0,"sid":"S-1-5-21-1-2-3-4","name":"a"}}`),
		[]byte(`{"seq":3,"time":0,"class":{"id":"c","version":"v","members":"0"}}`),
		[]byte(`{"seq":4,"time":0,"row":{"path":"/a/b","tree":"/a","classes":["c"]}}`))
	f.Add([]byte(`{"seq":1,"time":-1,"row":{"path":"/a]","tree":"/","folder":true,"classes":["x","]"],"pass":"p"}}`),
		[]byte(`{"seq":01,"time":9223372036854775808,"row":{"path":"/a","tree":"/","descriptor":"d","error":"e"}}`),
		[]byte(`{"seq":1,"time":9223372036854775807,"row":{"path":"\u003c","tree":"\xff","error":"e"}} `), []byte(`1`))
	f.Add([]byte(`{"seq":1,"time":0,"gone":"/a"}`), []byte(`{"seq":1,"start":null}`), []byte(`{"seq":1,"seq":1}`),
		[]byte(`null`))
	f.Fuzz(func(t *testing.T, a, b, c, d []byte) {
		s := newState()
		for _, line := range [][]byte{a, b, c, d} {
			e, err := ParseEvent(line)
			twin, failed := (&lineReader{}).event(line)
			check.RequireThat(t, (err == nil) == (failed == nil) && reflect.DeepEqual(e, twin),
				"%s: fast parser = %+v, %v, want %+v, %v", line, twin, failed, e, err)
			if err != nil {
				continue
			}
			before := s.seq
			if err := s.Apply(e); err != nil && s.seq != before {
				t.Fatalf("a rejected event (%v) changed the sequence number", err)
			}
		}
		for _, r := range s.rows {
			for _, id := range r.Classes {
				check.RequireThat(t, s.classes[id] != nil, "%s is of no class", r.Path)
			}
		}
	})
}

// TestRangesParseToTheSameSet checks that formatted ranges parse to the same set, and that numbers beyond the people
// are errors.
func TestRangesParseToTheSameSet(t *testing.T) {
	for _, c := range []struct {
		set  effective.Set
		want string
	}{{effective.Set{0}, ""}, {effective.Set{1}, "0"}, {effective.Set{0b1011}, "0-1,3"},
		{effective.Set{1 << 63, 1}, "63-64"}, {effective.Set{1 << 63}, "63"}} {
		text := ranges(c.set)
		back, err := parseRanges(text, 64*len(c.set))
		check.That(t, text == c.want && err == nil && back.Equal(c.set),
			"%b: %q, want %q; %v %v", c.set, text, c.want, back, err)
	}
	for _, bad := range []string{"4", "1-4", "3-1", "-1", "1,,2", "x", "0-", "99999999999999999999", "1 "} {
		if s, err := parseRanges(bad, 4); err == nil {
			t.Errorf("%q: %b", bad, s)
		}
	}
}

// TestLongListOfPeopleIsEmpty checks the limit of the SIDs of single people in an event (N-4).
func TestLongListOfPeopleIsEmpty(t *testing.T) {
	most := (4 << 20) / len(`"",`+alice)
	people := slices.Repeat([]sid.SID{sid.MustParse(alice)}, most+1)
	check.Equal(t, len(listed(people[:most])), most, "SIDs of at most 4 MiB")
	check.That(t, listed(people) == nil, "SIDs of more than 4 MiB are listed")
}
