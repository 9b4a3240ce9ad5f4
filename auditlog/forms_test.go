package auditlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// TestCheckpointForms: a checkpoint has one form; what departs from it is refused for its
// own reason (U-71).
func TestCheckpointForms(t *testing.T) {
	const root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	text := func(lines ...string) string { return strings.Join(lines, "\n") }
	for in, why := range map[string]string{
		text("a", "7", root, ""): "", text("a", "0", root, ""): "", text("a", "9223372036854775807", root, ""): "",
		text("a", "7", root): "three lines", text("a", "7", root, "", ""): "three lines", text("", "7", root,
			""): "three lines",
		text("a", "7", root, "x"): "three lines", text("a", "7", ""): "three lines",
		text("a", "", root, ""): "is no number", text("a", "-1", root, ""): "is no number", text("a", "7 ", root,
			""): "is no number",
		text("a", "9223372036854775808", root, ""): "is no number",
		text("a", "7", "", ""):                     "is not the base64 of 32 bytes", text("a", "7", root[:40],
			""): "is not the base64 of 32 bytes",
		text("a", "7", "AAAA"+root, ""): "is not the base64 of 32 bytes", text("a", "7", "?"+root[1:],
			""): "is not the base64 of 32 bytes",
		text("a", "07", root, ""): "one form", text("a", "7", root[:42]+"B=", ""): "one form",
	} {
		c, err := parseCheckpoint(in)
		if why == "" {
			if err != nil || c.text() != in {
				t.Errorf("%q: %v", in, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want a refusal with %q", in, err, why)
		}
	}
}

// TestLastCheckpointIsOurs: a log goes on behind a checkpoint that one of its own keys
// signed, and behind no other: not that of a key of the same name, nor an altered one (U-71).
func TestLastCheckpointIsOurs(t *testing.T) {
	signerOf := func(name string) note.Signer {
		private, _, err := note.GenerateKey(nil, name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := note.NewSigner(private)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	own, same, other := signerOf("a.example/audit"), signerOf("a.example/audit"), signerOf("b.example/audit")
	c := Checkpoint{Origin: "a.example/audit", Size: 7}
	sign := func(by ...note.Signer) []byte {
		b, err := signCheckpoint(&c, by)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	altered := sign(own)
	at := strings.LastIndexByte(string(altered), ' ') + 12 // behind the key's hash
	altered[at] ^= 1
	for name, tc := range map[string]struct {
		b    []byte
		fine bool
	}{
		"ours": {sign(own), true}, "ours and another's": {sign(own, other), true}, "another's and ours": {sign(other,
			own), true},
		"another's": {sign(other), false}, "another key's": {sign(same), false}, "altered": {altered, false},
	} {
		d := newMemDisk(t, "")
		if err := closed(put(d, checkpointName, bytesOf(tc.b))); err != nil {
			t.Fatal(err)
		}
		cfg := testConfig(t, d)
		cfg.Signers = []note.Signer{own}
		w := &writer{log: &Log{cfg: cfg, origin: c.Origin}}
		got, err := w.lastCheckpoint()
		if (err == nil) != tc.fine || tc.fine && got != c {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestSegmentNames: the name of a segment is its first record in sixteen small digits, and
// no other name is one (U-70).
func TestSegmentNames(t *testing.T) {
	for _, first := range []uint64{1, 15, 16, 0xABCDEF, maxSize, math.MaxUint64} {
		name := fmt.Sprintf("audit-%016x.log", first)
		if got := segmentName(first); got != name {
			t.Errorf("%d: %s, want %s", first, got, name)
		}
		if got, ok := parseSegmentName(name); !ok || got != first {
			t.Errorf("%s: %d, %t", name, got, ok)
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
		"tile//000", "tile/0/000.p/1/2", "tile/0/000.p/257"} {
		if level, number, width, ok := parseTilePath(bad); ok {
			t.Errorf("%q is taken for the tile %d of level %d, %d wide", bad, number, level, width)
		}
	}
	for _, good := range []string{"tile/7/000", "tile/0/000.p/1", "tile/0/000.p/255", "tile/0/x001/000"} {
		if level, number, width, ok := parseTilePath(good); !ok || tilePath(level, number, width) != good {
			t.Errorf("%q is no tile: %d, %d, %d", good, level, number, width)
		}
	}
}

// TestHeadersOfSegments: the first record of a segment is numbered 1 to 2^56-1, and a header
// that is cut, altered or of another version is refused for that reason (U-70).
func TestHeadersOfSegments(t *testing.T) {
	good := header{first: 1}
	whole := good.encode()
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
		"the last one":    {first(1<<56 - 1), "hashes for a tree"}, // it is let in, and lacks the hashes before it
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
