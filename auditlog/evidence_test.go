package auditlog

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
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
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		checkpoints = append(checkpoints, slices.Clone(d.now[checkpointName].data))
	}
	return d, checkpoints
}

// segmentsOf lists the segments of a disk by their first record.
func segmentsOf(t *testing.T, d *memDisk) []uint64 {
	t.Helper()
	firsts, err := segments(d)
	if err != nil || len(firsts) < 5 {
		t.Fatalf("%d segments, %v", len(firsts), err)
	}
	return firsts
}

// refuted verifies a disk and wants a fault of one of some kinds at a record.
func refuted(t *testing.T, what string, d *memDisk, record uint64, kinds ...string) {
	t.Helper()
	_, key := testKey(t)
	_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}})
	var f *Fault
	if !errors.As(err, &f) || !slices.Contains(kinds, f.Kind) || f.Record != record {
		t.Errorf("%s: %v, want %v at record %d", what, err, kinds, record)
	}
}

// TestSegmentsAreWatched: a segment that is gone, stands in the place of another, or is
// of another log is found, and the first bad record is named (U-72, U-74).
func TestSegmentsAreWatched(t *testing.T) {
	d, _ := manySegments(t, 2)
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
			refuted(t, "the last segment is gone", d, first, FaultTruncated)
		case i > 0:
			refuted(t, fmt.Sprintf("segment %d is gone", i), d, first, FaultGap)
		}
		restore()
		if i > 0 {
			restore = put(name, slices.Clone(d.now[segmentName(firsts[i-1])].data))
			refuted(t, fmt.Sprintf("segment %d is the one before", i), d, first, FaultGap, FaultFrame)
			restore()
		}
		restore = put(name, slices.Clone(other.now[name].data))
		// What the first segment says of itself is believed until the second contradicts it.
		refuted(t, fmt.Sprintf("segment %d of another log", i), d, max(first, firsts[1]), FaultHistory)
		restore()
		if i > 0 { // the same records under another log's name
			h, err := decodeHeader(d.now[name].data)
			if err != nil {
				t.Fatal(err)
			}
			records := d.now[name].data[h.size():]
			h.log[3] ^= 1
			restore = put(name, append(h.encode(), records...))
			refuted(t, fmt.Sprintf("segment %d says that it is of another log", i), d, first, FaultHistory)
			restore()
			h.log[3] ^= 1
			h.before = h.before.clone()
			h.before.hashes[0][7] ^= 1
			restore = put(name, append(h.encode(), records...))
			refuted(t, fmt.Sprintf("segment %d says that it continues other records", i), d, first, FaultHistory)
			restore()
		}
		restore = put(name, slices.Clone(d.now[name].data[:headerFixed]))
		refuted(t, fmt.Sprintf("segment %d has half a head", i), d, first, FaultFrame)
		restore()
		// The end of a segment, and of a record that the checkpoint covers, is not being written any more.
		end := total
		if i < last {
			end = firsts[i+1] - 1
		}
		b := d.now[name].data
		restore = put(name, slices.Clone(b[:len(b)-1]))
		refuted(t, fmt.Sprintf("segment %d lacks its last byte", i), d, end, FaultFrame)
		restore()
	}
	if v := verifyDisk(t, d); v.First != 1 || v.Last != total || !v.Whole {
		t.Fatalf("put right again: %+v", v)
	}
	restore := put(checkpointName, nil)
	refuted(t, "no checkpoint", d, 0, FaultSignature)
	restore()
	restore = put(checkpointName, slices.Clone(other.now[checkpointName].data))
	refuted(t, "the checkpoint of another log of the same name", d, 0, FaultHistory)
	restore()
	b := d.now[segmentName(firsts[last])].data
	restore = put(segmentName(firsts[last]), append(slices.Clone(b), 1, 2, 3))
	if v := verifyDisk(t, d); v.Writing != 3 || v.Last != total {
		t.Errorf("three bytes behind the last record: %+v", v)
	}
	restore()
	for _, first := range firsts {
		delete(d.now, segmentName(first))
	}
	refuted(t, "no segment", d, 1, FaultTruncated)
}

