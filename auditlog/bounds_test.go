package auditlog

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/audit"
)

// TestDefaults: what a configuration leaves out, and what it says, field by field (U-71).
func TestDefaults(t *testing.T) {
	signer, _ := testKey(t)
	d := newMemDisk(t, "")
	c := Config{Dir: "x"}
	c.defaults()
	if c.clock == nil || c.disk != (folder{"x"}) {
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
		t.Errorf("negative ones: %+v", c)
	}
	before := time.Now()
	at := time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	if got := Now()/10_000_000 + at; got < before.Unix()-1 || got > time.Now().Unix()+1 {
		t.Errorf("the clock of records is at %d, want %d", got, before.Unix())
	}
}

// TestDurableEvents: under Sync each record waits for the disk; under Relaxed all do but successful accesses to
// objects (U-60).
func TestDurableEvents(t *testing.T) {
	accesses := []uint16{4656, 4658, 4660, 4661, 4662, 4663, 4690}
	for id := range uint16(10_000) {
		for _, outcome := range []audit.Outcome{audit.Success, audit.Failure} {
			e := audit.Event{Header: audit.Header{ID: id, Outcome: outcome}}
			if !Sync.durable(&e) {
				t.Errorf("sync: event %d, %v, does not wait", id, outcome)
			}
			want := outcome == audit.Failure || !slices.Contains(accesses, id)
			if got := Relaxed.durable(&e); got != want {
				t.Errorf("relaxed: event %d, %v: waits %t, want %t", id, outcome, got, want)
			}
		}
	}
	for m, want := range map[Mode]string{Sync: "sync", Relaxed: "relaxed"} {
		if got := m.String(); got != want {
			t.Errorf("mode %d is %q, want %q", m, got, want)
		}
	}
}

