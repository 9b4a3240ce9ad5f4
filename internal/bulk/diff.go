package bulk

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/batch"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Diff compares who has what on two states of the same objects, or for two
// states of the same principals. Before, After and Directory are needed.
type Diff struct {
	Before, After  Source
	Directory      *Directory
	DirectoryAfter *Directory        // nil: the same
	Type           *winnt.ObjectType // of objects that do not tell; nil: file
	Config         effective.Config
	Format         Format
	Summary        bool // a row for each folder and cause instead of each principal and object
	Out            io.Writer

	pairs   []pair // of principals with one name, in the order of Directory
	before  sideOf
	after   sideOf
	changes map[[2]key][]change
	groups  map[group]*tally
	order   []group
	buf     []byte
}

// Change is how the rights of one principal on one object changed.
type change struct {
	who          int // index into pairs
	gained, lost winnt.AccessMask
	cause        string
}

// pair is a principal before and after; -1 where it is not there.
type pair struct {
	name          string
	before, after int
}

// key is one descriptor on one type of object; nil stands for no object.
type key struct {
	d   *sd.Descriptor
	typ *winnt.ObjectType
}

// sideOf is one state: its principals and their rights on each descriptor.
type sideOf struct {
	dir        *Directory
	principals *effective.Principals
	evaluators map[*winnt.ObjectType]*effective.Evaluator
	d          *Diff
}

// group is what a summary adds up; tally is the sum.
type (
	group struct{ folder, cause string }
	tally struct {
		objects, grants int
		gained, lost    winnt.AccessMask
		who             map[string]bool
		last            string
	}
)

// Outcome is what a comparison found.
type Outcome struct {
	Objects    int // objects looked at, on either side
	Changed    int // objects on which somebody gained or lost something
	Rows       int // pairs of principal and object that changed
	Unreadable int // objects that could not be read on one side; they are not compared
	FirstError error
}

// maxChanges is how many pairs of descriptors are remembered.
const maxChanges = 1 << 16

// Do compares. Rows come in the order of After, then what only Before has.
func (d *Diff) Do(ctx context.Context) (out Outcome, err error) {
	if d.Type == nil {
		d.Type = winnt.FileObject
	}
	if d.DirectoryAfter == nil {
		d.DirectoryAfter = d.Directory
	}
	d.before = d.side(d.Directory)
	d.after = d.before
	if d.DirectoryAfter != d.Directory {
		d.after = d.side(d.DirectoryAfter)
	}
	d.match()
	d.changes = map[[2]key][]change{}
	d.groups = map[group]*tally{}
	if err := d.heading(); err != nil {
		return out, err
	}
	olds, names, err := d.states(ctx, &out)
	if err != nil {
		return out, err
	}
	var failed error
	err = All(ctx, d.After, d.DirectoryAfter.Domain, d.Type, func(i Item) bool {
		out.Objects++
		o := olds[i.Path]
		if o == nil {
			o = &old{}
		}
		o.seen = true
		switch {
		case i.Err != nil:
			out.fail(i)
		case !o.bad:
			failed = d.object(i.Path, o.key, key{i.Descriptor, i.Type}, &out)
		}
		return failed == nil
	})
	for _, name := range names {
		if o := olds[name]; err == nil && failed == nil && !o.seen && !o.bad {
			out.Objects++
			failed = d.object(name, o.key, key{}, &out)
		}
	}
	if failed != nil {
		return out, failed
	}
	if e := d.summary(); e != nil {
		return out, e
	}
	return out, err
}

// old is an object as Before has it.
type old struct {
	key
	seen bool // After has it too
	bad  bool // it could not be read
}

// states reads Before: its objects by path, and the paths in order.
func (d *Diff) states(ctx context.Context, out *Outcome) (olds map[string]*old, names []string, err error) {
	olds = map[string]*old{}
	err = All(ctx, d.Before, d.Directory.Domain, d.Type, func(i Item) bool {
		if i.Err != nil {
			out.fail(i)
		}
		if _, twice := olds[i.Path]; !twice {
			names = append(names, i.Path)
		}
		olds[i.Path] = &old{key: key{i.Descriptor, i.Type}, bad: i.Err != nil}
		return true
	})
	return olds, names, err
}

// fail counts an object that could not be read.
func (o *Outcome) fail(i Item) {
	o.Unreadable++
	if o.FirstError == nil {
		o.FirstError = fmt.Errorf("%s: %w", i.Path, i.Err)
	}
}

func (d *Diff) side(dir *Directory) sideOf {
	return sideOf{dir, effective.Compile(dir.Tokens(), d.Config), map[*winnt.ObjectType]*effective.Evaluator{}, d}
}

// match pairs the principals by their names.
func (d *Diff) match() {
	after := map[string]int{}
	for i, p := range d.DirectoryAfter.Principals {
		after[p.Name] = i
	}
	for i, p := range d.Directory.Principals {
		j, ok := after[p.Name]
		if !ok {
			j = -1
		}
		delete(after, p.Name)
		d.pairs = append(d.pairs, pair{p.Name, i, j})
	}
	for i, p := range d.DirectoryAfter.Principals {
		if j, ok := after[p.Name]; ok && j == i {
			d.pairs = append(d.pairs, pair{p.Name, -1, i})
		}
	}
}

