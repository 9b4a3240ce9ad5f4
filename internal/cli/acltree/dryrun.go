package acltree

import (
	"errors"
	"io"
	"path"
	"sync"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// Sources returns the changed files of a journal as two states for a comparison: with their earlier descriptors, and
// with their new ones. prefix begins the paths. Each source has a goroutine, which ends when the source is read to its
// end or halted. The caller must do one of the two.
func (j *Journal) Sources(prefix string) (before, after objects.Source) {
	return j.source(prefix, false), j.source(prefix, true)
}

// source returns the journal's descriptors as objects under prefix: those after the change if after is true,
// otherwise those before it. It starts a goroutine, which ends with the journal or when the source is closed. A
// damaged journal is an error of Next.
func (j *Journal) source(prefix string, after bool) objects.Source {
	s := &source{entries: make(chan objects.Object, objects.PerBatch), stop: make(chan struct{})}
	go func() {
		defer close(s.entries)
		s.err = j.Each(func(e *Entry) error {
			o := objects.Object{Path: []byte(path.Join(prefix, e.Path)), Form: objects.FormBinary, Type: winnt.FileObject}
			if e.Directory {
				o.Type = winnt.DirectoryFileObject
			}
			d := e.Before
			if after {
				d = e.After
			}
			o.SD = d.Append(nil)
			select {
			case s.entries <- o:
				return nil
			case <-s.stop:
				return errStopped
			}
		})
	}()
	return s
}

var errStopped = errors.New("stopped")

// source returns one state of a journal's files. A separate goroutine reads the
// journal.
type source struct {
	entries chan objects.Object
	stop    chan struct{}
	once    sync.Once
	err     error // guarded by the end of entries
}

// Next fills a batch with further files. It returns io.EOF at the end of the journal, or the error of a damaged
// journal.
func (s *source) Next(b *objects.Batch) error {
	return objects.Gather(b, func(o *objects.Object) error {
		next, ok := <-s.entries
		if ok {
			*o = next
			return nil
		}
		if s.err != nil {
			return s.err
		}
		return io.EOF
	})
}

// Halt ends the goroutine that reads the journal. It does not wait for it. It may be called more than once.
func (s *source) Halt() { s.once.Do(func() { close(s.stop) }) }