// TestTilesAreWatched: a stored hash that is changed, cut off, gone or of another tree
// is found, also where the records it stands for are not kept any more (U-74).
func TestTilesAreWatched(t *testing.T) {
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
			if !errors.As(err, &f) || f.Kind != FaultTree {
				t.Errorf("%s, %d of %d hashes, %s: %v", name, width, size, what, err)
			}
		}
		d.set(name, whole)
		verifyDisk(t, d)
	}
	if tiles != 2 {
		t.Errorf("the log has %d tiles, want one and a narrower one", tiles)
	}
}

// TestFullTileNamesItsRecord: a hash that is changed in a full tile of level 0 is told with its record, where the
// checkpoint ends with the tile and where it ends behind it (U-74).
func TestFullTileNamesItsRecord(t *testing.T) {
	for _, size := range []int{tileWidth, tileWidth + 1, 2 * tileWidth} {
		d := newMemDisk(t, "")
		l := mustOpen(t, testConfig(t, d))
		mustWrite(t, l, size-2) // beside the first record and the last
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
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
				refuted(t, fmt.Sprintf("of %d records, hash %d of %s", size, at, name), d,
					uint64(number*tileWidth+at+1), FaultTree)
				d.set(name, whole)
			}
		}
	}
}

// TestTilesOfRecordsThatWent: of records that are not kept any more only hashes are left,
// and a changed one of them is found by the hashes above it (U-74).
func TestTilesOfRecordsThatWent(t *testing.T) {
	d := newMemDisk(t, "")
	cfg := testConfig(t, d)
	cfg.SegmentBytes = 3_000
	l := mustOpen(t, cfg)
	mustWrite(t, l, 600)
	for range 30 { // one after the other: a batch is not divided
		mustWrite(t, l, 1)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	firsts := segmentsOf(t, d)
	for _, first := range firsts[:len(firsts)-1] {
		delete(d.now, segmentName(first))
	}
	if v := verifyDisk(t, d); v.First <= 2*tileWidth {
		t.Fatalf("the records are kept from %d on", v.First)
	}
	full := 0
	for _, name := range slices.Sorted(maps.Keys(d.now)) {
		if _, _, width, ok := parseTilePath(name); !ok || width < tileWidth {
			continue
		}
		full++
		whole := d.now[name].data
		for _, at := range []int{0, len(whole) / 2, len(whole) - 1} {
			b := slices.Clone(whole)
			b[at] ^= 1
			d.set(name, b)
			refuted(t, fmt.Sprintf("byte %d of %s changed", at, name), d, 0, FaultTree)
		}
		d.set(name, whole)
	}
	if full != 2 {
		t.Errorf("%d full tiles, want 2", full)
	}
	verifyDisk(t, d)
}

// TestOlderAnchors: a checkpoint of records that are not read is proved from the stored
// hashes; one of another log is not (U-72).
func TestOlderAnchors(t *testing.T) {
	d, ours := manySegments(t, 2)
	_, theirs := manySegments(t, 2)
	_, key := testKey(t)
	total := verifyDisk(t, d).Last
	for name, c := range map[string]struct {
		anchor []byte
		kind   string // "": none
	}{"ours": {ours[0], ""}, "theirs": {theirs[0], FaultHistory}} {
		_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: [][]byte{c.anchor}, From: total})
		var f *Fault
		if c.kind == "" && err != nil || c.kind != "" && (!errors.As(err, &f) || f.Kind != c.kind) {
			t.Errorf("an anchor that is %s: %v", name, err)
		}
	}
}

