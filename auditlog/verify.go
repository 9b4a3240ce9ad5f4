package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"
)

// Verification configures a verification. The zero value verifies the whole
// folder against its own checkpoint and the key next to it.
type Verification struct {
	Dir string
	// Anchors are signed checkpoints that were stored elsewhere. Each must match
	// the tree.
	Anchors [][]byte
	Keys    []note.Verifier // nil: the public key in the log's folder
	// From and To limit the records to read. 0 means no limit. Reading begins with
	// the segment that contains From and ends at the first anchor that covers To.
	From, To uint64

	disk disk // tests replace it
}

// Kinds of faults that [Verify] finds.
const (
	FaultFrame     = "frame"      // bytes that are not a record: changed, or cut off
	FaultOrder     = "order"      // a record with a wrong number
	FaultGap       = "gap"        // records between two segments are missing
	FaultRecord    = "record"     // a record is not the one that the tree has
	FaultTree      = "tree"       // stored hashes are not those of the records
	FaultSignature = "signature"  // no good signature of the key
	FaultTruncated = "truncation" // an anchor covers records that the log does not have
	FaultHistory   = "history"    // the records are not those of an anchor
)

// Fault is the first fault of a log. It is an error.
type Fault struct {
	Kind   string
	Record uint64 // first bad RecordId, 0: no record can be named
	Text   string
}

// Error returns the kind of fault, the record if one is known, and the text.
func (f *Fault) Error() string {
	if f.Record == 0 {
		return fmt.Sprintf("%s: %s", f.Kind, f.Text)
	}
	return fmt.Sprintf("%s: record %d: %s", f.Kind, f.Record, f.Text)
}

// Verified describes what a verification covered. After an error it describes the part before the error.
type Verified struct {
	Log         [16]byte
	First, Last uint64       // records that were read; Last 0: none
	Oldest      uint64       // record that is kept
	Removal     uint64       // record that says that the log removed those before Oldest; 0: none of those read
	Whole       bool         // everything that is kept was read
	Bytes       int64        // of their segments
	Checkpoint  Checkpoint   // the folder's own
	Anchors     []Checkpoint // all that were found again in the tree
	OwnKey      bool         // the public key came from the folder itself
	KeyInside   bool         // the private key lies in the folder
	Writing     int64        // bytes after the last whole record: an incomplete record
}

// Unexplained reports whether records before the oldest one are missing although the log did not record that it removed
// them. Somebody else removed them, or the program ended between the removal and its record (U-67). It is false if
// later records were not read, because one of them may say so.
func (v *Verified) Unexplained() bool { return v.Whole && v.Oldest > 1 && v.Removal == 0 }

// Verify recomputes the tree from the records and compares it with the stored hashes, the folder's checkpoint and the
// anchors. It detects any changed byte (U-74). If the log signs a checkpoint during the verification, some stored
// hashes may not be compared. The error is a *Fault if the log was changed, and another error if it could not be read.
// With an error the result describes the part that was verified. An unreadable key or anchor is an error. With From and
// To it verifies only the segments that they need.
func Verify(v Verification) (*Verified, error) {
	if v.disk == nil {
		v.disk = folder{dir: v.Dir}
	}
	out := &Verified{}
	if err := v.keys(out); err != nil {
		return out, err
	}
	c := &check{d: v.disk, v: &v, out: out}
	if err := c.anchors(); err != nil {
		return out, err
	}
	c.hashes = tileCheck{d: v.disk, limit: out.Checkpoint.Size, newest: c.newest}
	firsts, err := segments(v.disk)
	if err != nil {
		return out, err
	}
	if len(firsts) == 0 {
		if len(c.wanted) > 0 && c.wanted[len(c.wanted)-1].Size > 0 {
			return out, &Fault{FaultTruncated, 1, "no record is there, and a checkpoint names " +
				fmt.Sprint(c.wanted[len(c.wanted)-1].Size)}
		}
		return out, noSegment(v.disk)
	}
	out.Oldest = firsts[0]
	for len(firsts) > 1 && firsts[1] <= v.From {
		firsts = firsts[1:]
	}
	for i, first := range firsts {
		if err := c.segment(first, i == 0, i == len(firsts)-1); err != nil {
			return out, c.explain(err)
		}
		if c.covered() {
			return out, c.hashes.fault
		}
	}
	out.Whole = firsts[0] == out.Oldest
	return out, c.end()
}

// keys reads the public keys in the log's folder into v.Keys, and sets OwnKey, if the caller passed no key. It fails
// if the folder has no public key. An invalid key is a *Fault. KeyInside is set unless the private key's file is
// missing from the folder.
func (v *Verification) keys(out *Verified) error {
	if _, err := readFile(v.disk, keyName, maxNote); !errors.Is(err, fs.ErrNotExist) {
		out.KeyInside = true
	}
	if len(v.Keys) > 0 {
		return nil
	}
	b, err := readFile(v.disk, publicName, maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no " + publicName + " here: name the log's folder, or give --key FILE, its .pub file")
	}
	if err != nil {
		return err
	}
	out.OwnKey = true
	for line := range bytes.Lines(b) {
		k, err := note.NewVerifier(string(bytes.TrimSpace(line)))
		if err != nil {
			return &Fault{FaultSignature, 0, "the public key next to the log: " + err.Error()}
		}
		v.Keys = append(v.Keys, k)
	}
	return nil
}
