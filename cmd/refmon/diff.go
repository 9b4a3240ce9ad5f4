package main

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/bulk"
)

type diffCmd struct {
	Before         string `arg:"" help:"Objects file of the first state."`
	After          string `arg:"" help:"Objects file of the second state."`
	directoryFlags `embed:""`
	DirectoryAfter string `help:"Directory file of the second state, if users or groups changed too." placeholder:"FILE"`
	Type           string `help:"Type of objects that do not tell: ${types}." default:"file" placeholder:"TYPE"`
	Format         string `help:"table, jsonl or csv." default:"table" enum:"table,jsonl,csv" short:"f"`
	Summary        bool   `help:"A row for each folder and cause instead of each principal and object." short:"s"`
}

// Help is the long help text.
func (diffCmd) Help() string {
	return `Compares two states of the same objects, or of the same users, and lists who gained or lost which rights on what, and why: the entry that was added or removed, the group somebody joined or left, the new owner.

  refmon acl export /srv/share -r > before.jsonl
  … the migration …
  refmon acl export /srv/share -r > after.jsonl
  refmon diff before.jsonl after.jsonl --directory company.yaml --summary

Both states of rights are decided, not guessed: a new entry that changes nothing for anybody is no difference. Objects that cannot be read on one side are counted and not compared. The exit code is 0 if nobody gained or lost anything, 1 if somebody did, 2 if something could not be read.`
}

// Run compares.
func (c *diffCmd) Run(std *streams) error {
	d := &bulk.Diff{Summary: c.Summary}
	var err error
	if d.Format, err = bulk.ParseFormat(c.Format); err != nil {
		return err
	}
	if d.Type, err = objectType(c.Type); err != nil {
		return err
	}
	if d.Directory, err = c.directory(std); err != nil {
		return err
	}
	if c.DirectoryAfter != "" {
		second := directoryFlags{Directory: c.DirectoryAfter, Token: c.Token}
		if d.DirectoryAfter, err = second.directory(std); err != nil {
			return err
		}
	}
	for _, side := range []struct {
		name string
		to   *bulk.Source
	}{{c.Before, &d.Before}, {c.After, &d.After}} {
		in, err := (&objectsFlags{Objects: side.name}).open(std, nil)
		if err != nil {
			return err
		}
		defer func() { _ = in.close() }() // only read
		*side.to = in.source
	}
	ctx, cancel := interrupted()
	defer cancel()
	w := bufio.NewWriterSize(std.out, 1<<20)
	d.Out = w
	out, err := d.Do(ctx)
	err = errors.Join(err, w.Flush())
	switch {
	case err != nil:
		return conclude(std, bulk.Summary{Position: bulk.Position{Objects: out.Objects}}, err)
	case out.Unreadable > 0:
		fmt.Fprintf(std.err, "refmon: %d objects could not be read and were not compared; the first: %s\n", out.Unreadable, printable(out.FirstError.Error()))
		return errReported
	case out.Rows > 0:
		fmt.Fprintf(std.err, "refmon: %d of %d objects changed for somebody\n", out.Changed, out.Objects)
		return errDenied
	}
	return nil
}
