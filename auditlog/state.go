package auditlog

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// State describes the state of a log. The zero value is that of a log without
// records.
type State struct {
	Records  uint64    // ever written
	Oldest   uint64    // RecordId of the oldest remaining record
	Since    time.Time // time of that record; zero if it is not known
	Bytes    int64     // of the segments that are kept
	Free     int64     // free bytes of the disk for this user; -1 if that is not known
	Reserve  int64     // bytes reserved for essential records (Config.Reserve)
	Reserved int64     // bytes of the reserve that are allocated now
	Lost     uint64    // records that were not kept
	Failed   error     // the newest failure to store a record or a checkpoint; nil: no failure
	FailedAt time.Time // when that was
	Ended    error     // why the log takes no more records; nil while it does
}

// State returns the state of the log. It reads the first record and the sizes of the segments from the disk. After an
// error the result has the values known until then. The error is not the one that stops the log, which is in Ended. An
// empty log has no Oldest, or that of its first segment.
func (l *Log) State() (s State, err error) {
	d := l.cfg.disk
	s.Records, s.Reserve, s.Reserved, s.Free = l.Durable(), l.cfg.Reserve, l.reserved.Load(), free(l.cfg.Dir)
	s.Lost, s.Ended = l.Health()
	if t := l.trouble.Load(); t != nil {
		s.Failed, s.FailedAt = t.err, t.at
	}
	firsts, err := segments(d)
	if err != nil || len(firsts) == 0 {
		return s, err
	}
	for _, first := range firsts {
		f, err := d.Open(segmentName(first))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the segment was removed since the listing
		}
		if err != nil {
			return s, err
		}
		n, err := f.Size()
		if err = errors.Join(err, f.Close()); err != nil {
			return s, err
		}
		s.Bytes += n
	}
	s.Bytes -= min(l.zeroes.Load(), s.Bytes)
	s.Oldest = firsts[0]
	r, err := newReader(d, 1)
	if err != nil {
		return s, err
	}
	defer func() { _ = r.Close() }() // only read
	rec, err := r.Next()
	if errors.Is(err, io.EOF) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	e, err := rec.Event()
	const until1970 = 116_444_736_000_000_000
	s.Oldest, s.Since = rec.ID, time.Unix(0, (e.Time-until1970)*100)
	return s, err
}
