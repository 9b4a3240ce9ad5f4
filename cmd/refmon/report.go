package main

import (
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/cli/bulk"
)

// reportCmd holds the arguments and flags of refmon report.
type reportCmd struct {
	Paths           []string `arg:"" optional:"" name:"path" help:"${paths}"`
	objectsFlags    `embed:""`
	choiceFlags     `embed:""`
	traverseFlag    `embed:""`
	directoryFlags  `embed:""`
	shareFlag       `embed:""`
	Out             string `help:"Write to FILE." default:"report.html" placeholder:"FILE"`
	Checkpoint      string `help:"${reportCheckpoint}" placeholder:"FILE"`
	Quiet           bool   `help:"No progress bar." short:"q"`
	Force           bool   `help:"Overwrite an existing file." short:"f"`
	Title           string `help:"Title of the report." default:"Who reaches what"`
	directoryReport `embed:""`
}

// Help returns the long text of --help for refmon report.
func (reportCmd) Help() string {
	return `Writes one HTML file that needs no network. For files it shows how much everybody can read, change and
control, the riskiest grants (almost everybody may write), the descriptors that grant most, and accounts that are in no
directory. For each of these descriptors it shows the entries, who has access, and through which entry. The reader can
sort columns and search rows.

  refmon report /srv/share -r --directory company.yaml --out share.html
  refmon report --objects acls.jsonl -d company.yaml

For the objects of a directory (LDIF, or --type directoryService) it shows who reaches the important objects, such as
Domain Admins, step by step as refmon reach does; who has rights such as ResetPassword, AddMember and DCSync; and what
changed since the export in --baseline. --format text prints the report instead.

  refmon report -o ad.ldif -d ad.ldif --out ad.html
  refmon report -o ad.ldif -d ad.ldif --baseline march.ldif --format text

With --traverse host, the default for paths, a user needs the host's search permission on every folder above an
object, as with smbd. With --traverse never, and for rows of --objects, only each object's descriptor decides.

The exit code is 2 if some objects could not be read; the report lists them.`
}

// Run writes the report of a tree or a directory. An existing file is an error unless --force or a checkpoint is given.
// A directory gets a report of its own. A failed write leaves an earlier file unchanged. A successful run prints the
// counts.
func (c *reportCmd) Run(std *streams) error {
	typ, err := objectType(c.Type)
	if err != nil {
		return err
	}
	dir, err := c.directoryFor(std, &c.objectsFlags, c.Paths)
	if err != nil {
		return err
	}
	gate, err := c.gate(std)
	if err != nil {
		return err
	}
	dir, _, share, err := gate.before(std, dir)
	if err != nil {
		return err
	}
	if err := c.traverseFlag.choose(&c.objectsFlags); err != nil {
		return err
	}
	c.naming = dir
	in, err := c.choiceFlags.open(std, &c.objectsFlags, gate.objects(&c.objectsFlags, c.Paths), typ)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }() // only read
	inputs := c.inputs(append(c.BaselineDirectory, c.Objects, c.Baseline)...)
	if err := apart(c.Out, inputs...); err != nil && c.Format != "text" {
		return err
	}
	if about, err := c.aboutDirectory(in, typ); err != nil || about {
		if err != nil {
			return err
		}
		return c.reportDirectory(std, in, dir, typ)
	}
	if err := c.onlyForDirectory(); err != nil {
		return err
	}
	// Report a conflict with an existing file before the long run starts.
	if at, err := os.Stat(c.Out); err == nil && at.Mode().IsRegular() && !c.Force && c.Checkpoint == "" {
		return fmt.Errorf("%s exists already: give --out another name, or --force to overwrite it", c.Out)
	}
	r := &bulk.Report{Title: c.Title, Source: in.source, Directory: dir, Type: typ, Share: share}
	o := &output{std: std, out: c.Out, checkpoint: c.Checkpoint, quiet: c.Quiet, force: c.Force, in: in,
		taken: append(inputs, c.Out)}
	return o.report(r, func() error {
		_, err := fmt.Fprintf(std.out, "%s: %d objects, %d distinct descriptors, %d principals\n", c.Out, r.Objects,
			r.Distinct, len(dir.Principals))
		return err
	})
}
