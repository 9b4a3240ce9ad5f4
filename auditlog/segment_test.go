package auditlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// A record above the size limit is stored with its longest fields truncated. One at the limit is stored unchanged
// (U-68).
func TestLongRecordIsTruncated(t *testing.T) {
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
		testcheck.NoError(t, l.Write(e))
		got := recordsOf(t, d, id)[0]
		got.Chain = "" // the reader fills it in
		cut, marked := got.Field("Truncated")
		if n := len(got.AppendJSON(nil)); n > limit || n < limit/4 || marked != c.cut {
			t.Errorf("%d: %d bytes, cut %q", id, n, cut)
		}
		testcheck.That(t, c.cut || bytes.Equal(got.AppendJSON(nil), e.AppendJSON(nil)), "%d: what fits is changed", id)
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
	testcheck.NoError(t, l.Close())
	if v := verifyDisk(t, d); v.Last != 6 {
		t.Errorf("Verify of a log with shortened records = %+v, want last record 6", v)
	}
}

// TestFrameSizeIsBounded checks that a frame has 1 byte to 256 KiB of content, a valid checksum and a record number
// whose highest byte is 0. Any other frame is torn.
func TestFrameSizeIsBounded(t *testing.T) {
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
		if err == nil { // the rest belongs to the next frame
			if g, again, err := decodeFrame(append(slices.Clone(c.b), 9, 9)); err != nil || again != size ||
				g.id != f.id {
				t.Errorf("%s with more after it: %d bytes, %v", c.what, again, err)
			}
		}
	}
}

// TestSegmentNameIsItsFirstRecord checks that a segment's name is the number of its first record in sixteen lower-case
// hexadecimal digits, and that other names are rejected (U-70).
func TestSegmentNameIsItsFirstRecord(t *testing.T) {
	for _, first := range []uint64{1, 15, 16, 0xABCDEF, maxSize, math.MaxUint64} {
		name := fmt.Sprintf("audit-%016x.log", first)
		testcheck.Equal(t, segmentName(first), name, "%d", first)
		if got, ok := parseSegmentName(name); !ok || got != first {
			t.Errorf("%s: %d, %t, want %d, true", name, got, ok, first)
		}
	}
	const good = "audit-00000000000000ab.log"
	for _, bad := range []string{"", "audit-.log", good[:len(good)-4], good + "x", "x" + good, "audit-ab.log",
		"audit-0000000000000000ab.log", "audit-00000000000000AB.log", "audit-00000000000000ag.log",
		"audit-+0000000000000ab.log",
		"audit-000000000000000x.log", strings.Replace(good, "audit-", "audit_", 1), strings.Replace(good, ".log",
			".lag", 1)} {
		if first, ok := parseSegmentName(bad); ok {
			t.Errorf("%q is taken for the segment of record %d", bad, first)
		}
	}
	for _, bad := range []string{"", "tile", "tile/", "tile/0", "tile/8/000", "tile/-1/000", "tile/00/000",
		"tile/0/000.p/",
		"tile/0/000.p/-1", "tile/0/000.p/x", "tile/0/x000/000", "tile/0/00x", "tile/0/001/002", "other/0/000",
		"tile/0/000/",
		"tile//000", "tile/0/000.p/1/2", "tile/0/000.p/257", "tile/0/x001/x002", "tile/0/000.p/0", "tile/0/000.p/256",
		"tile/a/000", "tile/0/000.p/01", "tile/0/1000"} {
		if level, number, width, ok := parseTilePath(bad); ok {
			t.Errorf("%q is taken for the tile %d of level %d, %d wide", bad, number, level, width)
		}
	}
	for _, good := range []string{"tile/7/000", "tile/0/000.p/1", "tile/0/000.p/255", "tile/0/x001/000"} {
		if level, number, width, ok := parseTilePath(good); !ok || tilePath(level, number, width) != good {
			t.Errorf("%q is not a tile: %d, %d, %d", good, level, number, width)
		}
	}
	d, cfg := newConfig(t)
	writeLog(t, cfg, 1)
	d.set(segmentName(2), d.now[segmentName(1)].data)
	_, _, err := openSegment(d, 2)
	testcheck.That(t, err != nil, "a segment opens under another name")
}

// TestInvalidSegmentHeaderIsRefused checks that the first record's number must be 1 to 2^56-1, and that a truncated or
// altered header, and one of another version, has its own error (U-70).
func TestInvalidSegmentHeaderIsRefused(t *testing.T) {
	good := header{mode: Relaxed, log: [16]byte{1}, first: 1}
	whole := good.encode()
	if got, err := decodeHeader(whole); err != nil || whole[6] != 1 || got.mode != Relaxed || got.log != good.log {
		t.Errorf("%x is decoded as %+v, %v, want mode 1 and the same log", whole, got, err)
	}
	sum := func(b []byte) []byte {
		n := len(b) - 4
		binary.LittleEndian.PutUint32(b[n:], crc32.Checksum(b[:n], crc32.MakeTable(crc32.Castagnoli)))
		return b
	}
	first := func(n uint64) []byte {
		b := slices.Clone(whole)
		binary.LittleEndian.PutUint64(b[24:], n)
		return sum(b)
	}
	change := func(at int) []byte {
		b := slices.Clone(whole)
		b[at] ^= 0x40
		return b
	}
	for name, c := range map[string]struct {
		b   []byte
		why string
	}{
		"as it is": {whole, ""}, "record 0": {first(0), "no first RecordId"}, "record 2^56": {first(1 << 56),
			"no first RecordId"},
		"the last one":    {first(1<<56 - 1), "hashes for a tree"}, // accepted, although earlier hashes are missing
		"cut by a byte":   {whole[:len(whole)-1], "no segment"},
		"another magic":   {change(0), "no segment"},
		"another version": {change(4), "this program knows"},
		"an altered byte": {change(10), "checksum"},
		"more hashes":     {change(7), "cut off"},
		"nothing":         {nil, "no segment"},
	} {
		if _, err := decodeHeader(c.b); (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(),
			c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
}
