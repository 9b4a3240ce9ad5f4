package auditlog

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// stored reads the files of a log that hold what is proved.
func stored(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), keyName) || d.Name() == lockName {
			return err
		}
		out[p], err = os.ReadFile(p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// edits returns how many bytes TestEdits changes: REFMON_EDITS, else 300.
func edits() int {
	if n, err := strconv.Atoi(os.Getenv("REFMON_EDITS")); err == nil {
		return n
	}
	return 300
}

// TestEdits changes one bit of a stored byte at a time, anywhere: each change
// is found (U-74; UC-53).
func TestEdits(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, Config{Dir: dir, SegmentBytes: 100_000, CheckpointRecords: 100})
	mustWrite(t, l, 300)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, dir)
	var names []string
	all := stored(t, dir)
	total := 0
	for name, b := range all {
		names = append(names, name)
		total += len(b)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	memory := newMemDisk(t, dir)
	for range edits() {
		name := names[rnd.IntN(len(names))]
		if rnd.IntN(4) > 0 { // most of the bytes are in segments
			for name = names[rnd.IntN(len(names))]; !strings.HasSuffix(name, segmentSuffix); {
				name = names[rnd.IntN(len(names))]
			}
		}
		at, bit := rnd.IntN(len(all[name])), byte(1)<<rnd.IntN(8)
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		memory.flip(filepath.ToSlash(rel), at, bit)
		_, err = Verify(Verification{disk: memory})
		memory.flip(filepath.ToSlash(rel), at, bit)
		if err == nil {
			t.Fatalf("%s: a change of bit %#x at %d is not found", rel, bit, at)
		}
	}
	if _, err := Verify(Verification{disk: memory}); err != nil {
		t.Fatalf("the log that was put right again: %v", err)
	}
	t.Logf("%d edits of %d bytes in %d files", edits(), total, len(names))
}

// rewrite makes a frame around another payload, checksums and all.
func rewrite(id uint64, payload []byte) []byte {
	b := append(make([]byte, frameFixed), payload...)
	finishFrame(b, 0, id)
	return b
}

// framesOf divides a segment.
func framesOf(t *testing.T, segment []byte) (head []byte, frames [][]byte) {
	t.Helper()
	h, err := decodeHeader(segment)
	if err != nil {
		t.Fatal(err)
	}
	head, rest := segment[:h.size()], segment[h.size():]
	for len(rest) > 0 {
		_, n, err := decodeFrame(rest)
		if err != nil {
			t.Fatal(err)
		}
		frames, rest = append(frames, rest[:n]), rest[n:]
	}
	return head, frames
}

// TestTampering changes the folder as one does who can write it and knows the format,
// but has not the key (U-72, U-74; UC-54, UC-55).
func TestTampering(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, Config{Dir: dir})
	mustWrite(t, l, 20)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(dir, checkpointName))
	if err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, Config{Dir: dir})
	mustWrite(t, l, 20)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	all := stored(t, dir)
	head, frames := framesOf(t, all[filepath.Join(dir, segmentName(1))])
	renumber := func(list [][]byte) [][]byte {
		var out [][]byte
		for i, f := range list {
			text := string(f[frameFixed:])
			_, rest, _ := strings.Cut(text, ",")
			out = append(out, rewrite(uint64(i+1), []byte(`{"id":`+strconv.Itoa(i+1)+","+rest)))
		}
		return out
	}
	with := func(list [][]byte) []byte {
		b := append([]byte(nil), head...)
		for _, f := range list {
			b = append(b, f...)
		}
		return b
	}
	clone := func() [][]byte { return append([][]byte(nil), frames...) }
	n := len(frames)
	for _, c := range []struct {
		name string
		list [][]byte
		kind string
		bad  uint64
	}{
		{"changed", func() [][]byte {
			f := clone()
			f[9] = rewrite(10, []byte(strings.Replace(string(f[9][frameFixed:]), "report", "REPORT", 1)))
			return f
		}(), FaultRecord, 10},
		{"swapped", func() [][]byte { f := clone(); f[4], f[5] = f[5], f[4]; return f }(), FaultOrder, 5},
		{"swapped and renumbered", func() [][]byte { f := clone(); f[0], f[5] = f[5], f[0]; return renumber(f) }(),
			FaultRecord, 1},
		{"deleted", append(clone()[:9], clone()[10:]...), FaultOrder, 10},
		{"deleted and renumbered", renumber(append(clone()[:9], clone()[10:]...)), FaultTruncated, uint64(n)},
		{"inserted and renumbered", renumber(append(append(clone()[:9], frames[0]), clone()[9:]...)), FaultRecord, 10},
		{"end cut off", clone()[:n-5], FaultTruncated, uint64(n - 4)},
		{"all gone", nil, FaultTruncated, 1},
		{"beginning cut off", clone()[3:], FaultOrder, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			memory := newMemDisk(t, dir)
			memory.set(segmentName(1), with(c.list))
			_, err := Verify(Verification{disk: memory})
			var f *Fault
			if !errors.As(err, &f) || f.Kind != c.kind || f.Record != c.bad {
				t.Errorf("%v, want %s at record %d", err, c.kind, c.bad)
			}
		})
	}
	t.Run("written anew without the key", func(t *testing.T) {
		memory := newMemDisk(t, dir)
		other := t.TempDir()
		l := mustOpen(t, Config{Dir: other})
		mustWrite(t, l, 40)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		keys, err := ReadPublicKey(filepath.Join(dir, publicName))
		if err != nil {
			t.Fatal(err)
		}
		var f *Fault
		if _, err := Verify(Verification{Dir: other, Keys: keys}); !errors.As(err, &f) || f.Kind != FaultSignature {
			t.Errorf("another key: %v", err)
		}
		memory.set(segmentName(1), stored(t, other)[filepath.Join(other, segmentName(1))])
		if _, err := Verify(Verification{disk: memory}); !errors.As(err, &f) {
			t.Errorf("other records: %v", err)
		}
	})
	t.Run("an older copy of the folder", func(t *testing.T) {
		memory := newMemDisk(t, dir)
		newest := all[filepath.Join(dir, checkpointName)]
		memory.set(segmentName(1), with(frames[:22]))
		memory.set(checkpointName, first)
		if _, err := Verify(Verification{disk: memory}); err == nil {
			t.Log("without an anchor it looks whole, as verify says")
		}
		var f *Fault
		if _, err := Verify(Verification{disk: memory, Anchors: [][]byte{newest}}); !errors.As(err, &f) ||
			f.Kind != FaultTruncated {
			t.Errorf("against a newer checkpoint: %v", err)
		}
	})
}
