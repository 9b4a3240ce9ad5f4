package auditlog

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// TestLogsThatAreNoLogs: what stands in a folder without a segment is told apart: nothing at all, a log that ended
// before its first record, and one whose records are gone (U-72, U-74).
func TestLogsThatAreNoLogs(t *testing.T) {
	d := newMemDisk(t, "")
	if err := mustOpen(t, testConfig(t, d)).Close(); err != nil {
		t.Fatal(err)
	}
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
	if err != nil {
		t.Fatal(err)
	}
	gone.set(checkpointName, signed)
	if err := verify(gone); errors.As(err, &f) || err == nil || !strings.Contains(err.Error(), "has no segment") {
		t.Errorf("a log without a first record: %v", err)
	}
	nothing := newMemDisk(t, "")
	if err := verify(nothing); !errors.As(err, &f) || *f != (Fault{FaultSignature, 0, "the folder has no checkpoint"}) {
		t.Errorf("an empty folder: %v", err)
	}
	for what, prove := range map[string]func(d disk) ([]byte, error){
		"a record": func(d disk) ([]byte, error) { return proveRecord(d, 1) },
		"since":    func(d disk) ([]byte, error) { return proveSince(d, signed) },
	} {
		if proof, err := prove(nothing); !errors.Is(err, fs.ErrNotExist) || proof != nil {
			t.Errorf("prove %s of an empty folder: %v, %q", what, err, proof)
		}
		gone.set(checkpointName, []byte("no note"))
		if proof, err := prove(gone); err == nil || proof != nil || !strings.Contains(err.Error(), "no signed note") {
			t.Errorf("prove %s by a checkpoint that is no note: %v, %q", what, err, proof)
		}
	}
	gone.set(checkpointName, d.now[checkpointName].data)
	if proof, err := proveRecord(gone, 1); err == nil || proof != nil || !strings.Contains(err.Error(), "has no segment") {
		t.Errorf("prove a record without segments: %v, %q", err, proof)
	}
	if proof, err := proveSince(gone, signed); err != nil || !strings.HasPrefix(string(proof), "old 0\n\n") {
		t.Errorf("prove since nothing without segments: %v, %q", err, proof)
	}
	whole := d.crash(func(int) int { return 0 })
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

// TestPartsOfFiles: a part of a file is copied whole, from its place, however many reads that takes.
func TestPartsOfFiles(t *testing.T) {
	d := newMemDisk(t, "")
	from := make([]byte, 3*chunk+100)
	for i := range from {
		from[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	d.set("from", from)
	f, err := d.Open("from")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 1, chunk - 1, chunk, chunk + 1, 2*chunk + 5, 3*chunk + 9} {
		if err := closed(put(d, "to", partOf(f, 7, size))); err != nil {
			t.Fatal(err)
		}
		if got := d.now["to"].data; string(got) != string(from[7:7+size]) {
			t.Errorf("%d bytes from 7 on: %d bytes, or others", size, len(got))
		}
	}
	if err := closed(put(d, "to", partOf(f, 7, 3*chunk+100))); err == nil {
		t.Error("more than the file has is copied")
	}
}

// TestFullTileThatIsCut: of a full tile that is cut off the first record that it lacks is told (U-74).
func TestFullTileThatIsCut(t *testing.T) {
	d := newMemDisk(t, "")
	l := mustOpen(t, testConfig(t, d))
	mustWrite(t, l, tileWidth+5)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name := tilePath(0, 0, tileWidth)
	whole := d.now[name].data
	for _, left := range []int{0, 1, 100, tileWidth - 1} {
		for more := range 2 { // bytes that are no whole hash
			d.set(name, whole[:left*tlog.HashSize+more])
			refuted(t, fmt.Sprintf("%d hashes and %d bytes", left, more), d, uint64(left+1), FaultTree)
		}
	}
}
