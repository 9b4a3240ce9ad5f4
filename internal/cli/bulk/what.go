package bulk

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// has is the answer of What: the principal's rights.
type has struct {
	mask   winnt.AccessMask
	rights []string // with Run.Holdings: all rights, also those on one object type
	wanted bool     // it has all rights of Run.Want, or without Want any right
}

// askWhat returns how what-can decides an object: the rights of its one principal. It counts objects without rights
// that a table omits.
func askWhat(d *decider) asking[has, none] {
	w := &rows{run: d.run}
	want := *d.run
	want.Ask, want.Rights = Who, want.Want
	wanted := &decider{run: &want, types: map[*winnt.ObjectType]*typedQuestion{}}
	holdings := holdingsOf(d.run)
	return asking[has, none]{
		decide: func(x place) (a has, share bool, err error) {
			if a.mask, share, err = d.maximum(x); secret(d.run.Types) {
				a.mask &^= winnt.ADS_RIGHT_DS_READ_PROP
			}
			if err == nil && d.run.Holdings != nil {
				a.rights, err = holdings(x) // they depend on the object's class and SID, too
				share = false
			}
			if err != nil || len(want.Want) == 0 {
				a.wanted = a.mask != 0 || len(a.rights) > 0
				return a, share, err
			}
			sets, _, err := wanted.sets(x)
			a.wanted = !slices.ContainsFunc(sets, func(s effective.Set) bool { return !s.Has(0) })
			return a, share, err
		},
		put: func(b *box[none], o *objects.Object, a *has) {
			// A table omits objects without rights, unless the lack of rights is the change or was requested (U-108).
			if r := d.run; a.wanted || len(r.Want) == 0 && (r.Format != Table || r.Nothing || r.Changes) {
				b.out = w.what(b.out, o, a)
				return
			}
			if len(d.run.Want) == 0 {
				b.sum.Passed++
			}
		},
		fail: failed[none](w),
	}
}

// holdingsOf returns a function for the rights on an object of a directory (B-118). It creates that of Run.Holdings on
// the first call, and returns its error on each call.
func holdingsOf(r *Run) func(x place) ([]string, error) {
	open := sync.OnceValues(func() (func(*objects.Item) ([]string, error), error) { return r.Holdings() })
	return func(x place) ([]string, error) {
		rights, err := open()
		if err != nil {
			return nil, err
		}
		o := x.object
		return rights(&objects.Item{Path: string(o.Path), Line: o.Line, Type: x.typ, Descriptor: x.d, Entry: o.Entry})
	}
}

// secret reports whether nobody can read any of the object types, whatever the descriptor grants (B-55).
func secret(chains [][]winnt.GUID) bool {
	return len(chains) > 0 && !slices.ContainsFunc(chains, func(c []winnt.GUID) bool {
		return len(c) == 0 || !adrights.Secret(c[len(c)-1])
	})
}

// key returns the rights, for comparison.
func (a *has) key() []byte { return fmt.Append(nil, *a) }

// what appends the row of an object: its path, the mask and the names of all rights (B-118).
func (w *rows) what(dst []byte, o *objects.Object, a *has) []byte {
	m, have := a.mask, a.rights
	switch {
	case w.run.Holdings != nil:
	case len(w.run.Types) > 0 && o.Type == winnt.DirectoryServiceObject:
		have = words.Directory(m)
	default:
		have = words.Rights(m, o.Type)
	}
	// The rights that the question names are granted too, also those on one object type only (U-120).
	for _, r := range w.run.Want {
		if !slices.Contains(have, r.Name) {
			have = append(have, r.Name)
		}
	}
	switch w.run.Format {
	case JSONL:
		dst = append(appendPath(append(dst, `{"path":`...), o), `,"granted":"`...)
		dst = append(append(dst, m.Padded()...), `","rights":[`...)
		for i, word := range have {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = batch.AppendString(dst, word)
		}
		return append(appendNote(append(dst, ']'), o), "}\n"...)
	case CSV:
		return appendCSV(dst, string(o.Path), m.Padded(), strings.Join(have, ";"))
	}
	text := strings.Join(have, ", ")
	if len(have) == 0 {
		text = "(nothing)"
	}
	mask := masked(columns.Good, m)
	if m == 0 && len(have) > 0 { // rights on one object type only: 0 would read as no rights at all
		mask.text = ""
	}
	return appendRow(dst, plain(string(o.Path)), mask, plain(text))
}
