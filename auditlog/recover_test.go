package auditlog

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/note"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// An incomplete last record is cut off, saved and announced; acknowledged records survive (U-61; UC-52).
func TestTornRecordIsCutAndAnnounced(t *testing.T) {
	d := newMemDisk(t, "")
	l := mustOpen(t, testConfig(t, d))
	mustWrite(t, l, 5)
	left := d.crash(lostAll) // the process was killed
	testcheck.NoError(t, l.Close())
	whole := left.now[segmentName(1)].data
	var torn []byte
	torn = append(append(torn, whole...), rewrite(7, []byte(`{"id":7,"time":"x`))...)
	clean := left.crash(lostAll) // nothing is cut off or saved
	l = mustOpen(t, testConfig(t, clean))
	if got := l.Recovered(); got.Records != 6 || got.Cut != 0 || got.CutFile != "" {
		t.Errorf("Open of a complete log recovered %+v, want 6 records and nothing cut off", got)
	}
	testcheck.NoError(t, l.Close())
	for name := range clean.now {
		testcheck.That(t, !strings.HasPrefix(name, "cut-"), "whole: %s is there", name)
	}
	for cut := 1; cut < frameFixed+17; cut++ {
		d := left.crash(lostAll)
		d.set(segmentName(1), torn[:len(whole)+cut])
		l := mustOpen(t, testConfig(t, d))
		if got := l.Recovered(); got.Records != 6 || got.Cut != int64(cut) {
			t.Fatalf("Open with %d bytes of a torn record recovered %+v, want 6 records and these bytes cut off", cut,
				got)
		}
		if kept := d.now[l.Recovered().CutFile].data; !bytes.Equal(kept, torn[len(whole):len(whole)+cut]) {
			t.Errorf("cut %d: kept aside %q, want %q", cut, kept, torn[len(whole):len(whole)+cut])
		}
		testcheck.NoError(t, l.Close())
		events := recordsOf(t, d)
		testcheck.RequireThat(t, len(events) == 9 && events[6].ID == 4608 && events[7].ID == 4612 && events[8].ID == 1100,
			"cut %d: %d records", cut, len(events))
		if text, _ := events[7].Field("BytesDiscarded"); text == "" || text == "0" {
			t.Errorf("cut %d: announced as %q", cut, text)
		}
		verifyDisk(t, d)
	}
	other := rewrite(9, []byte(`{"id":9}`)) // its number is not the next one
	for want, tail := range map[int][]byte{len(other): other, 100_000: bytes.Repeat([]byte{1}, 100_000),
		1 + frameFixed: append([]byte{1}, make([]byte, frameFixed)...), // a few zeros belong to a truncated record
		1:              append([]byte{1}, make([]byte, frameFixed+1)...)} {
		d := left.crash(lostAll)
		d.set(segmentName(1), append(whole[:len(whole):len(whole)], tail...))
		l := mustOpen(t, testConfig(t, d))
		testcheck.Equal(t, l.Recovered().Cut, int64(want), "bytes cut off of %d", len(tail))
		testcheck.NoError(t, l.Close())
		verifyDisk(t, d)
		l = mustOpen(t, testConfig(t, d))
		testcheck.Equal(t, l.Recovered().Cut, 0, "bytes cut off again")
		testcheck.NoError(t, l.Close())
	}
}

// TestDamagedLogAcceptsNoRecords checks that a log whose records do not reach or do not match its checkpoint accepts no
// more records, because the next checkpoint would sign the damage.
func TestDamagedLogAcceptsNoRecords(t *testing.T) {
	d, cfg := newConfig(t)
	writeLog(t, cfg, 5)
	_, frames := framesOf(t, d.now[segmentName(1)].data)
	head := len(d.now[segmentName(1)].data)
	for _, f := range frames {
		head -= len(f)
	}
	for name, change := range map[string]func(d *memDisk){
		"records cut off": func(d *memDisk) { d.now[segmentName(1)].data = d.now[segmentName(1)].data[:head+len(frames[0])] },
		"a record changed": func(d *memDisk) {
			f := rewrite(1, bytes.Replace(frames[0][frameFixed:], []byte("4608"), []byte("4609"), 1))
			copy(d.now[segmentName(1)].data[head:], f)
		},
		"no checkpoint":      func(d *memDisk) { delete(d.now, checkpointName) },
		"no segment":         func(d *memDisk) { delete(d.now, segmentName(1)) },
		"another checkpoint": func(d *memDisk) { d.now[checkpointName].data[20] ^= 1 },
	} {
		copied := d.crash(lostAll)
		change(copied)
		again := cfg
		again.disk = copied
		if _, err := Open(again); !errors.Is(err, ErrDamaged) || copied.open != 0 {
			t.Errorf("%s: %v, %d open files, want %v and none", name, err, copied.open, ErrDamaged)
		}
	}
	// A segment or a tile that cannot be read is not called damaged, neither by Open nor by Verify.
	_, key := testKey(t)
	rest, old := manySegments(t, 2)
	delete(rest.now, segmentName(1)) // so that the tiles cannot be computed
	delete(rest.synced, segmentName(1))
	for _, kind := range []string{"open", "read"} {
		for _, files := range []string{"audit-*", "[0-9]*"} {
			again, lost := cfg, &fs.PathError{Op: kind, Err: syscall.EMFILE}
			copied := rest.crash(lostAll)
			copied.reads, again.disk = true, copied
			copied.Fail(lost, inject.Kind(kind), inject.PathMatch(files))
			_, err := Verify(Verification{disk: copied, Keys: []note.Verifier{key}})
			_, older := Verify(Verification{disk: copied, Keys: []note.Verifier{key}, Anchors: old[:1],
				From: segmentsOf(t, rest)[len(segmentsOf(t, rest))-1]})
			for _, err := range []error{err, older, testcheck.Err(Open(again))} {
				testcheck.That(t, errors.Is(err, lost) && !errors.Is(err, ErrDamaged) && !errors.As(err, new(*Fault)),
					"failed %s of %s: %v", kind, files, err)
			}
		}
	}
	// The last segment begins right after the checkpoint, or later.
	var tree frontier
	for _, f := range frames {
		record := frame{bytes: f}
		tree.add(record.leaf())
	}
	for name, change := range map[string]func(h *header){
		"":                  func(*header) {},
		"of other records":  func(h *header) { h.before.hashes[0][0] ^= 1 },
		"of a later record": func(h *header) { h.before.add(tree.root()) },
	} {
		copied := d.crash(lostAll)
		first := testcheck.Must(decodeHeader(copied.now[segmentName(1)].data))
		h := header{log: first.log, before: tree.clone()}
		change(&h)
		h.first = h.before.size + 1
		copied.set(segmentName(h.first), h.encode())
		delete(copied.now, segmentName(1))
		again := cfg
		again.disk = copied
		l, err := Open(again)
		testcheck.That(t, errors.Is(err, ErrDamaged) == (name != ""), "U-71: a segment after the checkpoint, %q: %v", name,
			err)
		if err == nil {
			testcheck.NoError(t, l.Close())
		}
	}
	// Without tiles all segments are read, and one is of another log.
	d, _ = manySegments(t, 2)
	maps.DeleteFunc(d.now, func(name string, _ *inode) bool { return strings.HasPrefix(name, tileFolder) })
	second := d.now[segmentName(segmentsOf(t, d)[1])].data
	h := testcheck.Must(decodeHeader(second))
	h.log[0] ^= 1
	copy(second, h.encode())
	testcheck.ErrorIs(t, testcheck.Err(Open(testConfig(t, d))), ErrDamaged, "a segment of another log")
}

