package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Verification says what to verify and against what. The zero value verifies
// the whole folder against its own checkpoint and the key beside it.
type Verification struct {
	Dir string
	// Anchors are signed checkpoints that were kept elsewhere. Each is to be
	// found again in the tree.
	Anchors [][]byte
	Keys    []note.Verifier // nil: the public key beside the log
	// From and To bound the records to read; 0: no bound. Reading begins with
	// the segment that has From and ends at the first anchor that covers To.
	From, To uint64

	disk disk // tests replace it
}

// Kinds of faults that [Verify] finds.
const (
	FaultFrame     = "frame"      // bytes that are no record: changed, or cut off
	FaultOrder     = "order"      // a record with another number than its place has
	FaultGap       = "gap"        // records between two segments are missing
	FaultRecord    = "record"     // a record is not the one that the tree has
	FaultTree      = "tree"       // stored hashes are not those of the records
	FaultSignature = "signature"  // no good signature of the key
	FaultTruncated = "truncation" // an anchor names records that are not there
	FaultHistory   = "history"    // the records are not those of an anchor
)

// Fault is the first thing that is wrong with a log. It is an error.
type Fault struct {
	Kind   string
	Record uint64 // first bad RecordId, 0: no record can be named
	Text   string
}

// Error says what is wrong and at which record.
func (f *Fault) Error() string {
	if f.Record == 0 {
		return fmt.Sprintf("%s: %s", f.Kind, f.Text)
	}
	return fmt.Sprintf("%s: record %d: %s", f.Kind, f.Record, f.Text)
}

// Verified tells what a verification covered.
type Verified struct {
	Log         [16]byte
	First, Last uint64       // records that were read; Last 0: none
	Oldest      uint64       // record that is kept
	Whole       bool         // everything that is kept was read
	Bytes       int64        // of their segments
	Checkpoint  Checkpoint   // the folder's own
	Anchors     []Checkpoint // all that were found again in the tree
	OwnKey      bool         // the public key came from the folder itself
	KeyInside   bool         // the private key lies in the folder
	Writing     int64        // bytes behind the last whole record: being written, or torn
}

// Verify recomputes the tree from the records and compares it with the stored
// hashes, the folder's checkpoint and the anchors: any byte that is not what was
// written is found (U-74). The error is a *Fault if the log is not what was
// written, and another error if it could not be read.
func Verify(v Verification) (*Verified, error) {
	if v.disk == nil {
		v.disk = folder{v.Dir}
	}
	out := &Verified{}
	if err := v.keys(out); err != nil {
		return out, err
	}
	c := &check{d: v.disk, v: &v, out: out}
	if err := c.anchors(); err != nil {
		return out, err
	}
	c.hashes = tileCheck{d: v.disk, limit: out.Checkpoint.Size}
	firsts, err := segments(v.disk)
	if err != nil {
		return out, err
	}
	if len(firsts) == 0 {
		if len(c.wanted) > 0 && c.wanted[len(c.wanted)-1].Size > 0 {
			return out, &Fault{FaultTruncated, 1, "no record is there, and a checkpoint names " +
				fmt.Sprint(c.wanted[len(c.wanted)-1].Size)}
		}
		return out, errors.New("the folder has no segment: is it the --audit folder?")
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
			return out, nil
		}
	}
	out.Whole = firsts[0] == out.Oldest
	return out, c.end()
}

// keys finds the public key beside the log where none was given.
func (v *Verification) keys(out *Verified) error {
	if _, err := readFile(v.disk, keyName, maxNote); !errors.Is(err, fs.ErrNotExist) {
		out.KeyInside = true
	}
	if len(v.Keys) > 0 {
		return nil
	}
	b, err := readFile(v.disk, publicName, maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no key to verify with: give --key FILE, the .pub file of the log's key")
	}
	if err != nil {
		return err
	}
	out.OwnKey = true
	for line := range bytes.Lines(b) {
		k, err := note.NewVerifier(string(bytes.TrimSpace(line)))
		if err != nil {
			return &Fault{FaultSignature, 0, "the public key beside the log: " + err.Error()}
		}
		v.Keys = append(v.Keys, k)
	}
	return nil
}

// check is a verification in progress.
type check struct {
	d      disk
	v      *Verification
	out    *Verified
	tree   frontier
	hashes tileCheck
	wanted []Checkpoint // ascending by size
}

// anchors opens the folder's checkpoint and those that were given.
func (c *check) anchors() error {
	own, err := readFile(c.d, checkpointName, maxNote)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Fault{FaultSignature, 0, "the folder has no checkpoint"}
	case err != nil:
		return err
	}
	for i, b := range append([][]byte{own}, c.v.Anchors...) {
		a, err := OpenCheckpoint(b, c.v.Keys...)
		if err != nil {
			return &Fault{FaultSignature, 0, err.Error()}
		}
		if i == 0 {
			c.out.Checkpoint = a
		} else if a.Origin != c.out.Checkpoint.Origin {
			return &Fault{FaultSignature, 0, fmt.Sprintf("an anchor is of the log %q, the folder of %q", a.Origin,
				c.out.Checkpoint.Origin)}
		}
		c.wanted = append(c.wanted, a)
	}
	slices.SortStableFunc(c.wanted, func(a, b Checkpoint) int { return int(int64(a.Size) - int64(b.Size)) })
	return nil
}

