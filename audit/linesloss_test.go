package audit_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
)

// TestLinesForwardALoss: a record of lost ones that is itself lost is told of with its count, also
// when it was read from another log, and one that tells of no loss counts as one record (U-65).
func TestLinesForwardALoss(t *testing.T) {
	read, err := audit.ParseEvent(audit.AuditsDiscarded(17, audit.Header{}).AppendJSON(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e    audit.Event
		want string
	}{{read, "17"}, {audit.AuditsDiscarded(5, audit.Header{}), "5"}, {audit.LogRecovered(9), "1"}, {audit.LogFull(),
		"1"}} {
		w := &flaky{broken: true}
		l := audit.NewLines(w)
		if l.Write(c.e) == nil || l.Lost() != 1 {
			t.Fatalf("%d lost", l.Lost())
		}
		w.broken = false
		if err := l.Write(audit.LogFull()); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(w.String(), "\n")
		if e, err := audit.ParseEvent([]byte(first)); err != nil || e.ID != 4612 || field(t, e, "AuditsDiscarded") != c.want {
			t.Errorf("U-65: %s, want %s lost", first, c.want)
		}
	}
}

// TestWhoseNameAndTime: a record has the time of the log's clock, whatever it had, and the names of its own origin, if
// it
// has some.
func TestWhoseNameAndTime(t *testing.T) {
	log, sink := newLog(t, audit.HandleManipulation)
	from := origin(t)
	from.Names = census{}
	log.Write(audit.HandleClosed(from, reportFile).WithHeader(audit.Header{ID: 4658, Time: 1, Computer: "other",
		RecordID: 9}))
	log.Closed(from, reportFile, audit.HandleAudit{GenerateOnClose: true})
	for i, e := range sink.Drain() {
		if e.Time != clock() || e.Computer != "dc1" || e.RecordID != uint64(i+1) ||
			field(t, e, "SubjectUserName") != "name-"+userU.String() {
			t.Errorf("record %d: %+v, %s", i, e.Header, field(t, e, "SubjectUserName"))
		}
	}
}

// TestBytesOfTheQueue: a queue holds as many bytes as its limit, and not one more.
func TestBytesOfTheQueue(t *testing.T) {
	e := audit.HandleClosed(origin(t), reportFile)
	for _, c := range []struct{ limit, kept int }{{2 * e.Size(), 2}, {2*e.Size() - 1, 1}, {3*e.Size() - 1, 2},
		{3 * e.Size(), 3}} {
		m := audit.NewMemory(0, c.limit)
		for range 3 {
			_ = m.Write(e)
		}
		if m.Len() != c.kept || m.Dropped() != uint64(3-c.kept) {
			t.Errorf("U-66: %d bytes: %d kept, %d dropped, want %d", c.limit, m.Len(), m.Dropped(), c.kept)
		}
		m.Drain()
		if err := m.Write(e); err != nil {
			t.Errorf("U-66: %d bytes, all taken: %v", c.limit, err)
		}
	}
}
