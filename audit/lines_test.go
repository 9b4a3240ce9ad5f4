package audit_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// If an announcement of lost records is itself lost, its count is added to the next one, even if it came from another
// log. A malformed announcement counts as one record (U-65).
func TestLostAnnouncementIsAddedToNext(t *testing.T) {
	read := check.Must(audit.ParseEvent(audit.AuditsDiscarded(17, audit.Header{}).AppendJSON(nil)))
	fields := func(id uint16) audit.Event { return audit.FromFields(audit.Header{ID: id}, texts(read)) }
	for _, c := range []struct {
		e    audit.Event
		want string
	}{
		{read, "17"}, {fields(4612), "17"}, {fields(4611), "1"}, {audit.AuditsDiscarded(5, audit.Header{}), "5"},
		{audit.LogRecovered(9), "1"}, {audit.LogFull(), "1"},
	} {
		w := &flaky{broken: true}
		l := audit.NewLines(w)
		check.RequireThat(t, l.Write(c.e) != nil && l.Lost() == 1, "Write gives no error, or Lost = %d, want 1", l.Lost())
		w.broken = false
		check.NoError(t, l.Write(audit.LogFull()))
		check.NoError(t, l.Write(audit.LogFull()))
		check.Equal(t, strings.Count(w.String(), "\n"), 3, "lines after an announcement, which is made once")
		first, _, _ := strings.Cut(w.String(), "\n")
		if e, err := audit.ParseEvent([]byte(first)); err != nil || e.ID != 4612 || field(t, e, "AuditsDiscarded") != c.want {
			t.Errorf("U-65: %s, want %s lost", first, c.want)
		}
	}
}

// short is a writer that accepts fewer bytes than it was given and returns no error.
type short struct{ lines []string }

func (s *short) Write(b []byte) (int, error) {
	s.lines = append(s.lines, string(b))
	return len(b) - 1, nil
}

// A partially written line counts as lost, and the error says so.
func TestPartialLineCountsAsLost(t *testing.T) {
	w := &short{}
	l := audit.NewLines(w)
	for range 2 {
		err := l.Write(numbered(""))
		check.That(t, errors.Is(err, io.ErrShortWrite), "%v, want %v", err, io.ErrShortWrite)
	}
	if l.Lost() != 2 || len(w.lines) != 2 || !strings.HasPrefix(w.lines[1], "\n{") ||
		!strings.Contains(w.lines[1], `"AuditsDiscarded":"1"`) {
		t.Errorf("%d lost, %q", l.Lost(), w.lines)
	}
}

// filler is a writer that writes more records to its sink, as if it were slow, until the sink's queue is full.
type filler struct {
	sink *audit.Lines
	err  error
}

func (f *filler) Write(b []byte) (int, error) {
	for f.err == nil {
		f.err = f.sink.Write(audit.LogFull())
	}
	return len(b), nil
}

// A record for which the queue has no room counts as lost.
func TestFullQueueCountsAsLost(t *testing.T) {
	f := &filler{}
	f.sink = audit.NewLines(f)
	check.NoError(t, f.sink.Write(audit.LogFull()))
	check.That(t, errors.Is(f.err, audit.ErrFull) && f.sink.Lost() == 1, "a full queue: %v, %d lost; want %v, 1 lost",
		f.err, f.sink.Lost(), audit.ErrFull)
}

func ExampleNewLines() {
	var out strings.Builder
	sink := audit.NewLines(&out)
	e := audit.PrivilegedService(audit.Origin{}, "Refmon Server", "Refmon", winnt.Privileges(winnt.SeTcbPrivilege),
		audit.Success)
	if err := sink.Write(e); err != nil {
		fmt.Println(err)
	}
	line, data, _ := strings.Cut(out.String(), `,"data":`)
	fmt.Println(strings.ReplaceAll(line, `,"`, ",\n\""))
	fmt.Println(strings.Contains(data, `"PrivilegeList":["SeTcbPrivilege"]`))
	// Output:
	// {"id":1,
	// "time":"1601-01-01T00:00:00Z",
	// "event":4673,
	// "version":0,
	// "outcome":"success",
	// "subcategory":"Sensitive Privilege Use",
	// "subcategory_guid":"{0CCE9228-69AE-11D9-BED3-505054503030}",
	// "computer":""
	// true
}
