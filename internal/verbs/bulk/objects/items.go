package objects

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Item is an object with its descriptor parsed. Equal descriptors given in one
// form are the same pointer.
type Item struct {
	Path       string
	Type       *winnt.ObjectType
	Descriptor *sd.Descriptor
	Entry      *Entry // what a directory tells about it; nil: nothing
	Note       Note
	Err        error // the object could not be read; nothing but Path holds
}

// maxParsed is how many distinct descriptors All keeps parsed.
const maxParsed = 1 << 14

// All calls f with every object of a source, in order, until f is false. typ is
// the type of objects that do not tell. The error is that of the source or of
// ctx.
func All(ctx context.Context, s Source, domain sid.SID, typ *winnt.ObjectType, f func(Item) bool) error {
	type parsed struct {
		d   *sd.Descriptor
		err error
	}
	known := map[string]parsed{}
	var key []byte
	stopped := errors.New("stopped")
	err := Each(ctx, s, func(_ *Batch, o *Object) error {
		item := Item{Path: string(o.Path), Type: o.Type, Note: o.Note, Entry: o.Entry, Err: o.Err}
		if item.Type == nil {
			item.Type = typ
		}
		if item.Err == nil {
			key = append(append(key[:0], byte(o.Form)), o.SD...)
			p, ok := known[string(key)]
			if !ok {
				p.d, p.err = o.Descriptor(domain)
				if len(known) >= maxParsed {
					clear(known)
				}
				known[string(key)] = p
			}
			item.Descriptor, item.Err = p.d, p.err
			if item.Err == nil && item.Note == 0 && batch.LacksDACL(p.d) {
				item.Note = NoteNoDACL
			}
		}
		if !f(item) {
			return stopped
		}
		return nil
	})
	if errors.Is(err, stopped) {
		return nil
	}
	return err
}

// Each calls f with every object of a source, in order, until it fails or
// ctx is cancelled.
func Each(ctx context.Context, s Source, f func(b *Batch, o *Object) error) error {
	defer Halt(s)
	b := &Batch{}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.Reset()
		err := s.Next(b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			b.Each(func(o *Object) {
				if err == nil {
					err = f(b, o)
				}
			})
		}
		if err != nil {
			return err
		}
	}
}

// ErrNotFound is that no object of a source has the path asked for.
var ErrNotFound = errors.New("there is no object of that path")

// Find returns the object with a path.
func Find(ctx context.Context, s Source, path string, domain sid.SID, typ *winnt.ObjectType) (Item, error) {
	found := Item{Err: fmt.Errorf("%q: %w", path, ErrNotFound)}
	err := All(ctx, s, domain, typ, func(i Item) bool {
		if i.Path != path {
			return true
		}
		found = i
		return false
	})
	if err == nil {
		err = found.Err
	}
	return found, err
}
