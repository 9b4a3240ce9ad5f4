package auditpeers

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

// grow adds records to the log of a folder and returns its newest checkpoint.
func grow(t testing.TB, dir string, records int) []byte {
	t.Helper()
	l, err := auditlog.Open(auditlog.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := l.Write(audit.LogArchived(strconv.Itoa(i), 1, 9)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sizeAndRoot reads the second and the third line of a checkpoint.
func sizeAndRoot(t *testing.T, checkpoint string) (uint64, []byte) {
	t.Helper()
	lines := strings.Split(checkpoint, "\n")
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return size, bytesOf(t, lines[2])
}

func bytesOf(t *testing.T, base string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// parts splits a proof file into its lines, the hashes after the first n lines, and the checkpoint.
func parts(t *testing.T, file []byte, n int) (head []string, hashes [][]byte, checkpoint string) {
	t.Helper()
	text, checkpoint, ok := strings.Cut(string(file), "\n\n")
	if !ok {
		t.Fatalf("no checkpoint in %q", file)
	}
	head = strings.Split(text, "\n")
	for _, line := range head[n:] {
		hashes = append(hashes, bytesOf(t, line))
	}
	return head[:n], hashes, checkpoint
}

// A third-party library accepts our inclusion and consistency proofs, and rejects them for another record, index or
// root (U-70).
func TestProofsVerifyInThirdPartyLibrary(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	var older [][]byte
	for _, n := range []int{1, 5, 249, 300, 77} {
		older = append(older, grow(t, dir, n))
	}
	size, root := sizeAndRoot(t, string(older[len(older)-1]))
	for id := uint64(1); id <= size; id += 13 {
		file, err := auditlog.ProveRecord(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		head, hashes, _ := parts(t, file, 3)
		payload := bytesOf(t, strings.TrimPrefix(head[1], "extra "))
		leaf := rfc6962.DefaultHasher.HashLeaf(payload)
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, id-1, size, leaf, hashes, root); err != nil {
			t.Errorf("record %d of %d: %v", id, size, err)
		}
		other := rfc6962.DefaultHasher.HashLeaf(append(payload, ' '))
		if proof.VerifyInclusion(rfc6962.DefaultHasher, id-1, size, other, hashes, root) == nil ||
			proof.VerifyInclusion(rfc6962.DefaultHasher, id%size, size, leaf, hashes, root) == nil {
			t.Errorf("record %d: its proof serves another record", id)
		}
	}
	for i, old := range older {
		file, err := auditlog.ProveSince(dir, old)
		if err != nil {
			t.Fatal(err)
		}
		_, hashes, _ := parts(t, file, 1)
		then, before := sizeAndRoot(t, string(old))
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, then, size, hashes, before, root); err != nil {
			t.Errorf("from %d to %d: %v", then, size, err)
		}
		if i < len(older)-1 &&
			proof.VerifyConsistency(rfc6962.DefaultHasher, then, size, hashes, root, root) == nil {
			t.Errorf("from %d to %d: the proof serves another root", then, size)
		}
	}
}
