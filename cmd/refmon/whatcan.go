package main

import (
	"fmt"

	"github.com/refmon/refmon/internal/verbs/bulk"
)

type whatCanCmd struct {
	Who            string   `arg:"" help:"${who}"`
	Paths          []string `arg:"" optional:"" name:"path" help:"${paths}"`
	objectsFlags   `embed:""`
	directoryFlags `embed:""`
	shareFlag      `embed:""`
	objectTypeFlag `embed:""`
	Format         string `help:"table, jsonl or csv." default:"table" enum:"table,jsonl,csv" short:"f"`
	outputFlags    `embed:""`
}

// Help returns the long help text.
func (whatCanCmd) Help() string {
	return `Lists what one principal can do with each object: every right it has (what MAXIMUM_ALLOWED would grant),
and those of read, write, modify, full and list that it has completely, and control if it can change the rights.

  refmon what-can alice /srv/share -r --directory company.yaml
  refmon what-can alice --objects acls.jsonl --token alice.json --format jsonl

Objects and directory are those of who-can; see refmon who-can --help.`
}

// Run answers for all objects.
func (c *whatCanCmd) Run(std *streams) error {
	run := &bulk.Run{Ask: bulk.What}
	var err error
	if run.Format, err = bulk.ParseFormat(c.Format); err != nil {
		return err
	}
	if run.Type, err = objectType(c.Type); err != nil {
		return err
	}
	if run.Types, err = c.chains(); err != nil {
		return err
	}
	if run.Directory, err = c.directory(std); err != nil {
		return err
	}
	if run.Principal = run.Directory.Find(c.Who); run.Principal < 0 {
		return fmt.Errorf("%q is no user who can log on: give a name or SID of the directory file", c.Who)
	}
	gate, err := c.gate(std)
	if err != nil {
		return err
	}
	if run.Directory, _, run.Share, err = gate.before(std, run.Directory); err != nil {
		return err
	}
	in, err := c.open(std, gate.objects(&c.objectsFlags, c.Paths))
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }() // only read
	run.Source = in.source
	return c.output(std, in).run(run)
}