// masks are the rights of all principals of a side; nil for no object.
func (s *sideOf) masks(k key) ([]winnt.AccessMask, error) {
	if k.d == nil {
		return nil, nil
	}
	e := s.evaluators[k.typ]
	if e == nil {
		var err error
		e, err = effective.NewEvaluator(s.principals, effective.Question{Type: k.typ, Rights: []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}})
		if err != nil {
			return nil, err
		}
		s.evaluators[k.typ] = e
	}
	return e.Maximum(k.d), nil
}

// object compares one object.
func (d *Diff) object(name string, before, after key, out *Outcome) error {
	if before == after && d.DirectoryAfter == d.Directory {
		return nil
	}
	changes, ok := d.changes[[2]key{before, after}]
	if !ok {
		var err error
		if changes, err = d.compare(before, after); err != nil {
			return err
		}
		if len(d.changes) >= maxChanges {
			clear(d.changes)
		}
		d.changes[[2]key{before, after}] = changes
	}
	if len(changes) == 0 {
		return nil
	}
	out.Changed++
	out.Rows += len(changes)
	if d.Summary {
		d.add(name, changes)
		return nil
	}
	d.buf = d.buf[:0]
	for _, c := range changes {
		d.buf = d.row(d.buf, name, &c)
	}
	_, err := d.Out.Write(d.buf)
	return err
}

func (d *Diff) compare(before, after key) ([]change, error) {
	had, err := d.before.masks(before)
	if err != nil {
		return nil, err
	}
	had = slices.Clone(had) // both may come from one evaluator
	has, err := d.after.masks(after)
	if err != nil {
		return nil, err
	}
	at := func(masks []winnt.AccessMask, i int) winnt.AccessMask {
		if i < 0 || masks == nil {
			return 0
		}
		return masks[i]
	}
	var out []change
	for i, p := range d.pairs {
		was, is := at(had, p.before), at(has, p.after)
		if was == is {
			continue
		}
		c := change{who: i, gained: is &^ was, lost: was &^ is}
		out = append(out, c)
	}
	for i := range out {
		out[i].cause = d.cause(&out[i], before, after)
	}
	return out, nil
}

// heading starts the output.
func (d *Diff) heading() error {
	text := ""
	switch {
	case d.Format == CSV && d.Summary:
		text = "folder,objects,principals,gained,lost,cause\n"
	case d.Format == CSV:
		text = "principal,path,gained,lost,cause\n"
	case d.Format == Table && d.Summary:
		text = fmt.Sprintf("%-32s  %8s  %10s  %-10s  %-10s  %s\n", "FOLDER", "OBJECTS", "PRINCIPALS", "GAINED", "LOST", "CAUSE")
	case d.Format == Table:
		text = fmt.Sprintf("%-16s  %-32s  %-10s  %-10s  %s\n", "PRINCIPAL", "PATH", "GAINED", "LOST", "CAUSE")
	}
	_, err := io.WriteString(d.Out, text)
	return err
}

func (d *Diff) row(dst []byte, name string, c *change) []byte {
	who := d.pairs[c.who].name
	switch d.Format {
	case JSONL:
		dst = batch.AppendString(append(dst, `{"principal":`...), who)
		dst = batch.AppendString(append(dst, `,"path":`...), name)
		dst = append(dst, `,"gained":"`+c.gained.Padded()+`","lost":"`+c.lost.Padded()+`","cause":`...)
		return append(batch.AppendString(dst, c.cause), "}\n"...)
	case CSV:
		return appendCSV(dst, who, name, c.gained.Padded(), c.lost.Padded(), c.cause)
	}
	return fmt.Appendf(dst, "%-16s  %-32s  %-10s  %-10s  %s\n", Printable(who), Printable(name), c.gained.Padded(), c.lost.Padded(), Printable(c.cause))
}

// add counts an object into its folder.
func (d *Diff) add(name string, changes []change) {
	folder := path.Dir(strings.ReplaceAll(name, `\`, "/"))
	for i := range changes {
		c := &changes[i]
		g := group{folder, c.cause}
		t := d.groups[g]
		if t == nil {
			t = &tally{who: map[string]bool{}}
			d.groups[g] = t
			d.order = append(d.order, g)
		}
		if t.last != name {
			t.objects++
			t.last = name
		}
		t.grants++
		t.gained |= c.gained
		t.lost |= c.lost
		t.who[d.pairs[c.who].name] = true
	}
}

// summary writes the rows of the groups.
func (d *Diff) summary() error {
	var out []byte
	for _, g := range d.order {
		t := d.groups[g]
		switch d.Format {
		case JSONL:
			out = batch.AppendString(append(out, `{"folder":`...), g.folder)
			out = fmt.Appendf(out, `,"objects":%d,"principals":%d,"gained":"%s","lost":"%s","cause":`, t.objects, len(t.who), t.gained.Padded(), t.lost.Padded())
			out = append(batch.AppendString(out, g.cause), "}\n"...)
		case CSV:
			out = appendCSV(out, g.folder, fmt.Sprint(t.objects), fmt.Sprint(len(t.who)), t.gained.Padded(), t.lost.Padded(), g.cause)
		default:
			out = fmt.Appendf(out, "%-32s  %8d  %10d  %-10s  %-10s  %s\n", Printable(g.folder), t.objects, len(t.who), t.gained.Padded(), t.lost.Padded(), Printable(g.cause))
		}
	}
	_, err := d.Out.Write(out)
	return err
}
