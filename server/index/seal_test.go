package index

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestChangedBitIsDetected changes a bit of each byte of a log, and each bit with REFMON_DEEP=1. Opening the log
// returns an error, or the events before its last line, and never other events (N-134).
func TestChangedBitIsDetected(t *testing.T) {
	w := firmWorker(t, "")
	report(t, w, watch.Seen{Path: "/t/plan", Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;" + staff + ")")},
		watch.Seen{Path: "/t/night", Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;" + night + ")")})
	dir := t.TempDir()
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	events := w.Take()
	check.NoError(t, l.Write(events))
	check.NoError(t, l.Close())
	name := filepath.Join(dir, eventsName)
	whole, err := os.ReadFile(name)
	check.NoError(t, err)
	read := func(text []byte) (list []Event, err error) {
		t.Helper()
		_, err = replay(bytes.NewReader(text), newState(), func(e *Event) {
			list = append(list, Event{Seq: e.Seq, Time: e.Time})
		})
		return list, err
	}
	want, err := read(whole)
	check.RequireThat(t, err == nil && len(want) == len(events), "%d events, %v, want %d", len(want), err, len(events))
	changed(whole, func(at, bit int, text []byte) {
		if bit != at%8 && !randtest.Deep() {
			return
		}
		got, err := read(text)
		check.RequireThat(t, err != nil || reflect.DeepEqual(got, want[:len(want)-1]),
			"N-134: bit %d of byte %d: %d events and no error", bit, at, len(got))
	})
}

// changed passes copies of a text that differ from it in one bit.
func changed(whole []byte, try func(at, bit int, text []byte)) {
	for at := range whole {
		for bit := range 8 {
			text := bytes.Clone(whole)
			text[at] ^= 1 << bit
			try(at, bit, text)
		}
	}
}

// TestChangedCursorIsDetected changes each bit of a cursor of bulk lines. Reading it returns an error, or no cursor,
// and never another one (N-134).
func TestChangedCursorIsDetected(t *testing.T) {
	name, state := filepath.Join(t.TempDir(), "lines"), t.TempDir()
	check.NoError(t, os.WriteFile(name, make([]byte, 1<<12), 0o600))
	first := &Bulk{form: BulkSIDs, index: "docs"}
	check.NoError(t, first.readCursor(name, state))
	c := bulkCursor{Format: cursorFormat, Index: "K4YQ", Target: "docs", Seq: 812, Size: 1 << 12}
	whole := check.Must(c.encode())
	read := func(text []byte) (bulkCursor, error) {
		t.Helper()
		writeNew(t, first.cursor.path, text)
		b := &Bulk{form: BulkSIDs, index: "docs"}
		err := b.readCursor(name, state)
		return b.cursor, err
	}
	if got, err := read(whole); err != nil || got.Seq != 812 {
		t.Fatalf("%+v, %v, want number 812", got, err)
	}
	changed(whole, func(at, bit int, text []byte) {
		got, err := read(text)
		if same := got.Seq == 812 && got.Size == 1<<12 && got.Index == "K4YQ"; err == nil && got.Seq != 0 && !same {
			t.Errorf("N-134: bit %d of byte %d: %+v and no error", bit, at, got)
		}
	})
	if got, err := read([]byte(`{"format":1,"index":"K4YQ","target":"docs","seq":812,"size":4096}`)); err != nil ||
		got.Seq != 0 {
		t.Errorf("N-134: a cursor without a checksum: %+v, %v, want none", got, err)
	}
}

// writeNew replaces a file by a new one. Ext4 writes a file to the disk that was truncated, which takes longer.
func writeNew(t *testing.T, name string, text []byte) {
	t.Helper()
	check.NoError(t, errors.Join(os.RemoveAll(name), os.WriteFile(name, text, 0o600)))
}

// TestChangedWatermarkIsDetected changes each bit of a stored watermark. Reading it returns an error that names the
// file, or the watermark, and never another one. A watermark without a checksum counts (N-134).
func TestChangedWatermarkIsDetected(t *testing.T) {
	dir := t.TempDir()
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	want := &Watermark{Index: "K4YQ", Seq: 812, Boot: "b", Unnamed: 3,
		Sources: map[string]Moment{"/t": {time.Unix(5, 0).UTC(), 7}, directorySource: {time.Unix(6, 0).UTC(), 8}}}
	check.NoError(t, errors.Join(l.SetWatermark(want), l.Close()))
	name := filepath.Join(dir, watermarkName)
	whole, err := os.ReadFile(name)
	check.RequireThat(t, err == nil && bytes.Contains(whole, []byte(sealStart)),
		"N-134: %s, %v, want a checksum", whole, err)
	read := func(text []byte) (*Watermark, error) {
		t.Helper()
		writeNew(t, name, text)
		return readWatermark(dir)
	}
	changed(whole, func(at, bit int, text []byte) {
		switch got, err := read(text); {
		case err == nil && !reflect.DeepEqual(got, want):
			t.Errorf("N-134: bit %d of byte %d: %+v and no error", bit, at, got)
		case err != nil && !strings.HasPrefix(err.Error(), name+": "):
			t.Errorf("N-134: bit %d of byte %d: %v, want the name of the file", bit, at, err)
		}
	})
	content, _, err := unseal(bytes.TrimSpace(whole))
	check.NoError(t, err)
	if got, err := read(append(content, '}', '\n')); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("N-134: without a checksum: %+v, %v, want %+v", got, err, want)
	}
}
