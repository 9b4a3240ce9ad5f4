package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// manySegments writes a log of several segments and returns its disk, with the
// checkpoint of each of the runs that wrote it.
func manySegments(t *testing.T, runs int) (d *memDisk, checkpoints [][]byte) {
	t.Helper()
	d = newMemDisk(t, "")
	cfg := testConfig(t, d)
	cfg.SegmentBytes = 3_000
	for range runs {
		l := mustOpen(t, cfg)
		for range 12 { // one after the other: a batch is not divided
			mustWrite(t, l, 1)
		}
		testcheck.NoError(t, l.Close())
		checkpoints = append(checkpoints, slices.Clone(d.now[checkpointName].data))
	}
	return d, checkpoints
}

// segmentsOf lists the segments of a disk by their first record.
func segmentsOf(t *testing.T, d *memDisk) []uint64 {
	t.Helper()
	firsts, err := segments(d)
	testcheck.RequireThat(t, err == nil && len(firsts) >= 5, "%d segments, %v, want at least 5, nil", len(firsts), err)
	return firsts
}

// wantFault verifies a disk and checks that it reports a fault of one of the kinds at a record.
func wantFault(t *testing.T, what string, d *memDisk, record uint64, kinds ...string) {
	t.Helper()
	_, key := testKey(t)
	_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}})
	var f *Fault
	testcheck.That(t, errors.As(err, &f) && slices.Contains(kinds, f.Kind) && f.Record == record,
		"%s: %v, want %v at record %d", what, err, kinds, record)
}

// A longer tile, which a run left before its checkpoint, is not a fault (U-74).
func TestTileBeyondCheckpointIsIgnored(t *testing.T) {
	d, cfg := newConfig(t)
	writeLog(t, cfg, 3)
	longer := int(verifyDisk(t, d).Checkpoint.Size) + 1
	d.set(tilePath(0, 0, longer), make([]byte, longer*tlog.HashSize))
	verifyDisk(t, d)
}

