package stages

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// beginRows prepares the store for the parts of the site, if the follower has one. It does nothing without a store.
func (f *following) beginRows() error {
	if f.config.Rows == nil {
		return nil
	}
	var parts []index.StoredPart
	for i, p := range f.c.site.DocumentParts() {
		parts = append(parts, index.StoredPart{Name: f.logs[i].name(), Tree: p.Root(), Number: p.Number})
		f.logs[i].part = &parts[i]
	}
	s := f.c.site
	text, err := json.Marshal([]any{s.Rights, s.Share, s.Traverse, s.Parts})
	if err != nil {
		return err
	}
	return f.config.Rows.Begin(fmt.Sprintf("%x", sha256.Sum256(text)), parts)
}

// readRows writes the new records of a part's log to the row store. Once the log was read to its end, the share may
// have a watermark. If the store has lost the beginning of a snapshot, readRows returns nil, and the next call reads
// the snapshot again.
func (f *following) readRows(ctx context.Context, s *share) error {
	if s.batch == nil {
		if err := f.resume(ctx, s); err != nil {
			return err
		}
	}
	for {
		more, err := s.records.read(ctx, func() {
			delete(f.watermarks, s.name()) // the share has no watermark until its snapshot was read (N-84)
			s.whole = false
			s.recent, s.restarted = nil, true
			s.batch.Restart()
		}, func(r *record) error { return f.addRecord(s, r) })
		if err == nil && more {
			err = f.applyRows(s)
		}
		f.warnRefused(s)
		if errors.Is(err, index.ErrReload) {
			s.batch = nil // makes the next turn read the cursor and the log again
			return nil
		}
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	s.whole = s.generation != 0 && !s.records.loading
	return nil
}

// addRecord adds a record of a share's log to the batch for the row store. At the end of a snapshot it writes the
// batch. An event that does not fit is an error, and the batch is then incomplete.
func (f *following) addRecord(s *share, r *record) error {
	s.generation = r.Generation
	s.remember(r.at, r.id)
	for i := range r.events {
		if err := s.batch.Add(&r.events[i]); err != nil {
			return err
		}
	}
	c := &s.batch.Cursor
	c.Message, c.ID, c.Generation = r.at, r.id, r.Generation
	if s.batch.Piece && r.Final {
		s.batch.End = true
		return f.applyRows(s)
	}
	return nil
}

// applyRows stores the batch of a share and begins the next one. Its errors wrap errSink. After an error the batch
// stays.
func (f *following) applyRows(s *share) error {
	if err := f.config.Rows.Apply(*s.part, s.batch); err != nil {
		return fmt.Errorf("%w: %s: %w", errSink, s.name(), err)
	}
	s.batch = s.batch.Next()
	return nil
}

// resume finds the message after which the row store continues reading a share's log. That is the cursor stored with
// the rows; a new part starts at its beginning. If the log does not continue that cursor, the streams are new. The
// store then drops the part's rows, and the whole log is read. Errors of the store wrap errSink.
func (f *following) resume(ctx context.Context, s *share) error {
	c, err := f.config.Rows.Cursor(*s.part)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errSink, s.name(), err)
	}
	s.records = newRecords(f.c, site.StreamRows, s.name())
	s.records.follower.head = c.Message
	if c.Message > 0 {
		list, err := f.c.get(ctx, site.StreamRows, question{Seq: c.Message, NextBy: s.name(), Batch: 1, MaxBytes: batchBytes})
		if err != nil {
			return err
		}
		if len(list) == 0 || list[0].sequence == c.Message && list[0].ID != c.ID ||
			list[0].sequence > c.Message && !s.records.follower.counts(&list[0]) {
			f.c.warn(fmt.Errorf("%s: the log does not continue the stored rows: they are loaded again", s.name()))
			if err := f.config.Rows.Forget(*s.part); err != nil {
				return fmt.Errorf("%w: %s: %w", errSink, s.name(), err)
			}
			c, s.records.follower.head = index.Cursor{}, 0
		}
	}
	s.records.follower.id, s.records.follower.next = c.ID, c.Message+1
	s.generation, s.whole = c.Generation, false
	s.recent, s.restarted = []readRecord{{c.Message, c.ID}}, false
	s.batch = index.NewRowBatch(f.merge.Rights(), s.own, c)
	return nil
}