// opensProof checks a proof as its reader does, with the public key and nothing of the
// log, and returns the record that it proves.
func opensProof(t *testing.T, proof []byte) (record []byte, index int64, err error) {
	t.Helper()
	_, key := testKey(t)
	head, signed, ok := bytes.Cut(proof, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		t.Fatalf("a proof of another form:\n%s", proof)
	}
	c, err := OpenCheckpoint(signed, key)
	if err != nil {
		return nil, 0, err
	}
	text, _ := strings.CutPrefix(lines[1], "extra ")
	if record, err = base64.StdEncoding.DecodeString(text); err != nil {
		return nil, 0, err
	}
	if _, err := fmt.Sscanf(lines[2], "index %d", &index); err != nil {
		return nil, 0, err
	}
	return record, index, tlog.CheckRecord(hashesOf(t, lines[3:]), int64(c.Size), c.Root, index,
		tlog.RecordHash(record))
}

func hashesOf(t *testing.T, lines []string) []tlog.Hash {
	t.Helper()
	var out []tlog.Hash
	for _, line := range lines {
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(b) != tlog.HashSize {
			t.Fatalf("%q is no hash", line)
		}
		out = append(out, tlog.Hash(b))
	}
	return out
}

// TestProofs: each record that is kept has a proof that holds by itself, and no other
// number has one; a proof of one record holds for no other (U-70, U-72).
func TestProofs(t *testing.T) {
	d, checkpoints := manySegments(t, 2)
	firsts := segmentsOf(t, d)
	all := recordsOf(t, d)
	size := verifyDisk(t, d).Checkpoint.Size
	for id := uint64(1); id <= size; id++ {
		proof, err := proveRecord(d, id)
		if err != nil {
			t.Fatalf("record %d: %v", id, err)
		}
		record, index, err := opensProof(t, proof)
		if e, bad := audit.ParseEvent(record); err != nil || bad != nil || index != int64(id-1) ||
			e.RecordID != id ||
			e.ID != all[id-1].ID {
			t.Errorf("record %d: index %d, %s, %v, %v", id, index, record, err, bad)
		}
		changed := bytes.Replace(proof, fmt.Appendf(nil, "index %d\n", id-1), fmt.Appendf(nil, "index %d\n",
			id%size), 1)
		if _, _, err := opensProof(t, changed); err == nil {
			t.Errorf("the proof of record %d holds for another", id)
		}
	}
	for _, id := range []uint64{0, size + 1, 1 << 40} {
		proof, err := proveRecord(d, id)
		if err == nil {
			t.Errorf("record %d, which was never written, is proved by %s", id, proof)
		} else if want := fmt.Sprintf("covers records 1 to %d", size); !strings.Contains(err.Error(), want) {
			t.Errorf("record %d: %v, want %q", id, err, want)
		}
	}
	_, key := testKey(t)
	now, err := OpenCheckpoint(checkpoints[1], key)
	if err != nil {
		t.Fatal(err)
	}
	then, err := OpenCheckpoint(checkpoints[0], key)
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range checkpoints {
		proof, err := proveSince(d, old)
		if err != nil {
			t.Fatal(err)
		}
		head, signed, _ := bytes.Cut(proof, []byte("\n\n"))
		lines := strings.Split(string(head), "\n")
		c, err := OpenCheckpoint(old, key)
		if err != nil || !bytes.Equal(signed, checkpoints[1]) || lines[0] != fmt.Sprintf("old %d", c.Size) {
			t.Fatalf("%v:\n%s", err, proof)
		}
		if c.Size == then.Size {
			if err := tlog.CheckTree(hashesOf(t, lines[1:]), int64(now.Size), now.Root, int64(then.Size),
				then.Root); err != nil {
				t.Error(err)
			}
		}
	}
	sign := func(c Checkpoint) []byte {
		s, _ := testKey(t)
		signed, err := signCheckpoint(&c, []note.Signer{s})
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for what, c := range map[string]Checkpoint{
		"another root":    {then.Origin, then.Size, now.Root},
		"another log":     {"other.example/audit", then.Size, then.Root},
		"records of more": {now.Origin, now.Size + 1, now.Root},
		"another length":  {then.Origin, then.Size - 1, then.Root},
		"its own, wrong":  {now.Origin, now.Size, then.Root},
	} {
		if proof, err := proveSince(d, sign(c)); err == nil {
			t.Errorf("%s: proved by\n%s", what, proof)
		}
	}
	if proof, err := proveSince(d, sign(Checkpoint{Origin: now.Origin})); err != nil || !bytes.HasPrefix(proof,
		[]byte("old 0\n\n")) {
		t.Errorf("since the beginning: %v\n%s", err, proof)
	}
	if _, err := proveSince(d, []byte("no checkpoint")); err == nil {
		t.Error("what is no checkpoint is continued")
	}
	delete(d.now, segmentName(firsts[0])) // as one that is not kept any more
	var gone *GoneError
	if _, err := proveRecord(d, 1); !errors.As(err, &gone) || gone.From != 1 || gone.To != firsts[1]-1 {
		t.Errorf("a record that is not kept: %v", err)
	}
	if _, err := proveRecord(d, firsts[1]); err != nil {
		t.Errorf("the oldest that is kept: %v", err)
	}
}

// TestLongRecord: a record that is longer than any may be is kept with its longest fields
// cut, and all else of it stands; one that just fits is kept as it is (U-68).
func TestLongRecord(t *testing.T) {
	const limit = 256 << 10
	d := newMemDisk(t, "")
	l := mustOpen(t, testConfig(t, d))
	made := func(id uint64, object, process string) audit.Event {
		from := audit.Origin{Subject: access.Subject{Primary: anyToken(t)}, ProcessID: 420, ProcessName: process}
		e := audit.HandleRequested(from, audit.Object{Type: "File", Name: object},
			audit.HandleRequest{Outcome: audit.Failure, Access: winnt.FILE_READ_DATA})
		e.RecordID = id
		return e
	}
	wide := strings.Repeat("\x01", 32_000) // six bytes each in the stored form
	room := limit + 1 - len(made(2, "n", wide).AppendJSON(nil))
	narrow := strings.Repeat("\x01", room/6) + strings.Repeat("n", room%6)
	for i, c := range []struct {
		object string
		cut    bool
	}{{narrow, false}, {narrow + "n", true}, {wide, true}, {"short", false}} {
		id := uint64(i + 2)
		e := made(id, c.object, wide)
		if n := len(e.AppendJSON(nil)); i < 2 && n != limit+i {
			t.Fatalf("the record has %d bytes", n)
		}
		if err := l.Write(e); err != nil {
			t.Fatal(err)
		}
		got := recordsOf(t, d, id)[0]
		got.Chain = "" // the reader fills it in
		cut, marked := got.Field("Truncated")
		if n := len(got.AppendJSON(nil)); n > limit || n < limit/4 || marked != c.cut {
			t.Errorf("%d: %d bytes, cut %q", id, n, cut)
		}
		if !c.cut && !bytes.Equal(got.AppendJSON(nil), e.AppendJSON(nil)) {
			t.Errorf("%d: what fits is changed", id)
		}
		for name, want := range map[string]string{"SubjectUserSid": "S-1-5-21-1-2-3-1107",
			"ObjectType": "File", "ProcessId": "0x1a4",
			"ObjectName": c.object, "ProcessName": wide} {
			have, _ := got.Field(name)
			if shorter := strings.TrimSuffix(have, "…"); have != want && (!strings.Contains(cut, name) ||
				!strings.HasPrefix(want, shorter)) {
				t.Errorf("%d: %s has %d bytes of %d, cut %q", id, name, len(have), len(want), cut)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if v := verifyDisk(t, d); v.Last != 6 {
		t.Errorf("%+v", v)
	}
}

func anyToken(t *testing.T) *token.Token {
	t.Helper()
	tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")}})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestFrameBounds: a frame has 1 to 256 KiB of content, a checksum and the highest byte
// of its number 0; each other one is torn.
func TestFrameBounds(t *testing.T) {
	frameOf := func(n int, id uint64) []byte {
		b := make([]byte, frameFixed+n)
		finishFrame(b, 0, id)
		return b
	}
	sum := func(b []byte) []byte {
		binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], crc32.MakeTable(crc32.Castagnoli)))
		return b
	}
	for _, c := range []struct {
		what string
		b    []byte
		want bool
	}{
		{"one byte", frameOf(1, 1), true}, {"nothing", sum(frameOf(0, 1)), false}, {"the most",
			frameOf(256<<10, 7), true},
		{"one more", frameOf(256<<10+1, 7), false}, {"the highest number", frameOf(3, 1<<56-1), true},
		{"a higher number", sum(frameOf(3, 1<<56)), false}, {"cut off", frameOf(3, 1)[:frameFixed+2], false},
		{"half a head", frameOf(3, 1)[:frameFixed-1], false}, {"a changed number", func() []byte {
			b := frameOf(3, 1)
			b[8] ^= 1
			return b
		}(), false},
		{"a changed byte", func() []byte { b := frameOf(3, 1); b[frameFixed+2] ^= 1; return b }(), false},
	} {
		f, size, err := decodeFrame(c.b)
		if (err == nil) != c.want || err == nil && (size != len(c.b) || len(f.payload()) != len(c.b)-frameFixed) {
			t.Errorf("%s: %d bytes, %v", c.what, size, err)
		}
		if err == nil { // what follows belongs to the next one
			if g, again, err := decodeFrame(append(slices.Clone(c.b), 9, 9)); err != nil || again != size ||
				g.id != f.id {
				t.Errorf("%s with more behind it: %d bytes, %v", c.what, again, err)
			}
		}
	}
}

// TestWaitsForDisk: of successes, those that only touch objects need not wait for the
// disk under Relaxed; every refusal and all else does, and under Sync everything (U-60).
func TestWaitsForDisk(t *testing.T) {
	relaxed := map[uint16]bool{4656: true, 4658: true, 4660: true, 4661: true, 4662: true, 4663: true, 4690: true}
	for k := range audit.Kinds {
		for _, outcome := range []audit.Outcome{audit.Success, audit.Failure} {
			e := audit.Event{Header: audit.Header{ID: k.ID, Outcome: outcome}}
			if want := outcome == audit.Failure || !relaxed[k.ID]; Relaxed.durable(&e) != want || !Sync.durable(&e) {
				t.Errorf("event %d, %v: relaxed %t, sync %t", k.ID, outcome, Relaxed.durable(&e), Sync.durable(&e))
			}
		}
	}
	if Sync.String() != "sync" || Relaxed.String() != "relaxed" || (Config{}).Mode != Sync {
		t.Error("the zero value is not sync")
	}
}

// TestNearlyFull: a log that is nearly full says so once in four hours, with how full
// it is (U-67).
func TestNearlyFull(t *testing.T) {
	d := newMemDisk(t, "")
	cfg := testConfig(t, d)
	clock := int64(100 * hour)
	cfg.clock = func() int64 { return clock }
	cfg.Keep = Keep{Bytes: 30_000, Full: Stop}
	l := mustOpen(t, cfg)
	write := func() error { return l.Write(opened(t, audit.Failure, strings.Repeat("r", 200))) }
	warnings := func() (n int) {
		for _, e := range recordsOf(t, d) {
			if percent, _ := e.Field("PercentFull"); e.ID == 1103 {
				if n++; percent < "90" || len(percent) != 2 {
					t.Errorf("a warning at %s %%", percent)
				}
			}
		}
		return n
	}
	for warnings() == 0 {
		if err := write(); err != nil {
			t.Fatal("full without a warning: ", err)
		}
	}
	clock += 4*hour - 1
	if err := write(); err != nil || warnings() != 1 {
		t.Errorf("%v, %d warnings before four hours are over", err, warnings())
	}
	clock++
	if err := write(); err != nil || warnings() != 2 {
		t.Errorf("%v, %d warnings after four hours", err, warnings())
	}
	for range 10 {
		_ = write()
	}
	if err := write(); !errors.Is(err, ErrStopped) {
		t.Errorf("a full log: %v", err)
	}
	if err := l.Close(); err != nil && !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	full := 0
	for _, e := range recordsOf(t, d) {
		if e.ID == 1104 {
			full++
		}
	}
	if full != 1 {
		t.Errorf("the log says %d times that it is full", full)
	}
}
