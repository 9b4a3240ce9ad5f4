package auditlog

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/audit"
)

// recover sets the writer to the end of the existing log, or creates a log in an empty folder. It also removes
// segments beyond the configured limits. If records or the checkpoint are missing, the error is ErrDamaged. A
// checkpoint of size 0 needs no segment.
func (w *writer) recover() error {
	d := w.log.cfg.disk
	firsts, err := segments(d)
	if err != nil {
		return err
	}
	c, err := w.lastCheckpoint()
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(firsts) == 0:
		return w.create()
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there are records and no checkpoint", ErrDamaged)
	case err != nil:
		return err
	case len(firsts) == 0 && c.Size == 0:
		return w.create() // the last run ended before its first segment
	case len(firsts) == 0:
		return fmt.Errorf("%w: the checkpoint names %d records and the folder has no segment", ErrDamaged, c.Size)
	}
	w.log.noted.Store(&c)
	if err := w.resume(firsts, &c); err != nil {
		return err
	}
	return w.keepOld(firsts)
}

// resume rebuilds the tree from the checkpoint and the records after it, and opens the last segment for writing.
// firsts has the first RecordId of each segment. Missing or wrong tree hashes are computed again from a complete log.
// If they cannot be, or records do not match the checkpoint, the error is ErrDamaged. A failed read is another error.
func (w *writer) resume(firsts []uint64, c *Checkpoint) error {
	from := 0
	for i, first := range firsts {
		if first <= c.Size+1 {
			from = i
		}
	}
	t, err := loadTiler(w.log.cfg.disk, c.Size, c.Size)
	if err == nil {
		if f := t.frontier(); f.size != c.Size || f.root() != c.Root {
			err = errors.New("the stored hashes do not add up to the checkpoint")
		}
	}
	if err != nil {
		if firsts[0] != 1 {
			if isUnreadable(err) {
				return err
			}
			return fmt.Errorf("%w: %w; the records to compute them from are not kept", ErrDamaged, err)
		}
		t, from, w.log.recovered.Rebuilt = &tiler{}, 0, true
	}
	r := &replay{w: w, checkpoint: c, tiles: t, have: c.Size}
	if w.log.recovered.Rebuilt {
		r.have = 0
	} else {
		for _, p := range t.partial() {
			w.notary.old = append(w.notary.old, p.path())
		}
	}
	w.notary.tiles, w.notary.signed = t, c.Size
	for i, first := range firsts[from:] {
		if err := r.segment(first, from+i == len(firsts)-1); err != nil {
			return err
		}
	}
	if e, err := audit.ParseEvent(r.newest); err == nil {
		w.kept.young = e.Time
	}
	if w.tree.size < c.Size {
		return fmt.Errorf("%w: its checkpoint names %d records and %d are there", ErrDamaged, c.Size, w.tree.size)
	}
	if err := w.notary.findStale(c.Size, w.tree.size+tileWidth); err != nil {
		return err
	}
	w.log.recovered.Records = w.tree.size
	w.log.durable.Store(w.tree.size)
	w.next = w.tree.size + 1
	return nil
}

// replay rebuilds the tree from the records of the segments when a log is opened.
type replay struct {
	w          *writer
	checkpoint *Checkpoint
	tiles      *tiler
	have       uint64 // records whose hashes tiles has
	begun      bool
	newest     []byte // the last record of the last segment
}

// segment adds the records of one segment to the tree. It cuts off an incomplete end of the last segment. Such an end
// in another segment, or a segment that does not continue its predecessor, is ErrDamaged. Another version and a
// failed read are other errors.
func (r *replay) segment(first uint64, last bool) error {
	w := r.w
	f, s, err := openSegment(w.log.cfg.disk, first)
	if errors.Is(err, errVersion) {
		return fmt.Errorf("the audit log has another version: segment %s: %w", segmentName(first), err)
	}
	if isUnread(err) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: segment %s: %w", ErrDamaged, segmentName(first), err)
	}
	switch {
	case !r.begun:
		w.tree, r.begun = s.head.before.clone(), true
		if err = r.compare(); err == nil && w.tree.size > r.checkpoint.Size {
			err = fmt.Errorf("%w: records %d to %d, which its checkpoint does not cover, are missing", ErrDamaged,
				r.checkpoint.Size+1, w.tree.size)
		}
	case !w.tree.equal(&s.head.before) || s.head.log != w.head.log:
		err = fmt.Errorf("%w: segment %s does not continue the one before", ErrDamaged, segmentName(first))
	}
	w.head = s.head
	if err == nil {
		err = r.frames(s, last)
	}
	if err == nil && last {
		err = r.adopt(f, s)
	}
	return errors.Join(err, f.Close())
}

