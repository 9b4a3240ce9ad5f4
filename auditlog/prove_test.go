package auditlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
)

// TestOlderCheckpointIsProvedByHashes checks that a checkpoint of records that are not read is proved from the stored
// hashes, and that one of another log is not (U-72).
func TestOlderCheckpointIsProvedByHashes(t *testing.T) {
	d, ours := manySegments(t, 2)
	_, theirs := manySegments(t, 2)
	_, key := testKey(t)
	total := verifyDisk(t, d).Last
	first := testcheck.Must(parseSigned(ours[0]))
	first.Origin = "other.example/audit"
	renamed := testcheck.Must(signCheckpoint(&first, testConfig(t, d).Signers))
	for name, c := range map[string]struct {
		anchor []byte
		kind   string // "": none
	}{"ours": {ours[0], ""}, "theirs": {theirs[0], FaultHistory}, "of another name": {renamed, FaultSignature}} {
		_, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: [][]byte{c.anchor}, From: total})
		var f *Fault
		testcheck.That(t, (c.kind != "" || err == nil) && (c.kind == "" || errors.As(err, &f) && f.Kind == c.kind),
			"an anchor that is %s: %v", name, err)
	}
}

// opensProof checks a proof with the public key alone and returns the record that it proves.
func opensProof(t *testing.T, proof []byte) (record []byte, index int64, err error) {
	t.Helper()
	_, key := testKey(t)
	head, signed, ok := bytes.Cut(proof, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	testcheck.RequireThat(t, ok && len(lines) >= 3 && lines[0] == "c2sp.org/tlog-proof@v1",
		"a proof of another form:\n%s", proof)
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
		testcheck.RequireThat(t, err == nil && len(b) == tlog.HashSize, "%q is not a hash", line)
		out = append(out, tlog.Hash(b))
	}
	return out
}

// TestEachRecordHasItsOwnProof checks that each kept record has a self-contained proof, that no other number has one,
// and that a proof of one record is not valid for another (U-70, U-72).
func TestEachRecordHasItsOwnProof(t *testing.T) {
	d, checkpoints := manySegments(t, 2)
	firsts := segmentsOf(t, d)
	all := recordsOf(t, d)
	size := verifyDisk(t, d).Checkpoint.Size
	for id := uint64(1); id <= size; id++ {
		proof, err := proveRecord(d, id)
		testcheck.RequireThat(t, err == nil, "record %d: %v", id, err)
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
	now := testcheck.Must(OpenCheckpoint(checkpoints[1], key))
	then := testcheck.Must(OpenCheckpoint(checkpoints[0], key))
	for _, old := range checkpoints {
		proof := testcheck.Must(proveSince(d, old))
		head, signed, _ := bytes.Cut(proof, []byte("\n\n"))
		lines := strings.Split(string(head), "\n")
		c, err := OpenCheckpoint(old, key)
		testcheck.RequireThat(t, err == nil && bytes.Equal(signed, checkpoints[1]) &&
			lines[0] == fmt.Sprintf("old %d", c.Size), "%v:\n%s", err, proof)
		if c.Size == then.Size {
			if err := tlog.CheckTree(hashesOf(t, lines[1:]), int64(now.Size), now.Root, int64(then.Size),
				then.Root); err != nil {
				t.Error(err)
			}
		}
	}
	sign := func(c Checkpoint) []byte {
		s, _ := testKey(t)
		return testcheck.Must(signCheckpoint(&c, []note.Signer{s}))
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
	testcheck.That(t, testcheck.Err(proveSince(d, []byte("no checkpoint"))) != nil,
		"bytes without a checkpoint are continued")
	delete(d.now, segmentName(firsts[0])) // like a removed record
	var gone *GoneError
	if _, err := proveRecord(d, 1); !errors.As(err, &gone) || gone.From != 1 || gone.To != firsts[1]-1 {
		t.Errorf("a record that is not kept: %v", err)
	}
	testcheck.Equal(t, testcheck.Err(proveRecord(d, firsts[1])), nil, "the oldest that is kept")
}
