package auditlog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/refmon/refmon/audit"
)

// check is the state of one call of [Verify].
type check struct {
	d      disk
	v      *Verification
	out    *Verified
	tree   frontier
	hashes tileCheck
	wanted []Checkpoint // ascending by size
}

// anchors verifies the signatures of the folder's checkpoint and of the caller's, and sorts all by size. A wrong
// signature, a checkpoint of another log, or a folder without a checkpoint is a *Fault. An error of reading the
// folder is not.
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
	slices.SortStableFunc(c.wanted, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return nil
}

// segment verifies the records of one segment, and that it continues its predecessor. oldest and newest mark the
// first and the last segment. A malformed head, a gap or a different history is a *Fault. A missing or unreadable
// file is another error. On success the segment is added to c.out.
func (c *check) segment(first uint64, oldest, newest bool) error {
	f, s, err := openSegment(c.d, first)
	if isUnread(err) {
		return err
	}
	if err != nil {
		return &Fault{FaultFrame, first, "the head of its segment " + segmentName(first) + ": " + err.Error()}
	}
	defer func() { _ = f.Close() }() // only read
	switch {
	case oldest:
		c.tree, c.out.Log, c.out.First = s.head.before.clone(), s.head.log, first
		c.hashes.skip(c.tree.size)
		if err := cmp.Or(c.passed(true), c.kept()); err != nil {
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
	if newest && c.out.Oldest > 1 && c.out.Removal == 0 && !c.covered() {
		// A running log removes a segment before it records that, so the record may have come since (U-72).
		s.rewind()
		c.out.Writing = 0
		if err := c.frames(s, newest); err != nil {
			return err
		}
	}
	c.out.Last, c.out.Bytes = c.tree.size, c.out.Bytes+s.at
	return nil
}

// kept returns a *Fault if the folder lacks records before its oldest one that its checkpoint does not cover. It reads
// the checkpoint again first, because a running log may have signed a later one.
func (c *check) kept() error {
	if c.out.First != c.out.Oldest || c.tree.size <= c.out.Checkpoint.Size {
		return nil
	}
	now, err := c.newest()
	if err != nil {
		return err
	}
	if now.Size >= c.tree.size {
		return nil
	}
	// The log removes no record that no checkpoint covers, because nothing would show its removal (U-74).
	return &Fault{FaultGap, now.Size + 1, fmt.Sprintf("the oldest record is %d, and the log removes only records that "+
		"its checkpoint covers", c.out.Oldest)}
}

// newest reads and verifies the folder's checkpoint again, because a running log may have signed a later one. A bad
// signature is a *Fault.
func (c *check) newest() (Checkpoint, error) {
	own, err := readFile(c.d, checkpointName, maxNote)
	if err != nil {
		return Checkpoint{}, err
	}
	now, err := OpenCheckpoint(own, c.v.Keys...)
	if err != nil {
		return Checkpoint{}, &Fault{FaultSignature, 0, err.Error()}
	}
	return now, nil
}

// frames verifies the records of a segment until its end, or until covered returns true. A torn record, one out of
// order, or one with another number in its content is a *Fault with the record's id. An incomplete record of the
// newest segment, after all checkpoints, is no fault. A read error is returned.
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
			return &Fault{FaultFrame, id, "its bytes are not a record"}
		case err != nil:
			return err
		case f.id != id:
			return &Fault{FaultOrder, id, fmt.Sprintf("record %d is in its place", f.id)}
		}
		leaf := f.leaf()
		c.hashes.add(leaf)
		if !bytes.HasPrefix(f.payload(), strconv.AppendUint([]byte(`{"id":`), id, 10)) {
			return &Fault{FaultRecord, id, "its content has another number"}
		}
		c.tree.add(leaf)
		c.noteRemoval(id, f.payload())
		if err := c.passed(false); err != nil {
			return err
		}
		if c.covered() {
			return nil
		}
	}
}

// noteRemoval remembers in c.out the newest record that says that the log removed or archived the records up to the one
// before its oldest.
func (c *check) noteRemoval(id uint64, payload []byte) {
	if c.out.Oldest == 1 || !slices.ContainsFunc(removals[:], func(b []byte) bool { return bytes.Contains(payload, b) }) {
		return
	}
	e, err := audit.ParseEvent(payload)
	if err != nil || !slices.Contains([]uint16{1102, 1105, audit.OverwrittenID}, e.ID) {
		return
	}
	// A log that removes its oldest records says so in a later record (U-67). A clearing says so before it removes them,
	// and the program may end before the records about the segments (U-69).
	last, _ := e.Field("LastRecordId")
	if last == strconv.FormatUint(c.out.Oldest-1, 10) {
		c.out.Removal = id
	}
}

// removals are in the bytes of the records about a clearing, and about an archived or a removed segment.
var removals = [...][]byte{[]byte(`"event":1102,`), []byte(`"event":1105,`),
	fmt.Appendf(nil, `"event":%d,`, audit.OverwrittenID)}

// covered reports whether a verified checkpoint covers the last record that the caller wants. It returns false if the
// caller set no end.
func (c *check) covered() bool {
	return c.v.To > 0 && slices.ContainsFunc(c.out.Anchors, func(a Checkpoint) bool { return a.Size >= c.v.To })
}

// passed checks the checkpoints that the tree has reached: each must have the tree's root at its size. With start it
// also proves, from the stored hashes, checkpoints of records that are no longer there. The first fault ends the
// check. A checkpoint beyond the records is left for later.
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

// older checks an anchor from before the oldest record that was read: the stored hashes must prove that the log
// continues it. An anchor of size 0 is always accepted. On success the anchor joins the result.
// A failed read is no *Fault.
func (c *check) older(a Checkpoint) error {
	if a.Size > 0 {
		now := c.out.Checkpoint
		_, err := continues(c.d, now, a)
		for outdated(c.d, &now, err) {
			if now, err = c.newest(); err != nil {
				return err
			}
			_, err = continues(c.d, now, a)
		}
		if isUnreadable(err) {
			return err
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

// explain returns err, but names the first record that differs from the stored hashes if err is only about the
// history.
func (c *check) explain(err error) error {
	var f *Fault
	if errors.As(err, &f) && f.Kind == FaultHistory && f.Record == 0 {
		if bad := c.hashes.departure(); bad > 0 {
			return &Fault{FaultRecord, bad, "it is not the one that was recorded: " + f.Text}
		}
	}
	return err
}

// end reports a Fault if a checkpoint covers records that the log does not have, and verifies the stored hashes. An
// error of the stored hashes comes last.
func (c *check) end() error {
	for _, a := range c.wanted {
		if a.Size > c.tree.size {
			return &Fault{FaultTruncated, c.tree.size + 1,
				fmt.Sprintf("the record is missing, and a checkpoint names %d records", a.Size)}
		}
	}
	return c.hashes.end()
}