// A segment that is missing, swapped or from another log is detected, and the first bad record is reported (U-72,
// U-74).
func TestChangedSegmentsAreDetected(t *testing.T) {
	d, checkpoints := manySegments(t, 2)
	firsts := segmentsOf(t, d)
	other, _ := manySegments(t, 2)
	put := func(name string, b []byte) (restore func()) {
		old, there := d.now[name]
		if b == nil {
			delete(d.now, name)
		} else {
			d.set(name, b)
		}
		return func() {
			if delete(d.now, name); there {
				d.now[name] = old
			}
		}
	}
	last := len(firsts) - 1
	total := verifyDisk(t, d).Last
	for i, first := range firsts {
		name := segmentName(first)
		restore := put(name, nil)
		switch {
		case i == last:
			wantFault(t, "the last segment is gone", d, first, FaultTruncated)
		case i > 0:
			wantFault(t, fmt.Sprintf("segment %d is gone", i), d, first, FaultGap)
		}
		restore()
		if i > 0 {
			restore = put(name, slices.Clone(d.now[segmentName(firsts[i-1])].data))
			wantFault(t, fmt.Sprintf("segment %d is the one before", i), d, first, FaultGap, FaultFrame)
			restore()
		}
		restore = put(name, slices.Clone(other.now[name].data))
		// The first segment's header is accepted until the second one contradicts it.
		wantFault(t, fmt.Sprintf("segment %d of another log", i), d, max(first, firsts[1]), FaultHistory)
		restore()
		if i > 0 { // the same records under another log's name
			h := testcheck.Must(decodeHeader(d.now[name].data))
			records := d.now[name].data[h.size():]
			h.log[3] ^= 1
			restore = put(name, append(h.encode(), records...))
			wantFault(t, fmt.Sprintf("segment %d says that it is of another log", i), d, first, FaultHistory)
			restore()
			h.log[3] ^= 1
			h.before = h.before.clone()
			h.before.hashes[0][7] ^= 1
			restore = put(name, append(h.encode(), records...))
			wantFault(t, fmt.Sprintf("segment %d says that it continues other records", i), d, first, FaultHistory)
			restore()
		}
		restore = put(name, slices.Clone(d.now[name].data[:headerFixed]))
		wantFault(t, fmt.Sprintf("segment %d has half a head", i), d, first, FaultFrame)
		restore()
		// A segment's end that the checkpoint covers is complete, so an incomplete one is a fault.
		end := total
		if i < last {
			end = firsts[i+1] - 1
		}
		b := d.now[name].data
		restore = put(name, slices.Clone(b[:len(b)-1]))
		wantFault(t, fmt.Sprintf("segment %d lacks its last byte", i), d, end, FaultFrame)
		_, key := testKey(t)
		_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: checkpoints[:1]})
		var f *Fault
		testcheck.That(t, errors.As(err, &f) && f.Kind == FaultFrame, "segment %d, with an older anchor: %v", i, err)
		restore()
	}
	if v := verifyDisk(t, d); v.First != 1 || v.Last != total || !v.Whole {
		t.Fatalf("Verify of the undamaged log = %+v, want all records, 1 to %d", v, total)
	}
	restore := put(checkpointName, nil)
	wantFault(t, "no checkpoint", d, 0, FaultSignature)
	restore()
	restore = put(checkpointName, slices.Clone(other.now[checkpointName].data))
	wantFault(t, "the checkpoint of another log of the same name", d, 0, FaultHistory)
	restore()
	b := d.now[segmentName(firsts[last])].data
	restore = put(segmentName(firsts[last]), append(slices.Clone(b), 1, 2, 3))
	if v := verifyDisk(t, d); v.Writing != 3 || v.Last != total {
		t.Errorf("Verify with 3 more bytes = %+v, want last record %d and 3 bytes of an incomplete record", v, total)
	}
	restore()
	delete(d.now, segmentName(firsts[last]))
	d.flip(tilePath(0, 0, int(total)), 0, 1)
	wantFault(t, "the last segment is gone and a hash changed", d, firsts[last], FaultTruncated)
	for _, first := range firsts {
		delete(d.now, segmentName(first))
	}
	wantFault(t, "no segment", d, 1, FaultTruncated)
}

// A stored hash that is changed, truncated, missing or from another tree is detected, even if its records were
// removed by retention (U-74).
func TestChangedTilesAreDetected(t *testing.T) {
	d, _ := manySegments(t, 1)
	other, _ := manySegments(t, 1)
	narrow := tilePath(0, 0, 5) // one that an end between two checkpoints left
	for _, disk := range []*memDisk{d, other} {
		for name, f := range disk.now {
			if level, number, _, ok := parseTilePath(name); ok && level == 0 && number == 0 {
				disk.set(narrow, f.data[:5*tlog.HashSize])
				break
			}
		}
	}
	size := verifyDisk(t, d).Checkpoint.Size
	var tiles int
	for _, name := range slices.Sorted(maps.Keys(d.now)) {
		_, _, width, ok := parseTilePath(name)
		if !ok {
			continue
		}
		tiles++
		whole := d.now[name].data
		for what, b := range map[string][]byte{
			"changed":       func() []byte { b := slices.Clone(whole); b[len(b)-1] ^= 1; return b }(),
			"changed first": func() []byte { b := slices.Clone(whole); b[0] ^= 0x80; return b }(),
			"cut off":       whole[:len(whole)-tlog.HashSize], "cut within": whole[:len(whole)-1], "empty": {},
			"longer":          append(slices.Clone(whole), make([]byte, tlog.HashSize)...),
			"of another tree": other.now[name].data,
		} {
			d.set(name, b)
			_, key := testKey(t)
			_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}})
			var f *Fault
			testcheck.That(t, errors.As(err, &f) && f.Kind == FaultTree,
				"%s, %d of %d hashes, %s: %v", name, width, size, what, err)
		}
		d.set(name, whole)
		verifyDisk(t, d)
	}
	testcheck.That(t, tiles == 2, "the log has %d tiles, want one and a narrower one", tiles)
}

