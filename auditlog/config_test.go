package auditlog

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
)

// The defaults of a configuration, and the values it sets, field by field (U-71).
func TestConfigDefaultsFillUnsetFields(t *testing.T) {
	signer, _ := testKey(t)
	d := newMemDisk(t, "")
	c := Config{Dir: "x"}
	c.defaults()
	if own, is := c.disk.(folder); c.clock == nil || !is || own.dir != "x" || own.faults != nil {
		t.Errorf("no clock, or the disk %v", c.disk)
	}
	c.clock, c.disk = nil, nil
	if want := (Config{Dir: "x", SegmentBytes: 64 << 20, CheckpointRecords: 10_000, CheckpointEvery: 10 * time.Second,
		Keep: Keep{Archive: "archive"}}); !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, want %+v", c, want)
	}
	full := Config{Dir: "x", Mode: Relaxed, Keep: Keep{Bytes: 1, Age: 2, Full: Stop, Archive: "a"}, SegmentBytes: 3,
		Signers: []note.Signer{signer}, CheckpointRecords: 4, CheckpointEvery: 5, Computer: "c", disk: d}
	c = full
	c.clock = func() int64 { return 7 }
	if c.defaults(); c.clock() != 7 {
		t.Error("the clock was replaced")
	}
	if c.clock = nil; !reflect.DeepEqual(c, full) {
		t.Errorf("%+v, want %+v", c, full)
	}
	c = Config{SegmentBytes: -1, CheckpointEvery: -1}
	if c.defaults(); c.SegmentBytes != 64<<20 || c.CheckpointEvery != 10*time.Second {
		t.Errorf("negative values became %+v, want segments of %d bytes and a checkpoint every %v", c, 64<<20,
			10*time.Second)
	}
	before := time.Now()
	at := time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	if got := Now()/10_000_000 + at; got < before.Unix()-1 || got > time.Now().Unix()+1 {
		t.Errorf("the clock of records is at %d, want %d", got, before.Unix())
	}
}

// TestSyncModeSelectsDurableEvents checks that in mode Sync each record waits for the disk, and in mode Relaxed all
// except those of successful object accesses (U-60).
func TestSyncModeSelectsDurableEvents(t *testing.T) {
	accesses := []uint16{4656, 4658, 4660, 4661, 4662, 4663, 4690}
	for id := range uint16(10_000) {
		for _, outcome := range []audit.Outcome{audit.Success, audit.Failure} {
			e := audit.Event{Header: audit.Header{ID: id, Outcome: outcome}}
			testcheck.That(t, Sync.durable(&e), "sync: event %d, %v, does not wait", id, outcome)
			want := outcome == audit.Failure || !slices.Contains(accesses, id)
			testcheck.Equal(t, Relaxed.durable(&e), want, "relaxed: event %d, %v: waits", id, outcome)
		}
	}
	for m, want := range map[Mode]string{Sync: "sync", Relaxed: "relaxed"} {
		testcheck.Equal(t, m.String(), want, "mode %d", m)
	}
}