// If the hashes of the last tiles are missing or do not match the checkpoint, they are computed from the records, also
// of several segments; otherwise they are used.
func TestLostOrAlteredTilesAreRecomputed(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 30_000
	writeLog(t, cfg, 600)
	reopened := func(what string, rebuilt bool, change func(d *memDisk)) {
		t.Helper()
		again := cfg
		copied := d.crash(lostAll)
		again.disk = copied
		change(copied)
		l := mustOpen(t, again)
		testcheck.Equal(t, l.Recovered().Rebuilt, rebuilt, "%s: hashes were computed", what)
		testcheck.NoError(t, l.Close())
		verifyDisk(t, copied)
	}
	partial := 0
	for name := range d.now {
		if strings.HasPrefix(name, tileFolder) && strings.Contains(name, ".p/") {
			partial++ // only a verification reads full tiles
			reopened(name, true, func(d *memDisk) { d.flip(name, len(d.now[name].data)-1, 1) })
		}
	}
	testcheck.That(t, partial >= 2, "%d tiles, want at least 2", partial)
	reopened("all removed", true, func(d *memDisk) {
		maps.DeleteFunc(d.now, func(name string, _ *inode) bool { return strings.HasPrefix(name, tileFolder) })
	})
	reopened("unchanged", false, func(*memDisk) {})
}

// TestMissingSegmentIsDamage checks that a log that ended before its first segment continues, and that a log without
// segments is damaged if its checkpoint covers a record.
func TestMissingSegmentIsDamage(t *testing.T) {
	for size, fine := range map[uint64]bool{0: true, 1: false, 7: false} {
		d, cfg := newConfig(t)
		c := Checkpoint{Origin: "test.example/audit", Size: size}
		if size == 0 {
			c.Root = sha256.Sum256(nil) // of the empty tree (RFC 6962, 2.1)
		}
		b := testcheck.Must(signCheckpoint(&c, cfg.Signers))
		testcheck.NoError(t, closed(put(d, checkpointName, bytesOf(b))))
		l, err := Open(cfg)
		if !fine {
			testcheck.That(t, errors.Is(err, ErrDamaged), "%d records are named: %v, want %v", size, err, ErrDamaged)
			continue
		}
		testcheck.NoError(t, err)
		mustWrite(t, l, 3)
		testcheck.NoError(t, l.Close())
		if v := verifyDisk(t, d); v.First != 1 || v.Last != 5 || !v.Whole {
			t.Errorf("Verify of a log that began with a checkpoint of no records = %+v, want all records, 1 to 5", v)
		}
	}
}

// TestOpenNamesNewerVersion checks that a segment of a newer format, the last one or an earlier one, is not called
// damaged. The error names its version and the remedy (U-70).
func TestOpenNamesNewerVersion(t *testing.T) {
	for _, size := range []int64{0, 2000} { // of a segment; 0 makes one
		d := newMemDisk(t, "")
		cfg := testConfig(t, d)
		cfg.SegmentBytes = size
		writeLog(t, cfg, 20)
		b := bytes.Clone(d.now[segmentName(1)].data)
		b[4] = 2
		d.set(segmentName(1), b)
		for name := range d.now { // without the hashes Open reads every segment
			if strings.HasPrefix(name, tileFolder+"/") {
				testcheck.NoError(t, d.Remove(name))
			}
		}
		_, err := Open(cfg)
		const want = "the audit log has another version: segment audit-0000000000000001.log: segment version 2: " +
			"this program knows 1: use the release that wrote it"
		testcheck.That(t, err != nil && !errors.Is(err, ErrDamaged) && strings.Contains(err.Error(), want),
			"U-70: with segments of %d bytes: %v, want %q", size, err, want)
	}
}
