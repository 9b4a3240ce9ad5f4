package auditlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/internal/test/inject"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// stored returns the log files that the proofs cover.
func stored(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	testcheck.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), keyName) || d.Name() == lockName {
			return err
		}
		out[p], err = os.ReadFile(p)
		return err
	}))
	return out
}

// edits returns the number of changed bytes in TestVerifyDetectsEveryBitFlip: REFMON_EDITS, else 300.
func edits() int {
	if n, err := strconv.Atoi(os.Getenv("REFMON_EDITS")); err == nil {
		return n
	}
	return 300
}

// TestVerifyDetectsEveryBitFlip checks that a change of one bit of any stored byte is detected (U-74; UC-53).
func TestVerifyDetectsEveryBitFlip(t *testing.T) {
	dir := t.TempDir()
	writeLog(t, Config{Dir: dir, SegmentBytes: 100_000, CheckpointRecords: 100}, 300)
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
		rel := testcheck.Must(filepath.Rel(dir, name))
		memory.flip(filepath.ToSlash(rel), at, bit)
		_, err := Verify(Verification{disk: memory})
		memory.flip(filepath.ToSlash(rel), at, bit)
		testcheck.RequireThat(t, err != nil, "%s: a change of bit %#x at %d is not found", rel, bit, at)
	}
	testcheck.Require(t, testcheck.Err(Verify(Verification{disk: memory})), nil, "the log that was put right again")
	t.Logf("%d edits of %d bytes in %d files", edits(), total, len(names))
}

// rewrite returns a frame with another payload and valid checksums.
func rewrite(id uint64, payload []byte) []byte {
	b := append(make([]byte, frameFixed), payload...)
	finishFrame(b, 0, id)
	return b
}

// framesOf splits a segment into its header and frames.
func framesOf(t *testing.T, segment []byte) (head []byte, frames [][]byte) {
	t.Helper()
	h := testcheck.Must(decodeHeader(segment))
	head, rest := segment[:h.size()], segment[h.size():]
	for len(rest) > 0 {
		_, n, err := decodeFrame(rest)
		testcheck.NoError(t, err)
		frames, rest = append(frames, rest[:n]), rest[n:]
	}
	return head, frames
}

// TestTamperingWithoutKeyIsDetected changes the folder like an attacker with write access who knows the format but
// does not have the key (U-72, U-74; UC-54, UC-55).
func TestTamperingWithoutKeyIsDetected(t *testing.T) {
	dir := t.TempDir()
	writeLog(t, Config{Dir: dir}, 20)
	writeLog(t, Config{Dir: dir}, 20)
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
			testcheck.That(t, errors.As(err, &f) && f.Kind == c.kind && f.Record == c.bad,
				"%v, want %s at record %d", err, c.kind, c.bad)
		})
	}
	t.Run("rewritten without the key", func(t *testing.T) {
		memory := newMemDisk(t, dir)
		other := t.TempDir()
		writeLog(t, Config{Dir: other}, 40)
		keys := testcheck.Must(ReadPublicKey(filepath.Join(dir, publicName)))
		var f *Fault
		if _, err := Verify(Verification{Dir: other, Keys: keys}); !errors.As(err, &f) || f.Kind != FaultSignature {
			t.Errorf("another key: %v", err)
		}
		memory.set(segmentName(1), stored(t, other)[filepath.Join(other, segmentName(1))])
		if _, err := Verify(Verification{disk: memory}); !errors.As(err, &f) {
			t.Errorf("other records: %v", err)
		}
	})
	t.Run("signed with another number", func(t *testing.T) {
		memory, cfg := newConfig(t)
		writeLog(t, cfg, 3)
		head, frames := framesOf(t, memory.now[segmentName(1)].data)
		frames[2] = rewrite(3, bytes.Replace(frames[2][frameFixed:], []byte(`{"id":3`), []byte(`{"id":4`), 1))
		var tree frontier
		for _, f := range frames {
			tree.add((&frame{bytes: f}).leaf())
		}
		memory.set(segmentName(1), slices.Concat(append([][]byte{head}, frames...)...))
		c := Checkpoint{"test.example/audit", tree.size, tree.root()}
		memory.set(checkpointName, testcheck.Must(signCheckpoint(&c, cfg.Signers)))
		testcheck.NoError(t, mustOpen(t, cfg).Close()) // stores its hashes
		wantFault(t, "another number", memory, 3, FaultRecord)
	})
}

