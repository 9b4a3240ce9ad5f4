package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// treeOf computes the checkpoint of a log's first records.
func treeOf(t *testing.T, d *memDisk, size uint64) Checkpoint {
	t.Helper()
	c := Checkpoint{Origin: "test.example/audit", Size: size}
	var f frontier
	r := testcheck.Must(newReader(d, 0))
	defer func() { testcheck.NoError(t, r.Close()) }()
	for range size {
		rec := testcheck.Must(r.Next())
		f.add(tlog.RecordHash(rec.Payload()))
	}
	c.Root = f.root()
	return c
}

// TestOpenNeedsFolder checks that a configuration without a folder creates neither a log nor a key in the working
// directory, and that a log whose key is missing gets no other one.
func TestOpenNeedsFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Open(Config{})
	testcheck.That(t, err != nil && strings.Contains(err.Error(), "set Config.Dir"), "without a folder: %v", err)
	names, _ := os.ReadDir(".")
	testcheck.Equal(t, len(names), 0, "files in the working directory")
	testcheck.NoError(t, os.WriteFile(checkpointName, nil, 0o600))
	_, err = Open(Config{Dir: "."})
	testcheck.That(t, err != nil && strings.Contains(err.Error(), "pass the key that signed it"),
		"a log without its key: %v", err)
	testcheck.ErrorIs(t, testcheck.Err(os.Stat(keyName)), os.ErrNotExist, "a key for a signed log")
	testcheck.NoError(t, os.WriteFile(keyName, nil, 0o600))
	_, err = Open(Config{Dir: "."})
	testcheck.That(t, err != nil && strings.Contains(err.Error(), "the key "+keyName), "a log with an empty key: %v", err)
}

// The state that a log reports from creation to close: the last durable record, a checkpoint that covers the records,
// and no lost or cut records (U-61, U-63, U-71).
func TestLogReportsItsState(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.CheckpointEvery = time.Hour
	checkState := func(what string, l *Log, durable uint64, c Checkpoint, r Recovery, closed bool) {
		t.Helper()
		testcheck.Equal(t, l.Durable(), durable, "%s: durable record", what)
		testcheck.Equal(t, l.Checkpoint(), c, "%s: the checkpoint", what)
		testcheck.Equal(t, l.Recovered(), r, "%s: recovered", what)
		lost, err := l.Health()
		testcheck.That(t, lost == 0 && closed == errors.Is(err, ErrClosed) && (closed || err == nil),
			"%s: %d records are lost, %v", what, lost, err)
	}
	l := mustOpen(t, cfg)
	empty := Checkpoint{Origin: "test.example/audit", Root: tlog.Hash(tlogEmpty())}
	checkState("made", l, 1, empty, Recovery{}, false)
	mustWrite(t, l, 1)
	mustWrite(t, l, 1)
	checkState("with two records", l, 3, empty, Recovery{}, false)
	for earlier := range 2 { // the second Close does nothing
		testcheck.NoError(t, l.Close())
		checkState(fmt.Sprintf("closed %d times", earlier+1), l, 4, treeOf(t, d, 4), Recovery{}, true)
	}
	whole := treeOf(t, d, 4)
	l = mustOpen(t, cfg)
	checkState("opened again", l, 5, whole, Recovery{Records: 4}, false)
	testcheck.NoError(t, l.Close())
	checkState("closed again", l, 6, treeOf(t, d, 6), Recovery{Records: 4}, true)
	var ids []uint16
	for i, e := range recordsOf(t, d) {
		if ids = append(ids, e.ID); e.RecordID != uint64(i+1) {
			t.Errorf("record %d has the number %d, want %d", i+1, e.RecordID, uint64(i+1))
		}
	}
	if want := []uint16{4608, 4656, 4656, 1100, 4608, 1100}; !slices.Equal(ids, want) {
		t.Errorf("the records are %d, want %d", ids, want)
	}
	size := int64(len(d.now[segmentName(1)].data))
	head := header{first: 1}
	got := verifyDisk(t, d)
	want := &Verified{Log: got.Log, First: 1, Last: 6, Oldest: 1, Whole: true, Bytes: size, Checkpoint: treeOf(t, d, 6),
		Anchors: []Checkpoint{treeOf(t, d, 6)}}
	testcheck.That(t, reflect.DeepEqual(got, want) && got.Log != [16]byte{} && size > head.size(),
		"verified %+v, want %+v", got, want)
	// A torn end is cut off, saved in a file, and recorded with its length after the start record.
	d.set(segmentName(1), append(slices.Clone(d.now[segmentName(1)].data), "torn"...))
	l = mustOpen(t, cfg)
	checkState("opened with a torn end", l, 8, treeOf(t, d, 6), Recovery{Records: 6, Cut: 4,
		CutFile: fmt.Sprintf("cut-%016x", 7)}, false)
	testcheck.NoError(t, l.Close())
	if b := d.now[fmt.Sprintf("cut-%016x", 7)]; b == nil || string(b.data) != "torn" {
		t.Errorf("kept aside: %+v", b)
	}
	events := recordsOf(t, d, 7)
	if n, _ := events[1].Field("BytesDiscarded"); len(events) != 3 || events[0].ID != 4608 || events[1].ID != 4612 ||
		n != "4" || events[2].ID != 1100 {
		t.Errorf("%d records since, %s bytes", len(events), n)
	}
}

