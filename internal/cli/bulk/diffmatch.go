package bulk

import (
	"context"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/objects"
)

// pair is a principal in both states: its name, and its indexes in the directories, -1 where it does not exist.
type pair struct {
	name          string
	before, after int
}

// two is a list of pairs whose principals are compiled for both states.
type two struct {
	pairs         []int // index into Diff.pairs
	before, after *effective.Principals
	at            [][2]int // of each pair: its index in before and after; -1: it is not there
	guards        [2]*guarded
}

// read stores the objects of Before in d.past, and marks the paths of d.Skip, the part of After that an earlier run has
// compared. sum counts only Before. An unreadable object is counted and stored as such. Progress is reported every
// 65536 objects.
func (d *Diff) read(ctx context.Context) (sum Summary, err error) {
	err = objects.Each(ctx, d.Before, func(b *objects.Batch, o *objects.Object) error {
		if o.Type == nil {
			o.Type = d.Type
		}
		sum.Objects++
		if o.Err != nil {
			if sum.Unreadable++; sum.FirstError == nil {
				sum.FirstError = objects.AddPath(string(o.Path), o.Err)
			}
		}
		sum.Offset = b.End
		if sum.Objects&0xffff == 0 && d.Progress != nil {
			d.Progress(sum.Position)
		}
		return d.past.put(o)
	})
	if err == nil {
		err = d.past.index(sum.repeat)
	}
	if err != nil || d.Skip == nil {
		return sum, err
	}
	var e entry
	return sum, objects.Each(ctx, d.Skip, func(_ *objects.Batch, o *objects.Object) error {
		slot, ok, err := d.past.find(o.Path, &e)
		if ok {
			d.past.mark(slot)
		}
		return err
	})
}

// match pairs the principals of both states by name, and those with the same name by position. It sets d.all to all
// pairs and d.moved to the pairs whose tokens could lead to different decisions.
func (d *Diff) match() {
	after := map[string][]int{}
	for i, p := range d.DirectoryAfter.Principals {
		after[p.Name] = append(after[p.Name], i)
	}
	for i, p := range d.Directory.Principals {
		j := -1
		if left := after[p.Name]; len(left) > 0 {
			j, after[p.Name] = left[0], left[1:]
		}
		d.pairs = append(d.pairs, pair{p.Name, i, j})
	}
	for i, p := range d.DirectoryAfter.Principals {
		if slices.Contains(after[p.Name], i) {
			d.pairs = append(d.pairs, pair{p.Name, -1, i})
		}
	}
	var all, moved []int
	for i, p := range d.pairs {
		all = append(all, i)
		if d.Directory == d.DirectoryAfter {
			continue
		}
		if p.before < 0 || p.after < 0 || d.Config.Options.Callback != nil || d.differ(p) {
			moved = append(moved, i)
		}
	}
	d.all = d.compile(all)
	if len(moved) > 0 {
		d.moved = d.compile(moved)
	}
}

// differ reports whether the tokens of a pair could lead to different decisions. It may return true for tokens that
// never do, but not the reverse. Both states must have the principal.
func (d *Diff) differ(p pair) bool {
	before, after := &d.Directory.Principals[p.before], &d.DirectoryAfter.Principals[p.after]
	if before.Withheld != after.Withheld || before.Root != after.Root {
		return true
	}
	was, is := before.Token, after.Token
	// Local attributes can differ from one moment to the next.
	local := was.LocalAttributes().Len()+is.LocalAttributes().Len() > 0
	return local || effective.Fingerprint(was) != effective.Fingerprint(is)
}
