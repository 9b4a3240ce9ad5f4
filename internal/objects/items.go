package objects

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Item is an object with a parsed descriptor. Items share the pointer if their descriptors are equal and in the same
// form.
type Item struct {
	Path       string
	Line       int // of its JSON line, from 1; 0: it has none
	Type       *winnt.ObjectType
	Descriptor *sd.Descriptor
	Entry      *Entry // attributes of a directory entry; nil: the object is not a directory entry
	Note       Note
	Inode      uint64         // of a regular file; 0: unknown, see tree.Options
	Search     *sd.Descriptor // of a directory: FILE_TRAVERSE is the host's search permission; nil: unknown
	Way        *Way           // the folders on the way to it; nil: no folders are tested
	Err        error          // the object could not be read; nothing but Path holds
}

// Limits of the distinct descriptors that All keeps parsed. It forgets all of them at either.
const (
	maxParsed      = 1 << 14
	maxParsedBytes = 64 << 20 // of their texts and of the memory they take
)

// parsed is a descriptor, or why it is malformed.
type parsed struct {
	d   *sd.Descriptor
	err error
}

// parser parses descriptors, and equal ones only once.
type parser struct {
	domain sid.SID // of relative SDDL aliases
	known  map[string]parsed
	size   int // bytes of known
	key    []byte
}

// parse returns the descriptor in text, which has the form form.
func (p *parser) parse(form Form, text []byte) (*sd.Descriptor, error) {
	p.key = append(append(p.key[:0], byte(form)), text...)
	if x, ok := p.known[string(p.key)]; ok {
		return x.d, x.err
	}
	var x parsed
	x.d, x.err = form.parse(text, p.domain)
	size := len(p.key) + x.d.HeapSize()
	if x.err != nil {
		size += len(text) // the error may hold it
	}
	if p.size += size; p.known == nil || len(p.known) >= maxParsed || p.size > maxParsedBytes {
		p.known, p.size = map[string]parsed{}, size
	}
	p.known[string(p.key)] = x
	return x.d, x.err
}

// AddPath returns err with the path of an object before it. It returns err itself without a path, as for a malformed
// line.
func AddPath(path string, err error) error {
	if path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// All calls f with every object of s in order until f returns false. typ is the type of objects without their own, and
// domain that of relative SDDL aliases. A malformed descriptor is in Item.Err and does not end the run. All returns the
// error of the source or of ctx, and nil if f ended it. It calls [Halt] for s. A malformed search descriptor is nil
// without an error. Objects with equal descriptors share one.
func All(ctx context.Context, s Source, domain sid.SID, typ *winnt.ObjectType, f func(Item) bool) error {
	p := parser{domain: domain}
	stopped := errors.New("stopped")
	err := Each(ctx, s, func(_ *Batch, o *Object) error {
		item := Item{Path: string(o.Path), Line: o.Line, Type: o.Type, Note: o.Note, Entry: o.Entry, Inode: o.Inode,
			Way: o.Way, Err: o.Err}
		if item.Type == nil {
			item.Type = typ
		}
		if o.Search != nil {
			item.Search, _ = p.parse(FormBinary, o.Search) // nil where it is malformed
		}
		if item.Err == nil {
			item.Descriptor, item.Err = p.parse(o.Form, o.SD)
			if item.Err == nil && item.Note == 0 && accessquery.LacksDACL(item.Descriptor) {
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

// Each calls f with every object of s in order. It stops at the first error of s, f or ctx and returns it. At the end
// of s it returns nil. It always halts s. f must not keep the object. Objects after the first error of f are not
// passed.
func Each(ctx context.Context, s Source, f func(b *Batch, o *Object) error) error {
	defer Halt(s)
	b := &Batch{}
	defer b.Reset()
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

// Errors of [Find].
var (
	ErrNotFound  = errors.New("no object has this path or name")
	ErrAmbiguous = errors.New("several objects have this name: give the path or the distinguished name of one")
)

// Find returns the first object whose path is exactly the name's text, or else the only object with that name. It
// returns ErrNotFound if there is none, ErrAmbiguous if several have the name, and the item's Err if it is unreadable.
// With an error only Item.Path may be used. domain and typ are those of [All]. It calls [Halt] for s.
func Find(ctx context.Context, s Source, name *Name, domain sid.SID, typ *winnt.ObjectType) (Item, error) {
	found, any, exact := Item{}, false, false
	err := All(ctx, s, domain, typ, func(i Item) bool {
		exact = i.Path == name.Text
		if exact || name.Is(i.Path, i.Entry) {
			found, any = i, true
		}
		return !exact
	})
	switch {
	case err == nil && !exact && name.Found() > 1:
		err = fmt.Errorf("%q: %w", name.Text, ErrAmbiguous)
	case err == nil && !any:
		err = name.NotFound()
		found.Err = err
	case err == nil:
		err = found.Err
	}
	return found, err
}