// In a folder without segments every record that a checkpoint covers is missing, whether it is the folder's own
// checkpoint or one from elsewhere. A private key in the folder is reported, even if a public key is given (U-72).
func TestVerifyEmptyFolder(t *testing.T) {
	_, key := testKey(t)
	anchor := func(size uint64) []byte {
		signed, err := signCheckpoint(&Checkpoint{Origin: "test.example/audit", Size: size}, testConfig(t, nil).Signers)
		testcheck.NoError(t, err)
		return signed
	}
	for _, sizes := range [][]uint64{{1}, {1, 7}, {0, 7}, {7}} {
		d := newMemDisk(t, "")
		d.set(checkpointName, anchor(sizes[len(sizes)-1]))
		d.set(keyName, []byte("a key"))
		if len(sizes) == 2 { // it cannot be read
			d.Fail(syscall.EACCES, inject.PathMatch(keyName))
		}
		v := Verification{disk: d, Keys: []note.Verifier{key}}
		for _, n := range sizes {
			v.Anchors = append(v.Anchors, anchor(n))
		}
		out, err := Verify(v)
		var f *Fault
		testcheck.That(t, errors.As(err, &f) && f.Kind == FaultTruncated && f.Record == 1 && out.KeyInside,
			"checkpoints of %v and no record: %v, a key inside %v", sizes, err, out.KeyInside)
	}
}

// TestRemovedUncoveredSegmentsAreDetected checks that a missing segment is a fault if no checkpoint covered it, because
// the log removes only covered segments. A log may be written while it is verified (U-74).
func TestRemovedUncoveredSegmentsAreDetected(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes, cfg.CheckpointRecords = 2_000, 1<<40
	l := mustOpen(t, cfg)
	for range 30 {
		mustWrite(t, l, 1)
	}
	removed := d.crash(lostAll)
	testcheck.NoError(t, removed.Remove(segmentName(1)))
	_, key := testKey(t)
	v := Verification{disk: removed, Keys: []note.Verifier{key}}
	_, err := Verify(v)
	var fault *Fault
	if !errors.As(err, &fault) || fault.Kind != FaultGap || fault.Record != 1 {
		t.Errorf("without the first segment, of which no checkpoint is known: %v, want a gap at record 1", err)
	}
	testcheck.NoError(t, l.Close())
	v.disk = &overtaken{memDisk: removed, later: d.now[checkpointName].data}
	testcheck.NoError(t, testcheck.Err(Verify(v)))
}

// overtaken is a disk on which a later checkpoint appears after the first one was read.
type overtaken struct {
	*memDisk
	later []byte
}

// List implements disk.
func (d *overtaken) List(name string) ([]string, error) {
	d.set(checkpointName, d.later)
	return d.memDisk.List(name)
}

