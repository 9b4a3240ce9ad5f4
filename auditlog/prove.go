package auditlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ProveRecord returns a proof that a record is in the log, in the form c2sp.org/tlog-proof@v1: a reader with the
// log's public key can check it without the log. Its extra line has the record's bytes in base64. id is the RecordId,
// from 1. ProveRecord fails if the newest checkpoint does not cover the record, and with a [GoneError] if the log no
// longer has it. It does not verify the checkpoint's signature.
func ProveRecord(dir string, id uint64) ([]byte, error) { return proveRecord(folder{dir: dir}, id) }

// proveRecord returns the proof that record id is in the log, with the record and the newest checkpoint, in the C2SP
// form. It fails for record 0, a record that is gone, and one that the checkpoint does not cover yet. An invalid
// proof is an error that asks for a verification.
func proveRecord(d disk, id uint64) ([]byte, error) {
	signed, c, err := ownCheckpoint(d)
	if err != nil {
		return nil, err
	}
	if id == 0 || id > c.Size {
		return nil, fmt.Errorf("prove record %d: the newest checkpoint covers records 1 to %d: wait for the next one",
			id, c.Size)
	}
	r, err := newReader(d, id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	if r.Oldest() != id {
		return nil, fmt.Errorf("prove record %d: %w", id, &GoneError{id, r.Oldest() - 1})
	}
	rec, err := r.Next()
	if err != nil {
		return nil, err
	}
	p, err := tlog.ProveRecord(int64(c.Size), int64(id-1), tileHashes{d, c.Size})
	if err == nil {
		err = tlog.CheckRecord(p, int64(c.Size), c.Root, int64(id-1), rec.Leaf())
	}
	if outdated(d, &c, err) {
		return proveRecord(d, id)
	}
	if err != nil {
		return nil, fmt.Errorf("prove record %d: %w: run refmon audit verify", id, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "c2sp.org/tlog-proof@v1\nextra %s\nindex %d\n", base64.StdEncoding.EncodeToString(rec.Payload()),
		id-1)
	writeHashes(&b, p)
	return append([]byte(b.String()), signed...), nil
}

// ProveSince returns a proof that the current log continues the log of the older signed checkpoint old, so that
// nothing before that was changed or removed. It has the form of a request to a C2SP witness: the old size, hashes,
// and the newest checkpoint. ProveSince does not verify signatures. It fails if the log does not continue the
// checkpoint, or if old belongs to another log.
func ProveSince(dir string, old []byte) ([]byte, error) { return proveSince(folder{dir: dir}, old) }

// proveSince returns the proof that the newest checkpoint continues old, followed by the newest checkpoint. If old
// has no records, the proof is empty. If old is from another log, has more records, or is not continued, proveSince
// returns an error.
func proveSince(d disk, old []byte) ([]byte, error) {
	then, err := parseSigned(old)
	if err != nil {
		return nil, err
	}
	signed, now, err := ownCheckpoint(d)
	if err != nil {
		return nil, err
	}
	if then.Origin != now.Origin {
		return nil, fmt.Errorf("the old checkpoint is of the log %q, the folder of %q", then.Origin, now.Origin)
	}
	if then.Size > now.Size {
		return nil, fmt.Errorf("the old checkpoint names %d records, the newest one %d: records are gone", then.Size,
			now.Size)
	}
	var p tlog.TreeProof
	if then.Size > 0 {
		if p, err = continues(d, now, then); outdated(d, &now, err) {
			return proveSince(d, old)
		}
		if err != nil {
			return nil, fmt.Errorf("the log does not continue the old checkpoint: %w: run refmon audit verify", err)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", then.Size)
	writeHashes(&b, p)
	return append([]byte(b.String()), signed...), nil
}

// outdated reports whether err says that a tile is missing and the log has a later checkpoint than c by now, which has
// replaced the tiles of c.
func outdated(d disk, c *Checkpoint, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, now, lost := ownCheckpoint(d)
	return lost == nil && now.Size > c.Size
}

// continues returns the proof that the log of the checkpoint now continues that of the checkpoint then, which has
// records. It checks the proof.
func continues(d disk, now, then Checkpoint) (tlog.TreeProof, error) {
	p, err := tlog.ProveTree(int64(now.Size), int64(then.Size), tileHashes{d, now.Size})
	if err == nil {
		err = tlog.CheckTree(p, int64(now.Size), now.Root, int64(then.Size), then.Root)
	}
	return p, err
}

// writeHashes writes the hashes of a proof, one a line, and an empty line. For none it writes the empty line alone.
func writeHashes(b *strings.Builder, hashes []tlog.Hash) {
	for i := range hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(hashes[i][:]) + "\n")
	}
	b.WriteByte('\n')
}

// ownCheckpoint returns the folder's checkpoint, signed and parsed, without verifying its signature. The caller
// checks its proof against the root, and whoever reads the proof verifies the signature.
func ownCheckpoint(d disk) ([]byte, Checkpoint, error) {
	signed, err := readFile(d, checkpointName, maxNote)
	if err != nil {
		return nil, Checkpoint{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	c, err := parseSigned(signed)
	return signed, c, err
}