// A changed hash in a full tile of level 0 is reported with its record, whether the checkpoint ends with the tile or
// after it (U-74).
func TestFullTileNamesItsRecord(t *testing.T) {
	for _, size := range []int{tileWidth, tileWidth + 1, 2 * tileWidth} {
		d := newMemDisk(t, "")
		l := mustOpen(t, testConfig(t, d))
		mustWrite(t, l, size-2) // plus the first record and the last
		testcheck.NoError(t, l.Close())
		if v := verifyDisk(t, d); v.Checkpoint.Size != uint64(size) {
			t.Fatalf("a checkpoint of %d records, want %d", v.Checkpoint.Size, size)
		}
		for number := range size / tileWidth {
			name := tilePath(0, uint64(number), tileWidth)
			for _, at := range []int{0, tileWidth / 2, tileWidth - 1} {
				whole := d.now[name].data
				b := slices.Clone(whole)
				b[at*tlog.HashSize] ^= 1
				d.set(name, b)
				wantFault(t, fmt.Sprintf("of %d records, hash %d of %s", size, at, name), d,
					uint64(number*tileWidth+at+1), FaultTree)
				_, key := testKey(t)
				_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, To: 1})
				testcheck.That(t, errors.As(err, new(*Fault)), "a verification up to a record: %v, want the fault", err)
				d.set(name, whole)
			}
		}
	}
}

// A changed record is named also if the first records of its tile are not kept (U-74).
func TestChangedRecordOfCutLogIsNamed(t *testing.T) {
	d, _ := manySegments(t, 2)
	firsts := segmentsOf(t, d)
	delete(d.now, segmentName(firsts[0]))
	verifyDisk(t, d)
	last := firsts[len(firsts)-1]
	head, frames := framesOf(t, d.now[segmentName(last)].data)
	frames[1] = rewrite(last+1, bytes.Replace(frames[1][frameFixed:], []byte("time"), []byte("TIME"), 1))
	d.set(segmentName(last), slices.Concat(append([][]byte{head}, frames...)...))
	wantFault(t, "a changed record", d, last+1, FaultRecord)
}

// TestChangedHashOfRemovedRecordsIsDetected checks that a changed hash of removed records is detected by the hashes
// above it (U-74).
func TestChangedHashOfRemovedRecordsIsDetected(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 3_000
	l := mustOpen(t, cfg)
	mustWrite(t, l, 600)
	for range 200 { // one after the other: a batch is not divided
		mustWrite(t, l, 1)
	}
	testcheck.NoError(t, l.Close())
	firsts, between := segmentsOf(t, d), 0
	for _, first := range firsts[:len(firsts)-1] { // from the second one on, it may begin in the middle of a tile
		delete(d.now, segmentName(first))
		before := verifyDisk(t, d).First - 1
		name := tilePath(0, before/tileWidth, tileWidth)
		if before%tileWidth > 0 && d.now[name] != nil {
			between++
			d.flip(name, 0, 1) // of a record that is gone
			wantFault(t, fmt.Sprintf("without the first %d records, %s changed", before, name), d, 0, FaultTree)
			d.flip(name, 0, 1)
		}
	}
	testcheck.That(t, between > 0, "no segment begins in the middle of a full tile")
	if v := verifyDisk(t, d); v.First <= 3*tileWidth {
		t.Fatalf("the records are kept from %d on, want more than %d", v.First, 3*tileWidth)
	}
	upper := tilePath(1, 0, 1) // one that an end between two checkpoints left
	d.set(upper, slices.Clone(d.now[tilePath(1, 0, 3)].data[:tlog.HashSize]))
	full := 0
	for _, name := range slices.Sorted(maps.Keys(d.now)) {
		if _, _, width, ok := parseTilePath(name); !ok || width < tileWidth && name != upper {
			continue
		}
		full++
		whole := d.now[name].data
		for _, at := range []int{0, len(whole) / 2, len(whole) - 1} {
			b := slices.Clone(whole)
			b[at] ^= 1
			d.set(name, b)
			wantFault(t, fmt.Sprintf("byte %d of %s changed", at, name), d, 0, FaultTree)
		}
		d.set(name, whole)
	}
	testcheck.Equal(t, full, 4, "full tiles, and the narrow one above them")
	verifyDisk(t, d)
	wantUnread(t, d)
}