// keeping is a log of several segments that was closed, and what the next opening finds: its size with the record of
// the start. Each record is an hour later than the one before.
func keeping(t *testing.T, pad int) (d *memDisk, cfg Config, total int64) {
	t.Helper()
	d = newMemDisk(t, "")
	cfg = testConfig(t, d)
	now := int64(100 * hour)
	cfg.clock = func() int64 { return now }
	cfg.SegmentBytes, cfg.CheckpointEvery = 3_000, time.Hour
	l := mustOpen(t, cfg)
	for i := range 40 {
		e := opened(t, audit.Failure, "report"+strings.Repeat("x", pad*(i/39)))
		e.Time = now + int64(i)*hour
		if err := l.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.SegmentBytes = 1 << 20
	again := d.crash(func(int) int { return 0 })
	cfg.disk = again
	l = mustOpen(t, cfg)
	for _, first := range segmentsOf(t, again) {
		total += int64(len(again.now[segmentName(first)].data))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return d, cfg, total
}

// opening opens a copy of a log as configured, and returns the segments and the records that it then has behind
// those it had, and whether one was moved.
func opening(t *testing.T, d *memDisk, cfg Config) (firsts []uint64, added []audit.Event, moved bool, err error) {
	t.Helper()
	copied := d.crash(func(int) int { return 0 })
	cfg.disk = copied
	had := recordsOf(t, d)
	l, err := Open(cfg)
	if err == nil {
		defer l.Close()
	}
	firsts, bad := segments(copied)
	if bad != nil {
		t.Fatal(bad)
	}
	for name := range copied.now {
		moved = moved || strings.HasSuffix(name, "/"+segmentName(1))
	}
	return firsts, recordsOf(t, copied, uint64(len(had)+1)), moved, err
}

// TestKeepBytes: a log may have as many bytes as it is given, and at one more its oldest segment goes, is moved, or
// the log stops; at ninety percent it warns where it moves or stops (U-67).
func TestKeepBytes(t *testing.T) {
	_, _, bare := keeping(t, 0)
	pad := int((90 - bare%90) % 90) // to a number of bytes that is ninety percent of another
	d, cfg, total := keeping(t, pad)
	if total%90 != 0 {
		t.Fatalf("%d bytes with %d more", total, pad)
	}
	all := segmentsOf(t, d)
	for _, c := range []struct {
		name  string
		keep  Keep
		first uint64   // that is left
		added []uint16 // records
		err   error
	}{
		{"no bound", Keep{}, 1, []uint16{4608}, nil},
		{"overwrite, full", Keep{Bytes: total}, 1, []uint16{4608}, nil},
		{"overwrite, a byte too many", Keep{Bytes: total - 1}, all[1], []uint16{4608, 64049}, nil},
		{"archive, full", Keep{Bytes: total, Full: Archive}, 1, []uint16{4608, 1103}, nil},
		{"archive, a byte too many", Keep{Bytes: total - 1, Full: Archive, Archive: "old"}, all[1],
			[]uint16{4608, 1103, 1105}, nil},
		{"stop, full", Keep{Bytes: total, Full: Stop}, 1, []uint16{4608, 1103}, nil},
		{"stop, a byte too many", Keep{Bytes: total - 1, Full: Stop}, 1, []uint16{1104}, ErrStopped},
		{"archive, ninety percent", Keep{Bytes: total / 90 * 100, Full: Archive}, 1, []uint16{4608, 1103}, nil},
		{"archive, less", Keep{Bytes: total/90*100 + 100, Full: Archive}, 1, []uint16{4608}, nil},
		{"stop, ninety percent", Keep{Bytes: total / 90 * 100, Full: Stop}, 1, []uint16{4608, 1103}, nil},
		{"stop, less", Keep{Bytes: total/90*100 + 100, Full: Stop}, 1, []uint16{4608}, nil},
		{"overwrite, ninety percent", Keep{Bytes: total / 90 * 100}, 1, []uint16{4608}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := cfg
			cfg.Keep = c.keep
			firsts, events, moved, err := opening(t, d, cfg)
			var added []uint16
			for _, e := range events {
				added = append(added, e.ID)
			}
			if !errors.Is(err, c.err) || !slices.Equal(added, c.added) || firsts[0] != c.first ||
				!slices.Equal(firsts, all[slices.Index(all, c.first):]) {
				t.Errorf("%v: segments %d, records %d; want %d from %d on, %d, %v", err, firsts, added, all, c.first,
					c.added, c.err)
			}
			for _, e := range events {
				fields := map[uint16]string{1103: fmt.Sprintf("PercentFull=%d", total*100/max(c.keep.Bytes, 1)),
					1105:  "BackupPath=old/audit-0000000000000001.log",
					64049: fmt.Sprintf("FirstRecordId=1 LastRecordId=%d", all[1]-1)}[e.ID]
				for _, f := range strings.Fields(fields) {
					name, want, _ := strings.Cut(f, "=")
					if got, _ := e.Field(name); got != want {
						t.Errorf("event %d: %s is %q, want %q", e.ID, name, got, want)
					}
				}
				if e.Time != cfg.clock() {
					t.Errorf("event %d has the time %d, want %d", e.ID, e.Time, cfg.clock())
				}
			}
			if moved != slices.Contains(c.added, 1105) {
				t.Errorf("moved to the archive: %t", moved)
			}
		})
	}
	bytes := total / 90 * 100
	cfg.Keep = Keep{Bytes: bytes, Full: Archive} // the warning comes again after four hours, not before
	at := cfg.clock()
	now := at
	cfg.clock, cfg.disk = func() int64 { return now }, d
	l := mustOpen(t, cfg)
	defer l.Close()
	for _, c := range []struct {
		after int64
		want  int
	}{{1, 1}, {4*hour - 1, 1}, {4 * hour, 2}} {
		now = at + c.after
		if err := l.Write(audit.LogFull()); err != nil { // a short one
			t.Fatal(err)
		}
		warned := 0
		for _, e := range recordsOf(t, d, 43) {
			if e.ID == 1103 {
				warned++
			}
		}
		if warned != c.want {
			t.Errorf("%d after the first warning there are %d, want %d", c.after, warned, c.want)
		}
	}
}

// TestKeepAge: a segment goes when the first record of the next one is older than the age, and not when it is as old;
// what no checkpoint commits to stays, however old (U-67, U-71).
func TestKeepAge(t *testing.T) {
	d, cfg, _ := keeping(t, 0)
	all := segmentsOf(t, d)
	times := map[uint64]int64{}
	for _, e := range recordsOf(t, d) {
		times[e.RecordID] = e.Time
	}
	cfg.Keep.Age = 5 * time.Hour
	for i, first := range all[1:] { // the record that ended the segment before
		for late := range int64(2) {
			now := times[first] + 5*hour + late
			cfg.clock = func() int64 { return now }
			firsts, _, _, err := opening(t, d, cfg)
			if want := all[i+int(late):]; err != nil || !slices.Equal(firsts, want) {
				t.Errorf("%d after record %d: segments %d, want %d, %v", late, first, firsts, want, err)
			}
		}
	}
	cfg.clock = func() int64 { return 1e6 * hour }
	signer, _ := testKey(t)
	for _, size := range []uint64{0, 1, all[1] - 2, all[1] - 1, all[1], all[3] - 2, all[3] - 1} {
		c := treeOf(t, d, size)
		signed, err := signCheckpoint(&c, []note.Signer{signer})
		if err != nil {
			t.Fatal(err)
		}
		copied := d.crash(func(int) int { return 0 })
		copied.set(checkpointName, signed)
		firsts, _, _, err := opening(t, copied, cfg)
		want := all
		for len(want) > 1 && want[1]-1 <= size {
			want = want[1:]
		}
		if err != nil || !slices.Equal(firsts, want) {
			t.Errorf("with a checkpoint of %d records: segments %d, want %d, %v", size, firsts, want, err)
		}
	}
}

// TestTilePaths: a tile has the path that C2SP gives it, and its name says what it is (U-70).
func TestTilePaths(t *testing.T) {
	for level := range 8 {
		for _, n := range []uint64{0, 1, 9, 99, 255, 256, 999, 1000, 1001, 67_123, 999_999, 1_000_000, 1_234_067_089} {
			for _, width := range []int{1, 2, 128, 255, 256} {
				want := strings.Replace(tlog.Tile{H: 8, L: level, N: int64(n), W: width}.Path(), "tile/8/", "tile/", 1)
				if got := tilePath(level, n, width); got != want {
					t.Errorf("%d, %d, %d: %s, want %s", level, n, width, got, want)
				}
				if l, number, w, ok := parseTilePath(want); l != level || number != n || w != width || !ok {
					t.Errorf("%s: %d, %d, %d, %t", want, l, number, w, ok)
				}
			}
		}
	}
}
