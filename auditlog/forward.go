package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/refmon/refmon/audit"
)

// Forwarder sends the records of a folder to one live sink as lines of JSON, at least once and in order. It reads the
// folder, and the writer never waits for it. A sink that is down for a day loses nothing as long as the log keeps the
// records. Set Dir, Sink and Cursor. It is not safe for concurrent use.
type Forwarder struct {
	Dir    string
	Sink   string // "unix:PATH", "tcp:HOST:PORT", or a file. A file with a colon in its name needs a path, such as ./a:b
	Cursor string // the file that remembers how far the sink has come

	// Warn receives one line at the start and the end of each outage of the sink, and for records that the log no longer
	// has. Nil drops them. Run calls it on its own goroutine.
	Warn func(line string)

	disk  disk    // of the log; tests replace it
	log   *Reader // that records reads; nil before
	next  uint64  // to send
	saved uint64  // in the cursor
	leaf  string  // hash in the tree of the record before next; "": unknown
	out   io.WriteCloser
	taken func() error // returns when the sink has received the records
	since time.Time    // the cursor was written
	sent  uint64       // records since then
	down  bool         // Run reported an outage, and no save has succeeded since
	lost  uint64       // the last record that Run reported as removed
}

// Bounds of a forwarder.
const (
	forwardWait  = 10 * time.Second // for one write to a socket
	forwardTake  = time.Minute      // until the other end of a socket has read the records
	forwardEnd   = 5 * time.Second  // the same, after the forwarder was interrupted
	forwardRetry = 30 * time.Second // the longest pause before a sink is tried again
	cursorEvery  = 1000             // records, or
	cursorDelay  = time.Second
)

// Run forwards records, starting after the position in the cursor file, or at the first record without that file. With
// follow it continues until ctx ends, and retries with growing pauses while the sink is down. Without follow it ends at
// the newest record, and returns an error of the sink. It returns nil when ctx ends, unless it cannot write the cursor
// or close the sink. An error of the log or the cursor always ends it. If the log ends before the cursor, or has
// another record before it than the one that was sent, that is an error: the log is another one. Run skips records that
// the log no longer has. A lost connection to the sink counts as a sink that is down. After ctx has ended, Run waits up
// to 5 more seconds for the sink's confirmation. The next run sends records without a confirmation again.
func (f *Forwarder) Run(ctx context.Context, follow bool) error {
	if err := f.checkSink(); err != nil {
		return err
	}
	if err := f.load(); err != nil {
		return err
	}
	if f.disk == nil {
		f.disk = folder{dir: f.Dir}
	}
	r, err := newReader(f.disk, f.next)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	if last, err := r.Last(); err != nil {
		return err
	} else if f.next > last+1 {
		return fmt.Errorf("read the cursor: %s names record %d, and the last record is %d: remove it if the log was "+
			"started again", f.Cursor, f.next, last)
	}
	if err := f.checkLog(r); err != nil {
		return err
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, forwardRetry) {
		sent, err := f.records(ctx, r, follow)
		if sent {
			pause = 100 * time.Millisecond
		}
		var lost *sinkError
		switch {
		case ctx.Err() != nil:
			if err = f.save(); errors.As(err, &lost) {
				err = nil // the cursor is not saved, so the next run sends these records again
			}
			return errors.Join(err, f.close())
		case err == nil:
			return errors.Join(f.save(), f.close())
		case !errors.As(err, &lost) || !follow:
			return errors.Join(err, f.close())
		}
		if !f.down { // warn once per outage (U-204)
			f.down = true
			f.warnf("the sink %s failed: %v: trying again", f.Sink, lost.err)
		}
		_ = f.close() // the connection has failed already
		f.next, f.sent = f.saved, 0
		if err := r.Skip(f.next); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// warnf passes a line to Warn.
func (f *Forwarder) warnf(format string, args ...any) {
	if f.Warn != nil {
		f.Warn(fmt.Sprintf(format, args...))
	}
}

// reportLost warns about records that the log no longer has, except those that it reported before (U-204).
func (f *Forwarder) reportLost(gone *GoneError) {
	from := max(gone.From, f.lost+1)
	if from > gone.To {
		return
	}
	f.lost = gone.To
	f.warnf("the log no longer has records %d to %d: the sink %s does not get these %d records", from, gone.To, f.Sink,
		gone.To-from+1)
}

// checkLog returns an error if the log has another record before the cursor than the one that was sent. The log was
// then started again, or is an older copy that went on (U-77). Without a hash in the cursor, or without the record in
// the log, checkLog finds nothing. r reads on at the cursor.
func (f *Forwarder) checkLog(r *Reader) error {
	if f.leaf == "" {
		return r.Skip(f.next)
	}
	if err := r.Skip(f.next - 1); err != nil {
		return err
	}
	rec, err := r.Next()
	var gone *GoneError
	if errors.As(err, &gone) {
		return r.Skip(f.next)
	}
	if err != nil {
		return err
	}
	if leaf := rec.Leaf(); string(leaf[:]) != f.leaf {
		return fmt.Errorf("read the cursor: record %d of the log is not the one that was sent: remove %s if the log was "+
			"started again", rec.ID, f.Cursor)
	}
	return nil
}

// sinkError is a failure of the sink. With follow, Run tries the sink again.
type sinkError struct{ err error }

// Error returns the sink's error after "the sink: ".
func (e *sinkError) Error() string { return "the sink: " + e.err.Error() }

// Unwrap returns the sink's own error.
func (e *sinkError) Unwrap() error { return e.err }

// records sends records until ctx ends or the sink fails. Without follow it ends after the last record. sent reports
// whether any was sent. At the end of the log it saves the cursor. Records that are no longer in the log are skipped.
// A failure of the sink is a *sinkError.
func (f *Forwarder) records(ctx context.Context, r *Reader, follow bool) (sent bool, err error) {
	f.log = r
	var line []byte
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			if err := f.save(); err != nil || !follow {
				return sent, err
			}
			rec, err = r.Wait(ctx)
		}
		var gone *GoneError
		if errors.As(err, &gone) { // records were deleted before the sink got them: report the gap to the sink
			f.reportLost(gone)
			f.next, f.leaf = gone.To+1, ""
			if err := r.Skip(f.next); err != nil {
				return sent, err
			}
			continue
		}
		if err != nil {
			return sent, err
		}
		e, err := rec.Event()
		if err != nil {
			return sent, err
		}
		if f.out == nil {
			if err := f.connect(ctx); err != nil {
				return sent, &sinkError{err}
			}
		}
		if line, err = f.line(line, &e); err != nil {
			return sent, err
		}
		sent = true
	}
}

// line sends one record to the sink as a line of JSON. After 1,000 records or one second it also saves the cursor.
// buf is reused memory. A write that takes longer than forwardWait is an error. After a failed write the record
// counts as not sent, after a failed save as sent. A failure of the sink is a *sinkError.
func (f *Forwarder) line(buf []byte, e *audit.Event) ([]byte, error) {
	buf = append(e.AppendJSON(buf[:0]), '\n')
	if c, ok := f.out.(net.Conn); ok {
		if err := c.SetWriteDeadline(time.Now().Add(forwardWait)); err != nil {
			return buf, &sinkError{err}
		}
	}
	if _, err := f.out.Write(buf); err != nil {
		return buf, &sinkError{err}
	}
	f.next, f.leaf, f.sent = e.RecordID+1, e.Chain, f.sent+1
	if f.sent >= cursorEvery || time.Since(f.since) > cursorDelay {
		return buf, f.save()
	}
	return buf, nil
}