// wantUnread checks that a failed read of a full tile is no fault, but that one with another kind of file is.
func wantUnread(t *testing.T, d *memDisk) {
	t.Helper()
	d.reads = true
	for errno, fault := range map[syscall.Errno]bool{syscall.EIO: false, syscall.EISDIR: true, syscall.ENOTDIR: true,
		syscall.ELOOP: true} {
		d.Fail(&fs.PathError{Op: "read", Err: errno}, inject.Kind("read"), inject.PathMatch("000"))
		_, key := testKey(t)
		_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}})
		testcheck.That(t, errors.As(err, new(*Fault)) == fault && errors.Is(err, errno) != fault,
			"reading a tile fails with %v: %v, want a fault: %t", errno, err, fault)
	}
}

// inUse is a disk of a log that a process writes to: its files change after some of the reads.
type inUse struct {
	*memDisk
	later []map[string]*inode // the states to come
	every int                 // calls for checkpoints and tiles until the next state
	calls int
}

// newInUse returns a disk that has the first state until checkpoints and tiles were opened or listed so many times,
// then the second one, and so on.
func newInUse(t *testing.T, states []map[string]*inode, every int) *inUse {
	t.Helper()
	d := newMemDisk(t, "")
	d.now = states[0]
	return &inUse{memDisk: d, later: states[1:], every: every}
}

// Open implements disk.
func (d *inUse) Open(name string) (file, error) {
	defer d.count(name)
	return d.memDisk.Open(name)
}

// List implements disk.
func (d *inUse) List(name string) ([]string, error) {
	defer d.count(name)
	return d.memDisk.List(name)
}

// count counts a call for a checkpoint or for tiles, and changes the state when it is time.
func (d *inUse) count(name string) {
	if name == checkpointName || strings.HasPrefix(name, tileFolder) {
		if d.calls++; d.calls%d.every == 0 && len(d.later) > 0 {
			d.now, d.later = d.later[0], d.later[1:]
		}
	}
}

// A log that gets checkpoints at any moment of a verification or a proof is not called changed, although the tiles of
// the earlier checkpoints are gone. Also if its first records are not kept (U-74).
func TestLogInUseVerifies(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 40_000
	var states []map[string]*inode
	for range 9 { // two full tiles and a third
		l := mustOpen(t, cfg)
		mustWrite(t, l, 65)
		testcheck.NoError(t, l.Close())
		states = append(states, maps.Clone(d.now))
	}
	last := len(states) - 1
	oldest := states[0][checkpointName].data
	_, key := testKey(t)
	firsts := segmentsOf(t, d)
	// each calls f with the disks that change once, from the state i to the last one, and with one that changes often.
	each := func(i int, f func(what string, d *inUse)) {
		for n := 1; ; n++ {
			once := newInUse(t, []map[string]*inode{states[i], states[last]}, n)
			f(fmt.Sprintf("with the checkpoint %d, the last one after %d calls", i, n), once)
			f(fmt.Sprintf("with the checkpoint %d, the next one after each %d calls", i, n), newInUse(t, states[i:], n))
			if len(once.later) > 0 {
				return
			}
		}
	}
	for i := range states {
		each(i, func(what string, d *inUse) {
			_, err := proveRecord(d, 3)
			testcheck.That(t, err == nil, "a proof of a record, %s: %v", what, err)
		})
		each(i, func(what string, d *inUse) {
			_, err := proveSince(d, oldest)
			testcheck.That(t, err == nil, "a proof of an older checkpoint, %s: %v", what, err)
		})
	}
	for at, first := range firsts[:len(firsts)-2] {
		for i := 0; i < last && at%4 == 1; i++ {
			each(i, func(what string, d *inUse) {
				if states[i][segmentName(first)] == nil && (d.every > 1 || len(d.later) > 1) {
					return // no records are left until the last state
				}
				_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: [][]byte{oldest}})
				testcheck.That(t, err == nil, "from record %d, %s: %v", first, what, err)
			})
		}
		for _, names := range states {
			delete(names, segmentName(first))
		}
	}
}

