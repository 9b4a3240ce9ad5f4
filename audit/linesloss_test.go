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
	}{{read, "17"}, {audit.AuditsDiscarded(5, audit.Header{}), "5"}, {audit.LogRecovered(9), "1"}, {audit.LogFull(), "1"}} {
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
