package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/words"
)

// whatCanCmd holds the arguments and flags of refmon what-can.
type whatCanCmd struct {
	Who            string   `arg:"" help:"${who}"`
	Paths          []string `arg:"" optional:"" name:"path" help:"${namedPaths}"`
	objectsFlags   `embed:""`
	choiceFlags    `embed:""`
	traverseFlag   `embed:""`
	directoryFlags `embed:""`
	shareFlag      `embed:""`
	objectTypeFlag `embed:""`
	Want           string `help:"List only objects on which all these rights are granted." placeholder:"RIGHT" short:"w"`
	Nothing        bool   `help:"In a table, also list objects without granted rights."`
	Ordinary       bool   `help:"${ordinary}"`
	Changes        bool   `help:"${changes}"`
	Format         string `help:"Format: table, jsonl or csv." default:"table" enum:"table,jsonl,csv" short:"f"`
	outputFlags    `embed:""`
}

// Help returns the long text of --help for refmon what-can.
func (whatCanCmd) Help() string {
	return `Lists what one principal can do with each object: every right that MAXIMUM_ALLOWED would grant. RIGHTS has the
words read, write, modify, full and list whose rights it has completely, control if it can change the rights, and the
names of all other rights.

  refmon what-can alice /srv/share -r --directory company.yaml
  refmon what-can alice --objects acls.jsonl --token alice.json --format jsonl
  refmon what-can Everyone /srv/share -r --directory company.yaml --want write
  refmon what-can helen -o ad.ldif -d ad.ldif --want ResetPassword

With --objects, paths name objects in the file, as for who-can. --want lists only objects on which all of its rights are
granted, and RIGHTS has them too, such as ForceChangePassword; GRANTED is of the object as a whole.

For a directory's objects RIGHTS begins with control of the object, such as DCSync, AddMember and ForceChangePassword.
Rights on one attribute, property set or extended right follow, such as SW:Validated-SPN. The table has the objects with
the most control first, and counts those on which every user has the same rights; --ordinary lists them. JSON lines and
CSV have the same rights, and all objects in the order of the input.

For a group, the rights are those of a user who is only in that group. A table omits objects without rights and shows
their number; --nothing lists them too.

With --traverse host, the default for paths, the principal has no rights below a folder without the host's search
permission, as with smbd. With --traverse never, and for rows of --objects, only each object's descriptor decides.

refmon who-can --help describes the objects file and the directory file.`
}

// Run prints what a user can do with each object, or in a directory with the objects that matter. A named object that
// is not found is an error. --want limits the objects to those with these rights. In a directory a question by
// consequence prints its own page. Without a matching object it returns an error after the output.
func (c *whatCanCmd) Run(std *streams) error {
	run := &bulk.Run{Ask: bulk.What, Nothing: c.Nothing, Changes: c.Changes}
	var err error
	if run.Want, err = c.wanted(); err != nil {
		return err
	}
	if run.Format, err = bulk.ParseFormat(c.Format); err != nil {
		return err
	}
	if run.Type, err = objectType(c.Type); err != nil {
		return err
	}
	if run.Types, err = c.chains(); err != nil {
		return err
	}
	run.Directory, run.Principal, err = c.asking(std, c.Who, func() (*directory.Directory, error) {
		return c.directoryFor(std, &c.objectsFlags, c.Paths)
	})
	if err != nil {
		return err
	}
	gate, err := c.gate(std)
	if err != nil {
		return err
	}
	run.Logons = gate.logons(run.Directory)
	if run.Directory, _, run.Share, err = gate.before(std, run.Directory); err != nil {
		return err
	}
	if err := c.traverseFlag.choose(&c.objectsFlags); err != nil {
		return err
	}
	c.people, c.rights = run.Directory, run.Want
	in, err := c.choiceFlags.open(std, &c.objectsFlags, gate.objects(&c.objectsFlags, c.Paths), run.Type)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }() // only read
	if about, err := c.aboutDirectory(in, run.Type); err != nil {
		return err
	} else if about && c.byConsequence() {
		if err := c.holdings(std, in, run); err != nil {
			return err
		}
		return c.missing()
	} else if about {
		run.Holdings = holder(run.Directory, run.Principal)
	}
	noteUnreadable(std, c.ObjectType)
	run.Source = in.source
	out := c.output(std, in, c.inputs(c.Objects)...)
	out.none = c.none
	if err := out.run(run); err != nil {
		return err
	}
	return c.missing()
}

// wanted returns the rights of --want, none without the flag. Rights that another descriptor than that of the object
// decides are an error (B-10): what-can shows the rights that the object grants.
func (c *whatCanCmd) wanted() ([]words.Right, error) {
	if c.Want == "" {
		return nil, nil
	}
	rights, err := words.Parse(c.Want)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--want: %w", err)
	case slices.ContainsFunc(rights, words.Right.Managed):
		return nil, errors.New("--want ReadGMSAPassword: another descriptor than that of the object decides it: use " +
			"refmon who-can or refmon access")
	}
	return rights, nil
}
