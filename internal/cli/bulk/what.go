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
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// has is the answer of What for a descriptor: the principal's rights.
type has struct {
	mask   winnt.AccessMask
	rights []string // with Run.Holdings: all rights, also those on one object type
	wanted bool     // it has all rights of Run.Want, or without Want any right

	descriptor *sd.Descriptor // with Run.Holdings: that of the objects, on which rights depends too; nil: rights are set
}

// askWhat returns how what-can decides an object: the rights of its one principal. With Run.Want, objects where a
// wanted right is missing are omitted. Without it, a table omits and counts objects without any right, except with
// Nothing or Changes. If all requested object types are secret, the right to read properties is removed.
func askWhat(d *decider) asking[has, none] {
	w := &rows{run: d.run}
	want := *d.run
	want.Ask, want.Rights = Who, want.Want
	wanted := &decider{run: &want, types: map[kind]*typedQuestion{}}
	holdings := holdingsOf(d.run)
	return asking[has, none]{
		decide: func(x place) (a has, share bool, err error) {
			if a.mask, share, err = d.maximum(x); secret(d.run.Types) {
				a.mask &^= winnt.ADS_RIGHT_DS_READ_PROP
			}
			switch {
			case err != nil || d.run.Holdings == nil:
			case d.run.Changes: // find the rights now, because they are compared
				a.rights, err = holdings(x.object, x.d)
				share = false
			default: // put finds the rights, which depend on the class and the SID of each object
				a.descriptor = x.d
			}
			if err != nil || len(want.Want) == 0 {
				a.wanted = a.mask != 0 || len(a.rights) > 0
				return a, share, err
			}
			sets, _, err := wanted.sets(x)
			a.wanted = !slices.ContainsFunc(sets, func(s effective.Set) bool { return !s.Has(0) })
			return a, share, err
		},
		put: func(b *box[none], o *objects.Object, shared *has) {
			a := *shared
			if a.descriptor != nil {
				var err error
				if a.rights, err = holdings(o, a.descriptor); err != nil {
					b.fail(o, err)
					b.out = w.unreadable(b.out, o, err)
					return
				}
				a.wanted = a.wanted || len(a.rights) > 0
			}
			// A table omits objects without rights, unless the lack of rights is the change or was requested (U-108).
			if r := d.run; a.wanted || len(r.Want) == 0 && (r.Format != Table || r.Nothing || r.Changes) {
				b.out = w.what(b.out, o, &a)
				return
			}
			if len(d.run.Want) == 0 {
				b.sum.Passed++
			}
		},
		fail: failed[none](w),
	}
}

// maxHoldings limits the answers that a function of holdingsOf keeps.
const maxHoldings = 1 << 12

// holdingsOf returns a cached Run.Holdings, which names the rights on a directory object (B-118). Its argument d is
// the object's descriptor, with its own SID in place of PRINCIPAL SELF. Do not change a result. If Run.Holdings
// cannot be opened, each call returns the error. Errors and the results for accounts are not cached.
func holdingsOf(r *Run) func(o *objects.Object, d *sd.Descriptor) ([]string, error) {
	open := sync.OnceValues(func() (func(*objects.Item) ([]string, error), error) { return r.Holdings() })
	type key struct {
		d       *sd.Descriptor
		typ     *winnt.ObjectType
		classes string
	}
	known := map[key][]string{}
	return func(o *objects.Object, d *sd.Descriptor) ([]string, error) {
		rights, err := open()
		if err != nil {
			return nil, err
		}
		k := key{d: d, typ: o.Type}
		own := o.Entry.Account()
		if o.Entry != nil {
			k.classes = strings.Join(o.Entry.Classes, "\n")
			own = own || o.Entry.Managed != nil
		}
		if all, ok := known[k]; ok && !own {
			return all, nil
		}
		all, err := rights(&objects.Item{Path: string(o.Path), Line: o.Line, Type: o.Type, Descriptor: d, Entry: o.Entry})
		if err != nil || own {
			return all, err
		}
		if len(known) >= maxHoldings {
			clear(known)
		}
		known[k] = all
		return all, nil
	}
}

// secret reports whether all the object types are attributes that nobody can read, whatever the descriptor grants
// (B-55). Each chain ends in the type. It returns false for no chains.
func secret(chains [][]winnt.GUID) bool {
	return len(chains) > 0 && !slices.ContainsFunc(chains, func(c []winnt.GUID) bool {
		return len(c) == 0 || !adrights.Secret(c[len(c)-1])
	})
}

// key returns the bytes that --changes compares: the mask and the rights.
func (a *has) key() []byte { return fmt.Append(nil, *a) }

// what appends the row of an object: its path, the mask and the names of all rights (B-118). A table shows no rights as
// "(nothing)". Names of Want are added to the names. Formats other than JSONL and CSV are a table.
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