// segment verifies one segment.
func (c *check) segment(first uint64, oldest, newest bool) error {
	f, s, err := openSegment(c.d, first)
	if err != nil {
		var lost *fs.PathError
		if errors.As(err, &lost) {
			return err
		}
		return &Fault{FaultFrame, first, "the head of its segment: " + err.Error()}
	}
	defer func() { _ = f.Close() }() // only read
	switch {
	case oldest:
		c.tree, c.out.Log, c.out.First = s.head.before.clone(), s.head.log, first
		c.hashes.skip(c.tree.size)
		if err := c.passed(true); err != nil {
			return err
		}
	case s.head.first != c.tree.size+1:
		return &Fault{FaultGap, c.tree.size + 1, fmt.Sprintf("the next segment starts with record %d", s.head.first)}
	case s.head.log != c.out.Log:
		return &Fault{FaultHistory, first, "its segment is of another log"}
	case !s.head.before.equal(&c.tree):
		return &Fault{FaultHistory, first, "its segment continues other records"}
	}
	if err := c.frames(s, newest); err != nil {
		return err
	}
	c.out.Last, c.out.Bytes = c.tree.size, c.out.Bytes+s.at
	return nil
}

// frames verifies the records of a segment.
func (c *check) frames(s *scanner, newest bool) error {
	for {
		f, err := s.next()
		id := c.tree.size + 1
		switch {
		case isEnd(err):
			return nil
		case errors.Is(err, errTorn) && newest && id > c.wanted[len(c.wanted)-1].Size:
			c.out.Writing = int64(len(s.buf))
			return nil
		case errors.Is(err, errTorn):
			return &Fault{FaultFrame, id, "its bytes are no record"}
		case err != nil:
			return err
		case f.id != id:
			return &Fault{FaultOrder, id, fmt.Sprintf("record %d stands in its place", f.id)}
		}
		leaf := f.leaf()
		c.hashes.add(leaf)
		if !bytes.HasPrefix(f.payload(), strconv.AppendUint([]byte(`{"id":`), id, 10)) {
			return &Fault{FaultRecord, id, "its content has another number"}
		}
		c.tree.add(leaf)
		if err := c.passed(false); err != nil {
			return err
		}
		if c.covered() {
			return nil
		}
	}
}

// covered reports whether the range that was asked for lies before an anchor
// that was found.
func (c *check) covered() bool {
	return c.v.To > 0 && slices.ContainsFunc(c.out.Anchors, func(a Checkpoint) bool { return a.Size >= c.v.To })
}

// passed compares the tree with the checkpoints of its size. Those of fewer
// records than the oldest kept one has before it can only be proved from the
// stored hashes.
func (c *check) passed(start bool) error {
	for _, a := range c.wanted {
		switch {
		case a.Size == c.tree.size && a.Root != c.tree.root():
			return &Fault{FaultHistory, 0, fmt.Sprintf("the first %d records are not those of the checkpoint", a.Size)}
		case a.Size == c.tree.size:
			c.out.Anchors = append(c.out.Anchors, a)
		case start && a.Size < c.tree.size:
			if err := c.older(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// older proves an anchor that lies before the oldest record.
func (c *check) older(a Checkpoint) error {
	now := c.out.Checkpoint
	if a.Size > 0 {
		p, err := tlog.ProveTree(int64(now.Size), int64(a.Size), tileHashes{c.d, now.Size})
		if err == nil {
			err = tlog.CheckTree(p, int64(now.Size), now.Root, int64(a.Size), a.Root)
		}
		if err != nil {
			return &Fault{FaultHistory, 0,
				fmt.Sprintf("the first %d records, which are not kept, are not those of the checkpoint: %v", a.Size,
					err)}
		}
	}
	c.out.Anchors = append(c.out.Anchors, a)
	return nil
}

// explain names the record where the history departs from the stored hashes.
func (c *check) explain(err error) error {
	var f *Fault
	if errors.As(err, &f) && f.Kind == FaultHistory && f.Record == 0 {
		if bad := c.hashes.departure(); bad > 0 {
			return &Fault{FaultRecord, bad, "it is not the one that was recorded: " + f.Text}
		}
	}
	return err
}

// end compares what was found with what the checkpoints name.
func (c *check) end() error {
	for _, a := range c.wanted {
		if a.Size > c.tree.size {
			return &Fault{FaultTruncated, c.tree.size + 1,
				fmt.Sprintf("it is not there, and a checkpoint names %d records", a.Size)}
		}
	}
	return c.hashes.end()
}
