package auditlog

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
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
			t.Errorf("prove %s by a checkpoint that is none: %v, %q", what, err, proof)
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
