package audit_test

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

func numbered(computer string) audit.Event {
	return audit.HandleClosed(audit.Origin{}, audit.Object{}).WithHeader(audit.Header{ID: 4658,
		Subcategory: audit.FileSystem, Computer: computer})
}

// UC-57, U-65, U-66: a full sink drops and counts records. A record with the number of lost ones precedes the first
// record stored afterwards.
func TestFullQueueDropsAndCounts(t *testing.T) {
	m := audit.NewMemory(3, 0)
	for i := range 8 {
		err := m.Write(numbered("dc1"))
		check.RequireThat(t, (i < 3) == (err == nil) && (err == nil || errors.Is(err, audit.ErrFull)),
			"record %d: %v", i, err)
	}
	check.RequireThat(t, m.Len() == 3 && m.Dropped() == 5, "U-66: %d stored, %d dropped, want 3, 5", m.Len(), m.Dropped())
	got := m.Drain()
	check.RequireThat(t, len(got) == 3 && m.Len() == 0 && m.Drain() == nil, "%d records, want 3 and then none", len(got))
	check.NoError(t, m.Write(numbered("dc2")))
	var events []audit.Event
	for e := range m.Events() {
		events = append(events, e)
	}
	check.RequireThat(t, len(events) == 2 && events[0].ID == 4612 && events[1].ID == 4658, "UC-57: %v", ids(events))
	if field(t, events[0], "AuditsDiscarded") != "5" || events[0].Computer != "dc2" || events[0].Task() != 12290 {
		t.Errorf("U-65: AuditsDiscarded %s", field(t, events[0], "AuditsDiscarded"))
	}
	check.Equal(t, m.Dropped(), 5, "records dropped since the sink was created")
	check.That(t, events[0].RecordID == 4 && events[1].RecordID == 5,
		"U-63: ids %d, %d, want 4, 5", events[0].RecordID, events[1].RecordID)
	err := m.Write(numbered(""))
	check.That(t, err == nil && m.Write(numbered("")) != nil, "the announcement takes room like any record")
	m.Drain()
	check.NoError(t, m.Write(numbered("")))
	check.Equal(t, field(t, m.Drain()[0], "AuditsDiscarded"), "1", "U-65: records lost since the first announcement")
}

func TestMemorySinkRejectsBeyondLimit(t *testing.T) {
	m := audit.NewMemory(0, 1000)
	big := audit.ObjectAccessed(audit.Origin{}, audit.Object{Name: strings.Repeat("x", 5000)}, 1, nil)
	check.That(t, m.Write(big) == nil && m.Write(big) != nil, "a record of any size fits an empty sink, and fills it")
	twice := audit.NewMemory(0, 15_000)
	for range 2 { // draining makes room for the bytes of every record
		check.NoError(t, twice.Write(big))
		check.NoError(t, twice.Write(big))
		twice.Drain()
	}
	var zero audit.Memory
	for range audit.DefaultRecords {
		check.NoError(t, zero.Write(numbered("")))
	}
	check.That(t, zero.Write(numbered("")) != nil, "U-66: the default limit is 8192 records")
	one := audit.NewMemory(1, 0)
	check.That(t, one.Write(numbered("")) == nil && one.Write(numbered("")) == nil && one.Write(numbered("")) != nil,
		"a limit of one is raised to two")
}

// U-63: with many writers ids strictly increase and nothing is lost.
func TestConcurrentWritesLoseNothing(t *testing.T) {
	var m audit.Memory
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				_ = m.Write(numbered(""))
			}
		})
	}
	wg.Wait()
	last := uint64(0)
	for e := range m.Events() {
		check.RequireThat(t, e.RecordID == last+1, "U-63: %d after %d, want %d", e.RecordID, last, last+1)
		last = e.RecordID
	}
	check.Equal(t, last, 2000, "records")
}

// flaky fails while broken is set, after writing part of the line if torn is.
type flaky struct {
	bytes.Buffer
	broken, torn bool
}

func (f *flaky) Write(p []byte) (int, error) {
	if f.broken && f.torn {
		n, _ := f.Buffer.Write(p[:5])
		return n, errBroken
	}
	if f.broken {
		return 0, errBroken
	}
	return f.Buffer.Write(p)
}

