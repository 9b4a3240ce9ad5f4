package auditlog

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// clearing is a call of [Log.Clear] that the writer has to carry out.
type clearing struct {
	from audit.Origin
	done chan error
}

// Clear removes all records, or moves them to the archive if the log is configured as [Archive]. The first remaining
// record is event 1102 with the caller, the number of removed records and the root of their tree. The tree continues,
// so proofs and checkpoints of removed records stay valid. It blocks until the writer is done. Clear fails with
// STATUS_PRIVILEGE_NOT_HELD if the caller does not hold SeSecurityPrivilege, and with [ErrClosed] after Close. It
// removes nothing if it cannot sign a checkpoint of all records.
func (l *Log) Clear(from audit.Origin) error {
	if t := from.Subject.Effective(); t == nil || !t.Has(winnt.SeSecurityPrivilege) {
		// The caller does not hold SeSecurityPrivilege: every record stays (U-69).
		return fmt.Errorf("clear the audit log: %w", ntstatus.PrivilegeNotHeld.Err())
	}
	c := clearing{from, make(chan error, 1)}
	select {
	case l.clearings <- c:
	case <-l.ended:
		return ErrClosed
	}
	return <-c.done // the writer clears once it received c, even if the log closes then
}

// clear signs a checkpoint of all records, then removes or archives all segments, as [Log.Clear] describes. The new
// segment begins with a record of the clearing. If the checkpoint does not cover all records, clear fails and removes
// nothing. After a later error some segments may be gone.
func (w *writer) clear(from audit.Origin) error {
	w.note(true)
	if err := w.notary.wait(); err != nil {
		return err
	}
	if err := w.standing(); err != nil {
		return err
	}
	// Records that no checkpoint covers must not be removed, because their removal could not be detected.
	if c := w.log.Checkpoint(); c.Size != w.tree.size {
		return fmt.Errorf("clear the audit log: its checkpoint covers %d of %d records", c.Size, w.tree.size)
	}
	last, root := w.tree.size, w.tree.root()
	if err := w.rotate(); err != nil {
		return err
	}
	w.begin()
	// The first remaining record names the caller and the number of removed records (U-69).
	w.say(audit.LogCleared(from, last, root))
	if err := errors.Join(w.append(), w.sync()); err != nil {
		return err
	}
	w.beginWithUnstored()
	for len(w.kept.list) > 0 {
		next := w.head.first
		if len(w.kept.list) > 1 {
			next = w.kept.list[1].first
		}
		if err := w.removeSegment(w.kept.list[0], next-1); err != nil {
			return err
		}
	}
	err := w.append()
	if err == nil {
		w.unstored = nil
	}
	return errors.Join(err, w.sync())
}
