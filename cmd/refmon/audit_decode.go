package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/cli/trail"
)

// auditDecodeCmd holds the arguments and flags of refmon audit decode.
type auditDecodeCmd struct {
	Files  []string `arg:"" optional:"" name:"file" help:"Exported events as XML; none or - for standard input."`
	Format string   `enum:"table,json,csv,xml,ocsf" default:"table" help:"${enum}."`
	Check  bool     `help:"Print no events. Compare the fields of each event with each other."`
}

// Help returns the long text of --help for refmon audit decode.
func (auditDecodeCmd) Help() string {
	return `Reads the events of a Windows security log and prints them as refmon prints its own records: who did
what to which object, rights by their names, and the entry that decided. Export the log on Windows
with wevtutil, or read an .evtx file with evtxexport (libevtx-utils) or evtx_dump:

  wevtutil qe Security /f:xml >events.xml
  refmon audit decode events.xml
  evtxexport -f xml Security.evtx | refmon audit decode --format json

--check derives what an event says twice: the codes of rights from the access mask, the reason of each
right from the entries, the order of privileges, descriptors from their text, the names of the fields,
and the used rights from those that the open granted. It prints each difference, and a table of how
many were equal. "known" counts differences that docs/CAVEATS.md explains.

The exit code is 0, 1 if --check found a difference, 2 if a file was malformed. Events before the
malformed one are printed.`
}

// Run prints the events of Windows event files, or with --check compares their texts. Without a file it reads standard
// input. Events before an error are printed. An unknown format is an error.
func (c *auditDecodeCmd) Run(std *streams) error {
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
	}
	if c.Check {
		return c.check(std)
	}
	w, err := trail.NewWriter(tableOut(std, c.Format), c.Format, std.outcome, nil)
	if err != nil {
		return err
	}
	return errors.Join(c.each(std, func(r *trail.WindowsReader) error {
		e, err := r.Next()
		if err != nil {
			return err
		}
		return w.Write(&e)
	}), w.Close()) // events before an error are printed
}

// check compares the events with those that this program would write and prints the result. It returns errDenied if
// some differ. A file that cannot be read, and a failed write, are errors. Equal events print only the counts.
func (c *auditDecodeCmd) check(std *streams) error {
	var failed error // first error of writing the output
	check := trail.NewWindowsCheck(func(line string) {
		if _, err := fmt.Fprintln(std.out, line); err != nil && failed == nil {
			failed = err
		}
	})
	err := c.each(std, func(r *trail.WindowsReader) error {
		e, err := r.Next()
		if err != nil {
			return err
		}
		check.Add(&e)
		return failed
	})
	switch err = errors.Join(err, check.Print(std.out)); {
	case err != nil:
		return err
	case check.Differing() > 0:
		return errDenied
	}
	return nil
}

// each calls use until it returns io.EOF, for every file in turn. Another error of use ends it. A file that cannot be
// opened ends it. At the end it says on standard error how many events it left out.
func (c *auditDecodeCmd) each(std *streams, use func(r *trail.WindowsReader) error) error {
	others := 0
	for _, name := range c.Files {
		in, err := std.open(name)
		if err != nil {
			return err
		}
		r := trail.NewWindowsReader(in)
		for err == nil {
			err = use(r)
		}
		others += r.Others()
		_ = in.Close() // only read
		if !errors.Is(err, io.EOF) {
			return fmt.Errorf("decode %s: %w", name, err)
		}
	}
	if others > 0 {
		fmt.Fprintf(std.err, "refmon: left out %s of other providers than the security log\n",
			count(others, "event", "events"))
	}
	return nil
}