// tlogEmpty is the root of a tree without records.
func tlogEmpty() [32]byte { var f frontier; return f.root() }

// Each disk operation in order. A file has its contents before its name. Tiles and their folders are durable before
// the checkpoint that needs them, and unneeded ones are removed after it. A record is durable before the next one is
// written. Every opened file is closed (U-60, U-61, U-71).
func TestDiskOperationsAreOrdered(t *testing.T) {
	const segment = "audit-0000000000000001.log"
	placed := func(name string, open bool) (out []string) {
		for _, op := range []string{"remove new-%s", "create new-%s", "write new-%s", "sync new-%s",
			"rename new-%[1]s %[1]s"} {
			out = append(out, fmt.Sprintf(op, name))
		}
		if out = append(out, "syncdir ."); !open {
			out = append(out, "close "+name)
		}
		return out
	}
	record := []string{"write " + segment, "sync " + segment}
	noted := func(tile string) []string {
		return slices.Concat([]string{"mkdir tile/0/000.p", "remove " + tile, "create " + tile, "write " + tile,
			"sync " + tile, "close " + tile, "syncdir .", "syncdir tile", "syncdir tile/0", "syncdir tile/0/000.p"},
			placed(checkpointName, false))
	}
	d, cfg := newConfig(t)
	cfg.CheckpointEvery = time.Hour
	for i, want := range [][]string{
		slices.Concat([]string{"mkdir .", "list .", "open checkpoint"}, placed(checkpointName, false), placed(segment, true),
			record, record, record, noted("tile/0/000.p/3"), []string{"close " + segment}),
		slices.Concat([]string{"mkdir .", "list .", "open checkpoint", "close checkpoint", "open tile/0/000.p/3",
			"close tile/0/000.p/3", "open " + segment}, placed(segment, true), []string{"close " + segment,
			"list tile/0/000.p", "list tile/0/001.p", "list tile/1/000.p"}, record, record, record, noted("tile/0/000.p/6"),
			[]string{"remove tile/0/000.p/3", "remove tile/0/000.p", "close " + segment}),
	} {
		before := len(d.Ops())
		writeLog(t, cfg, 1)
		got := d.Ops()[before:]
		for at := 0; at < len(got); at++ { // folders are made durable in any order
			end := at
			for end < len(got) && strings.HasPrefix(got[end], "syncdir ") {
				end++
			}
			slices.Sort(got[at:end])
			at = max(at, end-1)
		}
		if !slices.Equal(got, want) {
			t.Errorf("run %d:\n%s\nwant\n%s", i+1, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// noting is a disk that keeps each version of the newest checkpoint.
type noting struct {
	*memDisk
	mu   sync.Mutex
	seen []Checkpoint // guarded by mu
}

// Rename implements disk.
func (d *noting) Rename(from, to string) error {
	err := d.memDisk.Rename(from, to)
	if to != checkpointName || err != nil {
		return err
	}
	b, err := readFile(d.memDisk, checkpointName, maxNote)
	if err != nil {
		return err
	}
	c, err := parseSigned(b)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, c)
	return err
}

// TestCheckpointsAreWrittenPeriodically checks that a checkpoint is written before the first record, after exactly the
// configured number of records, and when the log is closed (U-71).
func TestCheckpointsAreWrittenPeriodically(t *testing.T) {
	for _, every := range []uint64{2, 5, 7} {
		d := &noting{memDisk: newMemDisk(t, "")}
		cfg := testConfig(t, d)
		cfg.CheckpointEvery, cfg.CheckpointRecords = time.Hour, every
		l := mustOpen(t, cfg)
		for range 20 {
			mustWrite(t, l, 1)
		}
		testcheck.NoError(t, l.Close())
		var sizes []uint64
		for i, c := range d.seen {
			sizes = append(sizes, c.Size)
			testcheck.That(t, c == treeOf(t, d.memDisk, c.Size),
				"every %d: the checkpoint of %d records is not theirs", every, c.Size)
			testcheck.That(t, i == 0 || i >= len(d.seen)-1 || c.Size >= sizes[i-1]+every,
				"every %d: the checkpoints are of %d records", every, sizes)
		}
		testcheck.That(t, sizes[0] == 0 && sizes[1] == every && sizes[len(sizes)-1] == 22,
			"every %d: the checkpoints are of %d records", every, sizes)
	}
}

// TestLogOpensOnFullDisk fills the disk at different points of an open. The log opens, keeps its records, and records
// its start before the first record after there is space (U-67).
func TestLogOpensOnFullDisk(t *testing.T) {
	for name, when := range map[string][]inject.Condition{
		"no file":               {inject.Kind("create")},
		"half a copy":           {inject.Kind("write"), inject.PathMatch("new-audit-*")},
		"no record":             {inject.Kind("write"), inject.PathMatch("audit-*")},
		"no file and no record": {inject.Kind("create", "write"), inject.FromIndex(0), afterRewrite()},
		"a torn record, and space behind it": {inject.Kind("write"), inject.PathMatch("new-cut-*"),
			inject.OnIndex(0)},
		"a torn record":              {inject.Kind("write"), inject.PathMatch("new-cut-*")},
		"a torn record, and no copy": {inject.Kind("write"), inject.PathMatch("new-*")},
	} {
		const tornBytes = 20_000 // more than the records that follow
		t.Run(name, func(t *testing.T) {
			d, cfg := newConfig(t)
			l := mustOpen(t, cfg)
			mustWrite(t, l, 3)
			testcheck.NoError(t, l.Close())
			had := recordsOf(t, d)
			if strings.HasPrefix(name, "a torn record") {
				torn := rewrite(7, bytes.Repeat([]byte("x"), 2*tornBytes))[:tornBytes]
				d.set(segmentName(1), append(d.now[segmentName(1)].data, torn...))
			}
			d.Fail(inject.Short(11, syscall.ENOSPC), when...)
			l = mustOpen(t, cfg)
			cut := l.Recovered()
			kept := d.now["cut-0000000000000006"]
			testcheck.That(t, (cut.Cut == tornBytes) == strings.HasPrefix(name, "a torn record") &&
				(cut.CutFile != "") == (kept != nil) && (kept == nil || len(kept.data) == tornBytes) &&
				(kept != nil) == (name == "a torn record, and space behind it"), "U-61: %+v, kept aside: %v", cut, kept)
			err := l.Write(opened(t, audit.Failure, "lost"))
			testcheck.That(t, err == nil || errors.Is(err, syscall.ENOSPC), "write to a full disk: %v, want %v", err,
				syscall.ENOSPC)
			d.Fail(nil)
			mustWrite(t, l, 1)
			testcheck.NoError(t, l.Close())
			added := recordsOf(t, d, uint64(len(had)+1))
			testcheck.That(t, added[0].ID == 4608 && countOf(t, d, 4608) == 2, "U-67: first new record %d, want 4608 once",
				added[0].ID)
			testcheck.That(t, d.now["new-"+segmentName(1)] == nil && d.now["new-cut-0000000000000006"] == nil,
				"a part of a copy is left")
			testcheck.Equal(t, verifyDisk(t, d).Writing, 0, "bytes behind the last record")
		})
	}
}

// A log without a record opens on a full disk. It does not open if the part of a record cannot be cut off (U-67).
func TestEmptyLogOnFullDisk(t *testing.T) {
	d, cfg := newConfig(t)
	d.Fail(inject.Short(11, syscall.ENOSPC), inject.Kind("write", "truncate"), inject.PathMatch("audit-*"))
	testcheck.ErrorIs(t, testcheck.Err(Open(cfg)), syscall.ENOSPC, "Open with a part that stays")
	d.Fail(syscall.ENOSPC, inject.Kind("write"), inject.PathMatch("audit-*"))
	l := mustOpen(t, cfg)
	if s, err := l.State(); err != nil || s.Oldest != 1 || s.Records != 0 || !s.Since.IsZero() {
		t.Errorf("State of a log without records = %+v, %v, want 1 as the oldest", s, err)
	}
	d.Fail(nil)
	testcheck.NoError(t, l.Close())
}

// afterRewrite selects all operations but the one write that rewrites the records of a segment.
func afterRewrite() inject.Condition {
	first := true
	return func(o inject.Op) bool {
		if first && o.Kind == "write" {
			first = false
			return false
		}
		return true
	}
}
