package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/cli/bulk"
)

// diffCmd holds the arguments and flags of refmon diff.
type diffCmd struct {
	Before         string `arg:"" help:"Objects file of the first state."`
	After          string `arg:"" help:"Objects file of the second state."`
	directoryFlags `embed:""`
	shareFlag      `embed:""`
	DirectoryAfter []string `help:"${directoryAfter}" placeholder:"FILE" sep:"none"`
	Type           string   `help:"Type of objects without their own: ${types}." default:"file" placeholder:"TYPE"`
	Format         string   `help:"Format: table, jsonl or csv." default:"table" enum:"table,jsonl,csv" short:"f"`
	Summary        bool     `help:"Print a row for each folder and cause instead of each principal and object." short:"s"`
	outputFlags    `embed:""`
}

// Help returns the long text of --help for refmon diff.
func (diffCmd) Help() string {
	return `Compares two states of the same objects, or of the same users, and lists who gained or lost which rights
on what, and why: the entry that was added or removed, the group that a user joined or left, the new owner.

  refmon acl export /srv/share -r > before.jsonl
  … the migration …
  refmon acl export /srv/share -r > after.jsonl
  refmon diff before.jsonl after.jsonl --directory company.yaml --summary

For two outputs of who-can --for-index the command needs no directory. It prints the changes of the index as JSON
lines: rows of objects that are new or have other sets, sets that are new or have another expression, and the objects
and sets to delete ("gone").

An objects file has no modes of folders. The command therefore tests only the descriptor of each object, and not the
folders above it.

To compare exports of a directory (LDIF), use refmon report:

  refmon report -o new.ldif -d new.ldif --baseline old.ldif --format text

The command runs the access check for both states, so a new entry that changes nobody's rights is not a difference. It
counts objects that it could read on one side only, and does not compare them. The exit code is 0 if no user gained or
lost anything, 1 if one did, 2 if something could not be read.`
}

// Run compares the rights of two states and prints who gains and loses what. It returns errDenied if they differ. It
// compares two outputs of --for-index as indexes. LDIF objects are an error, found before any output is written.
// --directory-after names the accounts of the second state, which are otherwise those of the first.
func (c *diffCmd) Run(std *streams) error {
	switch is, err := c.indexes(); {
	case err != nil:
		return err
	case is:
		return c.index(std)
	}
	if len(c.Directory)+len(c.Token) == 0 && hasAccounts(c.Before) && hasAccounts(c.After) {
		return c.refuseLDIF()
	}
	d := &bulk.Diff{Summary: c.Summary}
	var inputs [2]*input
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
	if len(c.DirectoryAfter) > 0 {
		second := directoryFlags{Directory: c.DirectoryAfter, Token: c.Token, Logon: c.Logon}
		if d.DirectoryAfter, err = second.directory(std); err != nil {
			return err
		}
	}
	gate, err := c.gate(std)
	if err != nil {
		return err
	}
	if d.DirectoryAfter != nil {
		if d.DirectoryAfter, _, _, err = gate.before(std, d.DirectoryAfter); err != nil {
			return err
		}
	}
	if d.Directory, _, d.Share, err = gate.before(std, d.Directory); err != nil {
		return err
	}
	for i, name := range [2]string{c.Before, c.After} {
		names := d.Directory
		if i == 1 && d.DirectoryAfter != nil {
			names = d.DirectoryAfter
		}
		in, err := (&objectsFlags{Objects: name, naming: names}).open(std, nil)
		if err != nil {
			return err
		}
		defer func() { _ = in.close() }() // only read
		inputs[i] = in
	}
	if inputs[0].ldif || inputs[1].ldif {
		return c.refuseLDIF()
	}
	d.Before, d.After = inputs[0].source, inputs[1].source
	files := c.inputs(append(c.DirectoryAfter, c.Before, c.After)...)
	return c.output(std, inputs[1], files...).diff(d, inputs[0])
}

// refuseLDIF returns the error for exports of a directory, whose changes are mostly rights on one object type. It names
// the command that compares them (B-78).
func (c *diffCmd) refuseLDIF() error {
	after, more := c.Directory, ""
	if len(c.DirectoryAfter) > 0 {
		after = c.DirectoryAfter
		for _, name := range c.Directory {
			more += " --baseline-directory " + shellWord(name)
		}
	}
	var from string
	for _, name := range after {
		from += " -d " + shellWord(name)
	}
	for _, name := range c.Token {
		from += " --token " + shellWord(name)
	}
	if c.Logon != "" {
		from += " --logon " + shellWord(c.Logon)
	}
	return fmt.Errorf("diff does not compare the rights on single attributes of a directory, such as resetting a "+
		"password; this command does: refmon report -o %s%s --baseline %s%s --format text", shellWord(c.After), from,
		shellWord(c.Before), more)
}

// shellWord returns s quoted for a shell, if it needs quotes; "" becomes two quotes. Letters, digits and _-./:=,+@% of
// ASCII need none.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r < 128 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' ||
			strings.ContainsRune("_-./:=,+@%", r))
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// errNothingCompared is the error of a comparison without a result, whose output does not replace an earlier file.
var errNothingCompared = errors.New("interrupted while the first state was read: nothing was compared")

// concludeDiff prints the summary of a comparison to standard error and returns the error for its exit code. An
// interrupt and unreadable objects are errReported, changes errDenied, and no changes nil. An interrupt before the
// second state is errNothingCompared. Another err is returned unchanged.
func concludeDiff(std *streams, out *bulk.Outcome, err error) error {
	remark(std, &out.Summary)
	if out.Repeated > 0 {
		fmt.Fprintf(std.err, "refmon: %s a path that an earlier row of the same file has, such as %s: of the first state "+
			"the last row counts, and each row of the second is compared with it\n",
			count(out.Repeated, "row has", "rows have"), inLine(out.FirstRepeated))
	}
	switch {
	case errors.Is(err, context.Canceled) && !out.Compared:
		return errNothingCompared
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(std.err,
			"refmon: interrupted: the output is complete for the first %d objects of the second state; the other "+
				"objects are missing\n", out.Objects)
		return errReported
	case err != nil:
		return err
	case out.Unreadable > 0:
		fmt.Fprintf(std.err, "refmon: %d objects could not be read and were not compared%s\n",
			out.Unreadable, firstError(&out.Summary))
		return errReported
	case out.Changes > 0:
		fmt.Fprintf(std.err, "refmon: %d of %d objects changed for at least one user\n", out.Changed, out.Objects)
		return errDenied
	}
	return nil
}
