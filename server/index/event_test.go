package index

import (
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/effective"
)

// FuzzEvents: no line makes a state that refers to what it has not; half-known lines are
// refused.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"seq":1,"time":0,"start":{"format":1,"index":"x","rights":["read"]}}`),
		[]byte(`{"seq":2,"time":0,"person":{"number":0,"sid":"S-1-5-21-1-2-3-4","name":"a"}}`),
		[]byte(`{"seq":3,"time":0,"class":{"id":"c","version":"v","members":"0"}}`),
		[]byte(`{"seq":4,"time":0,"row":{"path":"/a/b","tree":"/a","classes":["c"]}}`))
	f.Add([]byte(`{"seq":1,"time":-1,"row":{"path":"/a]","tree":"/","folder":true,"classes":["x","]"],"pass":"p"}}`),
		[]byte(`{"seq":01,"time":9223372036854775808,"row":{"path":"/a","tree":"/","descriptor":"d","error":"e"}}`),
		[]byte(`{"seq":1,"time":9223372036854775807,"row":{"path":"\u003c","tree":"\xff","error":"e"}} `), []byte(`1`))
	f.Add([]byte(`{"seq":1,"time":0,"gone":"/a"}`), []byte(`{}`), []byte(`{"seq":1,"seq":1}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, a, b, c, d []byte) {
		s := newState()
		for _, line := range [][]byte{a, b, c, d} {
			e, err := ParseEvent(line)
			twin, failed := (&lineReader{}).event(line)
			if (err == nil) != (failed == nil) || !reflect.DeepEqual(e, twin) {
				t.Fatalf("%s: read in haste it is %+v, %v; want %+v, %v", line, twin, failed, e, err)
			}
			if err != nil {
				continue
			}
			before := s.seq
			if err := s.Apply(e); err != nil && s.seq != before {
				t.Fatalf("an event that was refused counts: %v", err)
			}
		}
		for _, r := range s.rows {
			for _, id := range r.Classes {
				if s.classes[id] == nil {
					t.Fatalf("%s is of no class", r.Path)
				}
			}
		}
	})
}

// FuzzChanges: no bytes from the kernel are read beyond their end.
func FuzzChanges(f *testing.F) {
	e := binary.NativeEndian.AppendUint32(nil, 24+20+4+8)
	e = append(e, unix.FANOTIFY_METADATA_VERSION, 0, 24, 0)
	e = binary.NativeEndian.AppendUint64(e, unix.FAN_CREATE)
	e = append(e, make([]byte, 8)...)
	e = append(e, unix.FAN_EVENT_INFO_TYPE_DFID_NAME, 0, 32, 0)
	e = append(e, make([]byte, 8)...)
	e = binary.NativeEndian.AppendUint32(e, 4)
	e = binary.NativeEndian.AppendUint32(e, 1)
	e = append(e, 1, 2, 3, 4)
	e = append(e, "plan\x00\x00\x00\x00"...)
	f.Add(e)
	f.Add(e[:40])
	if got, rest, err := nextEvent(e); err != nil || len(rest) > 0 || got.name != "plan" || got.kind != 1 ||
		!slices.Equal(got.handle, []byte{1, 2, 3, 4}) || got.mask != unix.FAN_CREATE {
		f.Fatalf("%+v %v", got, err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			_, rest, err := nextEvent(b)
			if err != nil {
				return
			}
			if len(rest) >= len(b) {
				t.Fatal("nothing was read")
			}
			b = rest
		}
	})
}

// TestRanges: what is written is read again, and nothing beyond the people.
func TestRanges(t *testing.T) {
	for _, c := range []struct {
		set  effective.Set
		want string
	}{{effective.Set{0}, ""}, {effective.Set{1}, "0"}, {effective.Set{0b1011}, "0-1,3"},
		{effective.Set{1 << 63, 1}, "63-64"}} {
		text := ranges(c.set)
		back, err := parseRanges(text, 64*len(c.set))
		if text != c.want || err != nil || !back.Equal(c.set) {
			t.Errorf("%b: %q, want %q; %v %v", c.set, text, c.want, back, err)
		}
	}
	for _, bad := range []string{"4", "1-4", "3-1", "-1", "1,,2", "x", "0-", "99999999999999999999", "1 "} {
		if s, err := parseRanges(bad, 4); err == nil {
			t.Errorf("%q: %b", bad, s)
		}
	}
}

// TestFresh: a source is fresh within the limit by both clocks, and never by a moment to
// come; what is not there is not fresh (N-9).
func TestFresh(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	f := &Fence{Boot: "b", Sources: map[string]Moment{"/srv": {start, time.Hour}, "old": {start, 0}}}
	for _, c := range []struct {
		name, source, boot string
		passed, up         time.Duration
		want               bool
	}{
		{"at once", "/srv", "b", 0, 0, true},
		{"at the limit", "/srv", "b", 10 * time.Second, 10 * time.Second, true},
		{"later", "/srv", "b", 11 * time.Second, 11 * time.Second, false},
		{"the clock was set back while the source hung", "/srv", "b", 3 * time.Second, time.Minute, false},
		{"the clock was set back further", "/srv", "b", -time.Hour, time.Minute, false},
		{"the clock was set forward", "/srv", "b", time.Hour, time.Second, false},
		{"it was started anew (N-82)", "/srv", "c", 5 * time.Second, -time.Minute, false},
		{"of another source", "/home", "b", 0, 0, false},
		{"without an uptime", "old", "b", 5 * time.Second, time.Hour, true},
	} {
		got := f.fresh(c.source, 10*time.Second, c.boot, Beat{start.Add(c.passed), time.Hour + c.up})
		if got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (&Fence{}).fresh("", time.Hour, "", Beat{}) {
		t.Error("a fence of nothing vouches")
	}
}

// TestRowsInHaste: a row as it is written is not left to the strict reader, and says the same.
func TestRowsInHaste(t *testing.T) {
	for _, row := range []RowEvent{
		{Path: "/srv/ein Plan für [alle], ja", Tree: "/srv", Classes: []string{"a", "b"}, Descriptor: "0f"},
		{Path: "/srv", Tree: "/srv", Folder: true, Classes: []string{"a]"}, Descriptor: "0f", Pass: "p"},
		{Path: "/srv/x", Tree: "/srv", Error: "permission denied"},
	} {
		want := &Event{Seq: 7, Time: 1763764078000000000, Row: &row}
		line, err := want.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		r := lineReader{}
		for range 2 { // what is kept is the same
			if got := r.row(line[:len(line)-1]); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v", line, got)
			}
		}
	}
}
