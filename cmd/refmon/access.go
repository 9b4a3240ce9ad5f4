package main

import (
	"context"
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/batch"
	"github.com/refmon/refmon/internal/bulk"
)

type accessCmd struct {
	Path           string `arg:"" help:"Path of the object: in the file system, or in the objects file."`
	As             string `help:"Who asks: a name or SID of the directory; not needed with one token file." placeholder:"WHO"`
	Want           string `help:"Right asked for: read, write, modify, full, list, or names and masks; left out, all there is." placeholder:"RIGHT" short:"w"`
	objectsFlags   `embed:""`
	directoryFlags `embed:""`
	JSON           bool `name:"json" help:"Print the answer as a line of the batch format, with its reasons."`
}

// Help is the long help text.
func (accessCmd) Help() string {
	return `Explains what somebody may do with one object, and through which entry: refmon why with the descriptor of a file and the token of a user of the directory.

  refmon access /srv/share/plan.docx --as alice --directory company.yaml
  refmon access /srv/share/plan.docx --as alice -d company.yaml --objects acls.jsonl --want write

The exit code is 0 granted, 1 denied, 2 if it could not be answered.`
}

// Run explains one decision.
func (c *accessCmd) Run(std *streams) error {
	dir, err := c.directory(std)
	if err != nil {
		return err
	}
	who := 0
	switch {
	case c.As != "":
		if who = dir.Find(c.As); who < 0 {
			return fmt.Errorf("--as %q: no user who can log on has that name or SID", c.As)
		}
	case len(dir.Principals) > 1:
		return fmt.Errorf("--as WHO is missing: the directory has %d users", len(dir.Principals))
	}
	typ, err := objectType(c.Type)
	if err != nil {
		return err
	}
	var paths []string
	if c.Objects == "" {
		paths, c.Recurse = []string{c.Path}, false
	}
	in, err := c.open(std, paths)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }() // only read
	item, err := bulk.Find(context.Background(), in.source, c.Path, dir.Domain, typ)
	if err != nil {
		return err
	}
	if item.Note != 0 {
		fmt.Fprintf(std.err, "refmon: %s: %s\n", printable(item.Path), item.Note)
	}
	want := "MAXIMUM_ALLOWED"
	if c.Want != "" {
		want = c.Want
	}
	rights, err := bulk.ParseRights(want)
	if err != nil {
		return fmt.Errorf("--want: %w", err)
	}
	q := &batch.Question{Explain: true, Request: access.Request{Descriptor: item.Descriptor, Type: item.Type,
		Subject: access.SubjectOf(dir.Principals[who].Token)}}
	for _, r := range rights {
		q.Request.Desired |= r.Mask(item.Type)
	}
	if c.JSON {
		return printJSON(std, q)
	}
	a, err := q.Ask()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(std.out, paintTable(std, printable(a.Why.String()))); err != nil {
		return err
	}
	return verdict(a.Allowed())
}
