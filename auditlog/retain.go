package auditlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/refmon/refmon/audit"
)

// kept is a complete segment that the log still has.
type kept struct {
	first uint64
	bytes int64
	ended int64 // time after its last record
}

// keeper holds the segments before the open one, oldest first.
type keeper struct {
	list    []kept
	bytes   int64
	stopped bool  // full under Stop, and the record about it is written
	warned  int64 // time of the last warning

	young int64 // time of a recent record
	old   int64 // time of a record that was a day old when young was set; 0: none is known
}

// add adds a complete segment, which is the newest one. It ends no earlier than the one before, whatever the clock is.
func (k *keeper) add(s kept) {
	if n := len(k.list); n > 0 {
		s.ended = max(s.ended, k.list[n-1].ended)
	}
	k.list = append(k.list, s)
	k.bytes += s.bytes
}

// dayOld returns the time of a record that is at least a day old, so that a clock that was wrong for less than a day
// expires no segment (U-67). Call it with the time of each record. It returns 0 if no such record is known.
func (k *keeper) dayOld(now int64) int64 {
	switch {
	case now < k.young: // the clock was set back
		k.old, k.young = min(k.old, now), now
	case now-k.young >= day:
		k.old, k.young = k.young, now
	}
	return k.old
}

const (
	hour        = 3600 * 10_000_000 // 100-ns units
	day         = 24 * hour
	warnEvery   = 4 * hour
	warnPercent = 90
)

// keepOld fills the list of complete segments when a log is opened. firsts has the first RecordId of each segment,
// the open one last. A segment ended at the time of the next segment's first record, or now if that is unreadable.
// w.kept.young must be the time of the log's last record.
func (w *writer) keepOld(firsts []uint64) error {
	d := w.log.cfg.disk
	for i, first := range firsts[:len(firsts)-1] {
		f, err := d.Open(segmentName(first))
		if err != nil {
			return err
		}
		size, err := f.Size()
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		ended := w.log.cfg.clock()
		if f, s, err := openSegment(d, firsts[i+1]); err == nil {
			if rec, err := s.next(); err == nil {
				if r, err := audit.ParseEvent(rec.payload()); err == nil {
					ended = r.Time
				}
			}
			_ = f.Close() // only read
		}
		w.kept.add(kept{first, size, ended})
		if ended <= w.kept.young-day {
			w.kept.old = ended
		}
	}
	return nil
}

// retain removes or archives old segments until the limits of Keep hold, those beyond the age first. It keeps segments
// that no checkpoint covers yet. A segment that cannot be removed is an error.
//   - Full is Stop: a buffer beyond the size limit is ErrStopped. reserve raises this limit by the reserve.
//   - Full is not Overwrite: 90 % of Keep.Bytes buffers a warning, at most every four hours (U-67).
func (w *writer) retain(reserve bool) error {
	keep, now := &w.log.cfg.Keep, w.log.cfg.clock()
	bound := keep.Bytes
	if reserve && keep.Full == Stop {
		bound += w.log.cfg.Reserve // only records that make space may use the reserve (U-93)
	}
	total := w.kept.bytes + w.size + int64(len(w.buf))
	over := func(kept) bool { return keep.Bytes > 0 && total > bound }
	// Expired segments must not stop the log.
	dayOld := w.kept.dayOld(now)
	err := w.removeWhile(&total, func(s kept) bool { return keep.Age > 0 && dayOld-s.ended > int64(keep.Age/100) })
	if err != nil {
		return err
	}
	if over(kept{}) && keep.Full == Stop {
		return w.stop()
	}
	// A clock that was set back must not delay the warning.
	if keep.Full != Overwrite && keep.Bytes > 0 && total >= keep.Bytes/100*warnPercent &&
		(now-w.kept.warned >= warnEvery || now < w.kept.warned) {
		w.kept.warned = now
		w.report(audit.LogNearlyFull(uint64(total * 100 / keep.Bytes)))
	}
	return w.removeWhile(&total, over)
}

// removeWhile removes or archives the oldest segment while goes returns true for it and a checkpoint covers it. It
// subtracts the bytes from total.
func (w *writer) removeWhile(total *int64, goes func(kept) bool) error {
	for len(w.kept.list) > 0 {
		s, next := w.kept.list[0], w.head.first
		if len(w.kept.list) > 1 {
			next = w.kept.list[1].first
		}
		// Records that no checkpoint covers must not be removed, because their removal could not be detected.
		if !goes(s) || next-1 > w.log.Checkpoint().Size {
			return nil
		}
		if err := w.removeSegment(s, next-1); err != nil {
			return err
		}
		*total -= s.bytes
	}
	return nil
}

// removeSegment removes or archives the oldest segment and buffers a record about that. last is the segment's last
// record. A missing file is an error only for archiving. After an error the segment stays in the list. A failed sync
// of a folder ends the log.
func (w *writer) removeSegment(s kept, last uint64) error {
	d, keep := w.log.cfg.disk, &w.log.cfg.Keep
	name := segmentName(s.first)
	if keep.Full == Archive {
		to, err := archive(d, keep.Archive, name)
		if err != nil {
			return fmt.Errorf("archive segment %s: %w", name, err)
		}
		w.report(audit.LogArchived(to, s.first, last))
		if err := d.SyncDir(keep.Archive); err != nil {
			return w.log.fail(err) // the segment has moved, so a later write cannot move it again
		}
	} else {
		if err := d.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove segment %s: %w", name, err)
		}
		w.report(audit.LogOverwritten(s.first, last))
	}
	if err := d.SyncDir("."); err != nil {
		return w.log.fail(err)
	}
	w.kept.list, w.kept.bytes = w.kept.list[1:], w.kept.bytes-s.bytes
	w.kept.stopped = false // the removal freed space
	return nil
}

// archive moves a segment to a folder and returns its new name. The caller must sync both folders. If the folder has a
// file with that name, such as a segment of an earlier log in this folder, the new name gets a number.
func archive(d disk, folder, name string) (to string, err error) {
	if err := d.Mkdir(folder); err != nil {
		return "", err
	}
	taken, err := d.List(folder)
	if err != nil {
		return "", err
	}
	free := name
	for n := 2; slices.Contains(taken, free); n++ {
		free = fmt.Sprintf("%s.%d", name, n) // a rename would replace the archived segment (U-67)
	}
	to = path.Join(folder, free)
	return to, d.Rename(name, to)
}

// stamp returns a record about the log itself with the time and the computer.
func (w *writer) stamp(e audit.Event) audit.Event {
	e.Time, e.Computer = w.log.cfg.clock(), w.log.cfg.Computer
	return e
}

// say adds a record about the log itself to the buffer of encoded records.
func (w *writer) say(e audit.Event) { w.encode(w.stamp(e)) }

// report buffers a record about segments. Later writes encode it again until one of them succeeds.
func (w *writer) report(e audit.Event) {
	e = w.stamp(e)
	w.unstored = append(w.unstored, e)
	w.encode(e)
}

// stop discards the records in the buffer and returns ErrStopped. The first time it writes a last record, which says
// that the log is full. An error of that write is returned in place of ErrStopped, and it is not repeated.
func (w *writer) stop() error {
	if w.kept.stopped {
		return ErrStopped
	}
	w.kept.stopped = true
	w.begin()
	w.say(audit.LogFull())
	if err := errors.Join(w.append(), w.sync()); err != nil {
		return err
	}
	return ErrStopped
}