// U-63, U-65: lost lines are announced before the first stored one, and a torn line does not damage the next.
func TestLostLinesAreAnnounced(t *testing.T) {
	for _, torn := range []bool{false, true} {
		w := &flaky{torn: torn}
		l := audit.NewLines(w)
		write := func() error { return l.Write(numbered("dc1")) }
		check.NoError(t, write())
		w.broken = true
		for range 3 {
			err := write()
			check.RequireThat(t, errors.Is(err, errBroken), "the writer's error is %v, want %v", err, errBroken)
		}
		w.broken = false
		err := write()
		check.RequireThat(t, err == nil && l.Lost() == 3, "%v, lost %d, want nil, 3", err, l.Lost())
		var good []line
		for _, text := range strings.Split(strings.TrimSpace(w.String()), "\n") {
			if strings.HasSuffix(text, "}") {
				good = append(good, readLine(t, []byte(text)))
			}
		}
		check.RequireThat(t, len(good) == 3 && *good[1].Event == 4612 && stringOf(t, good[1].Data["AuditsDiscarded"]) == "3",
			"U-65 torn %v: %s", torn, w.String())
		for i, g := range good {
			check.Equal(t, *g.ID, uint64(i+1), "U-63: line %d has id", i)
		}
	}
}

// Many writers: every record becomes one line, ids in the order of lines.
func TestConcurrentWritesKeepOrderOfLines(t *testing.T) {
	var w bytes.Buffer // written to by one goroutine at a time, which -race checks
	l := audit.NewLines(&w)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 300 {
				_ = l.Write(numbered(""))
			}
		})
	}
	wg.Wait()
	text := strings.Split(strings.TrimSpace(w.String()), "\n")
	check.RequireThat(t, len(text) == 1200 && l.Lost() == 0, "%d lines, %d lost, want 1200, 0", len(text), l.Lost())
	for i, one := range text {
		got := readLine(t, []byte(one))
		check.RequireThat(t, *got.ID == uint64(i+1), "line %d has id %d, want %d", i, *got.ID, uint64(i+1))
	}
}

// script is a writer with a programmed result for each call.
type script struct {
	bytes.Buffer
	do []func(b []byte) (int, error)
}

func (s *script) Write(b []byte) (int, error) {
	if len(s.do) == 0 {
		return s.Buffer.Write(b)
	}
	f := s.do[0]
	s.do = s.do[1:]
	if f == nil {
		return s.Buffer.Write(b)
	}
	return f(b)
}

// A torn line stays separate from the next one, also if the next write fails without writing.
func TestTornLineIsSeparatedFromNext(t *testing.T) {
	s := &script{}
	part := func(n int) func(b []byte) (int, error) {
		return func(b []byte) (int, error) { s.Buffer.Write(b[:n]); return n, errors.New("no room") }
	}
	s.do = []func(b []byte) (int, error){part(10), part(0), nil}
	l := audit.NewLines(s)
	for i := range 3 {
		err := l.Write(numbered(""))
		check.That(t, (err == nil) == (i == 2), "write %d: %v", i, err)
	}
	lines := strings.Split(strings.TrimSuffix(s.String(), "\n"), "\n")
	check.RequireThat(t, len(lines) == 3 && len(lines[0]) == 10, "lines %q, want 3, the first of 10 bytes", lines)
	for _, line := range lines[1:] {
		_, err := audit.ParseEvent([]byte(line))
		check.That(t, err == nil, "%s: %v", line, err)
	}
}

// U-65: a failed announcement is repeated, with its count increased by one.
func TestFailedLossAnnouncementIsRepeated(t *testing.T) {
	s := &script{}
	l := audit.NewLines(s)
	lost := 0
	// While the first record is written, five more records arrive than the queue can hold.
	s.do = []func(b []byte) (int, error){func(b []byte) (int, error) {
		for range audit.DefaultRecords + 5 {
			if l.Write(numbered("")) != nil {
				lost++
			}
		}
		return s.Buffer.Write(b)
	}}
	err := l.Write(numbered(""))
	check.RequireThat(t, err == nil && lost == 5, "%v, %d lost, want nil, 5", err, lost)
	s.Buffer.Reset()
	s.do = []func(b []byte) (int, error){func([]byte) (int, error) { return 0, errors.New("no room") }}
	err = l.Write(numbered(""))
	check.RequireThat(t, err != nil || s.Len() != 0, "no write failed")
	check.NoError(t, l.Write(numbered("")))
	announced := 0
	for line := range strings.Lines(s.String()) {
		e := check.Must(audit.ParseEvent([]byte(strings.TrimSuffix(line, "\n"))))
		if e.ID == 4612 {
			announced += check.Must(strconv.Atoi(field(t, e, "AuditsDiscarded")))
		}
	}
	check.That(t, announced >= lost,
		"%d records were lost, %d are announced, want at least %d\n%s", lost, announced, lost, s.String())
}
