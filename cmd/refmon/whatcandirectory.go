package main

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// aboutDirectory reports whether the answer has all rights on the objects of a directory, also those on one object type
// (B-118). With --want, --object-type or --share the rights are those on the object or the type.
func (c *whatCanCmd) aboutDirectory(in *input, typ *winnt.ObjectType) (bool, error) {
	if c.Want != "" || len(c.ObjectType) > 0 || len(c.Share) > 0 {
		return false, nil
	}
	return c.ofDirectory(in, typ)
}

// byConsequence reports whether the rows are ordered by consequence, as in the table of a directory (B-54). Others have
// the order of the input.
func (c *whatCanCmd) byConsequence() bool {
	return c.Format == "table" && c.Checkpoint == "" && !c.Changes
}

// holder returns a constructor of functions that name all rights of the principal with index who on a directory
// object. Each worker calls it once, because such a function is for one goroutine. It returns the errors of NewHolder
// and Of.
func holder(d *directory.Directory, who int) func() (func(*objects.Item) ([]string, error), error) {
	return func() (func(*objects.Item) ([]string, error), error) {
		h, err := adreport.NewHolder(d, who)
		if err != nil {
			return nil, err
		}
		return func(i *objects.Item) ([]string, error) {
			held, err := h.Of(i)
			return held.Rights(), err
		}, nil
	}
}

// holdings prints the rights on a directory's objects that a principal has but not every user. Without --ordinary, it
// prints the number of objects left out to standard error. Unreadable objects are counted and reported. Without
// objects it returns c.none. After an error it leaves an earlier --out FILE as it was.
func (c *whatCanCmd) holdings(std *streams, in *input, run *bulk.Run) (err error) {
	ctx, cancel := interrupted()
	defer cancel()
	state, err := stateOf(ctx, in.source, run.Directory, run.Type)
	if err != nil {
		return err
	}
	sum := bulk.Summary{}
	good := state.Objects[:0]
	for _, o := range state.Objects {
		if sum.Objects++; o.Err != nil {
			if sum.Unreadable++; sum.FirstError == nil {
				sum.FirstError = objects.AddPath(o.Path, o.Err)
			}
			continue
		}
		sum.Observe(o.Type, o.Entry, o.Path)
		good = append(good, o)
	}
	list, err := adreport.Holdings(ctx, good, run.Directory, run.Principal)
	if err != nil {
		return err
	}
	out := c.output(std, in, c.inputs(c.Objects)...)
	defer out.close(&err)
	to, err := out.to(c.Out, std.out)
	if err != nil {
		return err
	}
	ordinary, err := c.table(columns.New(to, out.table()), list, &sum)
	if err != nil {
		return err
	}
	if ordinary > 0 {
		fmt.Fprintf(std.err, "refmon: on %d of %s %s has what every user has: --ordinary lists them\n", ordinary,
			count(sum.Objects, "object", "objects"), inLine(run.Directory.Principals[run.Principal].Name))
	}
	if sum.Objects == 0 {
		err = c.none()
	}
	return conclude(std, sum, err)
}

// table writes a row for each object with rights that not every user has. It returns the number of ordinary objects
// left out. Objects without rights are counted in sum.Passed. --ordinary and --nothing include these two kinds, and
// with paths every object has a row. A write error is returned.
func (c *whatCanCmd) table(w *columns.Writer, list []adreport.Holding, sum *bulk.Summary) (ordinary int, err error) {
	rows := columns.Heading("PATH", "GRANTED", "RIGHTS")
	for i := range list {
		h := &list[i]
		switch {
		case h.Mask == 0 && len(h.Steps)+len(h.Typed) == 0 && !c.Nothing && len(c.Paths) == 0:
			sum.Passed++
			continue
		case h.Ordinary && h.Mask != 0 && !c.Ordinary && len(c.Paths) == 0:
			ordinary++
			continue
		}
		style := columns.Plain
		if len(h.Steps) > 0 {
			style = columns.Good
		}
		rows = columns.Cell(rows, columns.Plain, h.Object)
		mask := h.Mask.Padded()
		if h.Mask == 0 && len(h.Steps)+len(h.Typed) > 0 { // 0 would read as no rights at all
			mask = ""
		}
		rows = columns.Cell(rows, style, mask)
		rows = columns.End(columns.Cell(rows, columns.Plain, h.Text()))
	}
	_, err = w.Write(rows)
	return ordinary, errors.Join(err, w.Flush())
}