// Folders without a segment are distinguished: an empty folder, a log that ended before its first record, and one
// whose records were removed (U-72, U-74).
func TestEmptyFolderIsNotRemovedLog(t *testing.T) {
	d := newMemDisk(t, "")
	testcheck.NoError(t, mustOpen(t, testConfig(t, d)).Close())
	_, key := testKey(t)
	verify := func(d disk) error {
		_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}})
		return err
	}
	gone := newMemDisk(t, "")
	gone.set(checkpointName, d.now[checkpointName].data)
	var f *Fault
	if err := verify(gone); !errors.As(err, &f) || *f != (Fault{FaultTruncated, 1,
		"no record is there, and a checkpoint names 2"}) {
		t.Errorf("records that are gone: %v", err)
	}
	signer, _ := testKey(t)
	signed, err := signCheckpoint(&Checkpoint{Origin: "test.example/audit", Root: tlogEmpty()}, []note.Signer{signer})
	testcheck.NoError(t, err)
	gone.set(checkpointName, signed)
	if err := verify(gone); errors.As(err, &f) || err == nil || !strings.Contains(err.Error(), "has no segment") {
		t.Errorf("a log without a first record: %v", err)
	}
	nothing := newMemDisk(t, "")
	if err := verify(nothing); !errors.As(err, &f) || *f != (Fault{FaultSignature, 0, "the folder has no checkpoint"}) {
		t.Errorf("an empty folder: %v", err)
	}
	noFolder := folder{dir: filepath.Join(t.TempDir(), "file")}
	testcheck.ErrorIs(t, testcheck.Err(newReader(noFolder, 0)), fs.ErrNotExist, "a missing folder")
	testcheck.NoError(t, os.WriteFile(noFolder.dir, nil, 0o600))
	_, err = newReader(noFolder, 0)
	testcheck.That(t, err != nil && !strings.Contains(err.Error(), "has no segment"), "a file for a folder: %v", err)
	for what, prove := range map[string]func(d disk) ([]byte, error){
		"a record": func(d disk) ([]byte, error) { return proveRecord(d, 1) },
		"since":    func(d disk) ([]byte, error) { return proveSince(d, signed) },
	} {
		if proof, err := prove(nothing); !errors.Is(err, fs.ErrNotExist) || proof != nil {
			t.Errorf("prove %s of an empty folder: %v, %q, want %v, nil", what, err, proof, fs.ErrNotExist)
		}
		gone.set(checkpointName, []byte("no note"))
		if proof, err := prove(gone); err == nil || proof != nil || !strings.Contains(err.Error(), "no signed note") {
			t.Errorf("prove %s by a checkpoint that is not a note: %v, %q", what, err, proof)
		}
	}
	gone.set(checkpointName, d.now[checkpointName].data)
	if proof, err := proveRecord(gone, 1); err == nil || proof != nil || !strings.Contains(err.Error(), "has no segment") {
		t.Errorf("prove a record without segments: %v, %q", err, proof)
	}
	if proof, err := proveSince(gone, signed); err != nil || !strings.HasPrefix(string(proof), "old 0\n\n") {
		t.Errorf("prove since nothing without segments: %v, %q, want string(proof) starting with %q, no error", err,
			proof, "old 0\n\n")
	}
	whole := d.crash(lostAll)
	delete(whole.now, "tile/0/000.p/2")
	if proof, err := proveRecord(whole, 1); err == nil || proof != nil ||
		!strings.Contains(err.Error(), "prove record 1: ") {
		t.Errorf("prove a record without hashes: %v, %q", err, proof)
	}
	whole.flip(segmentName(1), len(whole.now[segmentName(1)].data)-1, 1)
	if proof, err := proveRecord(whole, 2); err == nil || proof != nil || !strings.Contains(err.Error(), "record 2") {
		t.Errorf("prove a record that was changed: %v, %q", err, proof)
	}
}

// released returns the folders of logs that released versions wrote.
func released(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("../testdata/formats/*/audit")
	testcheck.RequireThat(t, err == nil && len(dirs) != 0, "%v %v", dirs, err)
	return dirs
}

// TestReleasedLogsVerify verifies and reads the logs of released versions: segments, checkpoints, hashes and records. A
// newer segment or checkpoint is an error that names the file or the version, and the remedy.
func TestReleasedLogsVerify(t *testing.T) {
	for _, from := range released(t) {
		dir := filepath.Join(t.TempDir(), "audit")
		testcheck.NoError(t, os.CopyFS(dir, os.DirFS(from)))
		v, err := Verify(Verification{Dir: dir})
		testcheck.That(t, err == nil && v.First == 1 && v.Last >= 5 && v.Checkpoint.Size == v.Last && v.Whole,
			"%s: %+v, %v", from, v, err)
		r, err := NewReader(dir, 1)
		testcheck.NoError(t, err)
		n, opened := uint64(0), 0
		for rec, err := r.Next(); !errors.Is(err, io.EOF); rec, err = r.Next() {
			testcheck.NoError(t, err)
			e, err := rec.Event()
			if n++; err != nil || e.Header.ID == 0 || e.Version != 1 && e.Version != 0 {
				t.Errorf("%s: record %d: %+v, %v", from, n, e, err)
			}
			if e.ID == 4656 {
				opened++
			}
		}
		if err := r.Close(); err != nil || n != v.Last || opened != 5 {
			t.Errorf("%s: %d records, %d opens, %v, want %d, 5", from, n, opened, err, v.Last)
		}
		name := filepath.Join(dir, "audit-0000000000000001.log")
		b, err := os.ReadFile(name)
		testcheck.NoError(t, err)
		b[4] = 2
		testcheck.NoError(t, os.WriteFile(name, b, 0o600))
		_, err = Verify(Verification{Dir: dir})
		for _, want := range []string{"audit-0000000000000001.log", "version 2", "knows 1", "use the release that wrote it"} {
			testcheck.That(t, err != nil && strings.Contains(err.Error(), want),
				"a newer segment: %v, want %q", err, want)
		}
	}
	_, err := parseCheckpoint("log\n5\nAAAA\nmore\nand more\n")
	if err == nil || !strings.Contains(err.Error(), "2 extension lines, this program knows none: use the release") {
		t.Errorf("a newer checkpoint: %v", err)
	}
}