// A checkpoint that becomes an earlier one, malformed or unsigned during the verification is a fault. An unsigned one
// with more records does not excuse a missing tile. A signed one with more records is no fault (U-74).
func TestOnlySignedCheckpointIsNewer(t *testing.T) {
	d, cfg := newConfig(t)
	writeLog(t, cfg, 3)
	now := verifyDisk(t, d).Checkpoint
	size := now.Size
	_, key := testKey(t)
	v := &Verification{Keys: []note.Verifier{key}}
	end := func(limit uint64) error {
		return (&tileCheck{d: d, limit: limit, newest: (&check{d: d, v: v}).newest}).end()
	}
	testcheck.NoError(t, end(size-1))
	var f *Fault
	err := end(size + 1)
	testcheck.That(t, errors.As(err, &f) && f.Kind == FaultTree, "an earlier checkpoint: %v, want %s", err, FaultTree)
	signed := maps.Clone(d.now)
	_, signatures, _ := bytes.Cut(d.now[checkpointName].data, []byte("\n\n"))
	now.Size = 1e9
	for _, text := range []string{"no checkpoint", now.text() + "\n" + string(signatures)} {
		d.set(checkpointName, []byte(text))
		err = end(size)
		testcheck.That(t, errors.As(err, &f) && f.Kind == FaultSignature, "%.20q: %v, want %s", text, err,
			FaultSignature)
	}
	states := []map[string]*inode{signed, d.now}
	for _, names := range states {
		maps.DeleteFunc(names, func(name string, _ *inode) bool { return strings.HasPrefix(name, tileFolder) })
	}
	for n := 1; n <= 4; n++ { // the calls before the unsigned checkpoint: it is read up to three times
		_, err := Verify(Verification{disk: newInUse(t, states, n), Keys: v.Keys})
		testcheck.That(t, errors.As(err, &f), "a missing tile, unsigned after %d calls: %v, want a fault", n, err)
	}
}

func anyToken(t *testing.T) *token.Token {
	t.Helper()
	return testcheck.Must(token.New(token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")}}))
}

// For a truncated full tile the first missing record is reported (U-74).
func TestTruncatedTileNamesRecord(t *testing.T) {
	d := newMemDisk(t, "")
	writeLog(t, testConfig(t, d), tileWidth+5)
	name := tilePath(0, 0, tileWidth)
	whole := d.now[name].data
	for _, left := range []int{0, 1, 100, tileWidth - 1} {
		for more := range 2 { // bytes that are not whole hash
			d.set(name, whole[:left*tlog.HashSize+more])
			wantFault(t, fmt.Sprintf("%d hashes and %d bytes", left, more), d, uint64(left+1), FaultTree)
		}
	}
	// A changed hash above the tiles of records names no record.
	d.set(name, whole)
	d.flip(tilePath(1, 0, 1), 0, 1)
	_, key := testKey(t)
	anchor := testcheck.Must(OpenCheckpoint(d.now[checkpointName].data, key))
	anchor.Root[0] ^= 1
	signed := testcheck.Must(signCheckpoint(&anchor, testConfig(t, d).Signers))
	_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: [][]byte{signed}})
	var f *Fault
	testcheck.That(t, errors.As(err, &f) && f.Kind == FaultHistory && f.Record == 0, "an anchor of another log: %v", err)
	wantUnread(t, d)
}