// frames adds the records of a segment to the tree. In the last segment it ends at the first bytes that are not a
// record; elsewhere these are ErrDamaged. A wrong record number counts as such bytes. A record that contradicts the
// checkpoint is ErrDamaged. A failed read is returned as it is.
func (r *replay) frames(s *scanner, last bool) error {
	for {
		f, err := s.next()
		if err == nil && f.id != r.w.tree.size+1 {
			s.at -= int64(len(f.bytes))
			err = errTorn
		}
		switch {
		case err == nil:
			if last {
				r.newest = append(r.newest[:0], f.payload()...)
			}
			if err := r.record(f.leaf()); err != nil {
				return err
			}
		case isEnd(err) || last && errors.Is(err, errTorn):
			return nil
		case errors.Is(err, errTorn):
			return fmt.Errorf("%w: record %d: %w", ErrDamaged, r.w.tree.size+1, err)
		default:
			return err
		}
	}
}

// record adds one record to the tree. It returns ErrDamaged if the tree then has the size of the checkpoint but
// another root.
func (r *replay) record(leaf tlog.Hash) error {
	r.w.tree.add(leaf)
	if n := r.w.tree.size; n > r.have {
		r.tiles.add(leaf)
	}
	return r.compare()
}

// compare returns ErrDamaged if the tree has the size of the checkpoint but another root.
func (r *replay) compare() error {
	if c := r.checkpoint; r.w.tree.size == c.Size && r.w.tree.root() != c.Root {
		return fmt.Errorf("%w: records up to %d are not those of its checkpoint", ErrDamaged, c.Size)
	}
	return nil
}

// adopt makes f, the last segment, the one that the writer continues. It writes all complete records to disk again: to
// a new file, or to the same one with its reserve if the disk is full. Bytes after them, unless all are zero, are kept
// in a separate file if there is space.
func (r *replay) adopt(f file, s *scanner) error {
	// After a failed sync, data that can be read may not be on the disk.
	w, d := r.w, r.w.log.cfg.disk
	size, err := f.Size()
	if err != nil {
		return err
	}
	zero, err := zeroesFrom(f, s.at, size)
	if err != nil {
		return err
	}
	if zero > s.at {
		if err := w.keepCut(f, s.at, zero); err != nil {
			return err
		}
	}
	w.size = s.at
	name := segmentName(s.head.first)
	if w.seg, err = put(d, name, partOf(f, 0, s.at)); isFull(err) {
		if w.seg, err = overwrite(d, name, s.at, zero > s.at); err == nil { // a log opens on a full disk (U-67)
			w.findReserve()
		}
	}
	return err
}

// keepCut copies the bytes of a segment from offset at to end, which are no whole record, to a separate file. On a full
// disk it first frees the space behind them, which the log had allocated. If that is not enough, they are lost: no
// caller got an answer about them, and a log opens on a full disk (U-61, U-67).
func (w *writer) keepCut(f file, at, end int64) error {
	d, to := w.log.cfg.disk, &w.log.recovered
	to.Cut, to.CutFile = end-at, fmt.Sprintf("cut-%016x", w.tree.size+1)
	err := closed(put(d, to.CutFile, partOf(f, at, end-at)))
	if isFull(err) {
		if err = f.Truncate(end); err == nil {
			err = closed(put(d, to.CutFile, partOf(f, at, end-at)))
		}
	}
	if !isFull(err) {
		return err
	}
	if err = d.Remove(temporary(to.CutFile)); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	to.CutFile = ""
	return err
}

// zeroesFrom returns the offset from which a file has only zeros up to size, and at least from. If at most frameFixed
// zeros follow other bytes, it returns size, because these zeros belong to a record that was cut short.
func zeroesFrom(f file, from, size int64) (int64, error) {
	room := make([]byte, chunk/16)
	end := from
	for at := from; at < size; {
		n, err := f.ReadAt(room[:min(int64(len(room)), size-at)], at)
		for i, v := range room[:n] {
			if v != 0 {
				end = at + int64(i) + 1
			}
		}
		if at += int64(n); err != nil && !isEnd(err) {
			return 0, err
		} else if n == 0 {
			break
		}
	}
	if end > from && size-end <= frameFixed {
		return size, nil
	}
	return end, nil
}
