package index

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestWrittenLinesAreParsed checks that written lines are parsed, also lines longer than a buffer. Control
// characters and unusual forms go to the strict parser, and the count of lines and the end of the
// last complete one are right.
func TestWrittenLinesAreParsed(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	var b bytes.Buffer
	for i, e := range []Event{{Start: &StartEvent{Format: 1, Index: "i", Rights: []string{"read"}}},
		{Person: &PersonEvent{0, alice, long}}, {Row: &RowEvent{Path: "/t/" + long, Tree: "/t", Error: "e"}},
		{Gone: "/t/" + long}} {
		e.Seq = uint64(i + 1)
		line := check.Must(e.append(nil))
		b.Write(line)
	}
	whole := int64(b.Len())
	b.WriteString(`{"seq":5,`)
	n, s := 0, newState()
	end, err := replay(&b, s, func(*Event) { n++ })
	check.That(t, err == nil && end == whole && n == 4 && s.people[0].Name == long && len(s.rows) == 0,
		"%d events to %d of %d, %v", n, end, whole, err)
	for line, plainly := range map[string]bool{
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                       true,
		"{\"seq\":7,\"time\":1,\"row\":{\"path\":\"/a\x1f\",\"tree\":\"/t\",\"error\":\"e\"}}": false,
		`{"seq":7,"time":1,"row":{"path":"/a\n","tree":"/t","error":"e"}}`:                     false,
		"{\"seq\":7,\"time\":1,\"row\":{\"path\":\"/a\xff\",\"tree\":\"/t\",\"error\":\"e\"}}": false,
		`{"seq":0,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                       false,
		`{"seq":07,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                      false,
		`{"seq":7,"time":-1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                      false,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}} `:                      false,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","classes":["a","b"]}}`:               true,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","classes":[]}}`:                      false,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","classes":["a",]}}`:                  false,
		`{"seq":7,"time":1,"row":{"tree":"/t","path":"/a"}}`:                                   false,
		`{"seq":7,"time":1,"gone":"/a"}`:                                                       false,
		`{"seq":7`:                                                                             false,
	} {
		if got := (&lineReader{}).row([]byte(line)); (got != nil) != plainly {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
	for what, line := range map[string]string{"the number 0": `{"seq":0,"time":1,"gone":"/a"}`,
		"no change": `{"seq":7,"time":1}`, "two changes": `{"seq":7,"time":1,"gone":"/a","directory":"v"}`} {
		if e, err := ParseEvent([]byte(line)); err == nil {
			t.Errorf("an event with %s is read as %+v, want an error", what, e)
		}
	}
}

// TestFastRowParserMatchesStrict checks that rows in our own form use the fast parser, with the same result.
func TestFastRowParserMatchesStrict(t *testing.T) {
	for _, row := range []RowEvent{
		{Path: "/srv/ein Plan für [alle], ja", Tree: "/srv", Classes: []string{"a", "b"}, Descriptor: "0f"},
		{Path: "/srv", Tree: "/srv", Folder: true, Classes: []string{"a]"}, Descriptor: "0f", Pass: "p"},
		{Path: "/srv/x", Tree: "/srv", Error: "permission denied"},
	} {
		want := &Event{Seq: 7, Time: 1763764078000000000, Row: &row}
		line := check.Must(want.append(nil))
		r := lineReader{}
		for range 2 { // interned values are equal
			check.DeepEqual(t, r.row(line[:len(line)-1]), want, "%s", line)
		}
	}
}
