package main

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

type aclCmd struct {
	Get     aclGetCmd     `cmd:"" help:"Print the descriptor of a file on a mount or in a tree, as the caller may see it."`
	Set     aclSetCmd     `cmd:"" help:"Change the descriptor of a file on a mount or in a tree, as the caller may."`
	Inherit aclInheritCmd `cmd:"" help:"Let the DACL of a file inherit from its directory again."`
	Reset   aclResetCmd   `cmd:"" help:"Replace the DACL of a file by what its directory gives."`
	Export  aclExportCmd  `cmd:"" help:"Write the descriptors of files, or of another format, as an objects file."`
}

type aclExportCmd struct {
	Paths        []string `arg:"" optional:"" name:"path" help:"${paths}"`
	objectsFlags `embed:""`
	choiceFlags  `embed:""`
	Domain       string `help:"SID of the domain that aliases such as DU in SDDL are of." placeholder:"SID"`
	Hex          bool   `help:"Write self-relative bytes in hexadecimal digits instead of SDDL."`
}

// maxListed is how many unreadable objects are listed.
const maxListed = 25

// Help returns the long help text.
func (aclExportCmd) Help() string {
	return `Reads the security descriptors of files, from the extended attribute in which Samba keeps them or else
from mode and POSIX ACL, and writes them as JSON lines: {"path":…,"sd":…,"type":…}. With --objects it turns CSV,
icacls saves and LDIF into that form.

  refmon acl export /srv/share -r > acls.jsonl
  refmon acl export --objects get-acl.csv > acls.jsonl

A descriptor that SDDL cannot say is written as sdHex. Files that cannot be read are listed on standard error,
the first of many, and the exit code is then 2.`
}

// Run writes the objects.
func (c *aclExportCmd) Run(std *streams) error {
	typ, err := objectType(c.Type)
	if err != nil {
		return err
	}
	var domain sid.SID
	if c.Domain != "" {
		if domain, err = sid.Parse(c.Domain); err != nil {
			return fmt.Errorf("--domain: %w", err)
		}
	}
	in, err := c.choiceFlags.open(std, &c.objectsFlags, c.Paths, typ)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }() // only read
	ctx, cancel := interrupted()
	defer cancel()
	w := bufio.NewWriterSize(std.out, 1<<20)
	var line []byte
	var sum bulk.Summary
	err = objects.All(ctx, in.source, domain, typ, func(i objects.Item) bool {
		sum.Objects++
		if i.Err != nil {
			switch sum.Unreadable++; {
			case sum.Unreadable > maxListed:
				return true
			case sum.Unreadable == maxListed:
				fmt.Fprintln(std.err, "refmon: more could not be read; only their number follows")
				return true
			}
			fmt.Fprintf(std.err, "refmon: %s: %s\n", printable(i.Path), printable(i.Err.Error()))
			return true
		}
		countNote(&sum, &i)
		line = batch.AppendString(append(line[:0], `{"path":`...), i.Path)
		text, err := sddl.Format(i.Descriptor, sddl.Options{})
		if err != nil || c.Hex {
			line = fmt.Appendf(line, `,"sdHex":"%x"`, i.Descriptor.AppendOriginal(nil))
		} else {
			line = batch.AppendString(append(line, `,"sd":`...), text)
		}
		line = batch.AppendString(append(line, `,"type":`...), objects.TypeName(i.Type))
		_, err = w.Write(append(line, "}\n"...))
		return err == nil
	})
	err = errors.Join(err, w.Flush())
	if err == nil && sum.Unreadable > 0 {
		remark(std, &sum)
		fmt.Fprintf(std.err, "refmon: %d of %d objects could not be read and are not in the output\n", sum.Unreadable,
			sum.Objects)
		return errReported
	}
	return conclude(std, sum, err)
}

// countNote counts the note of an object.
func countNote(sum *bulk.Summary, i *objects.Item) {
	switch i.Note {
	case objects.NoteStale:
		if sum.Stale++; sum.FirstStale == "" {
			sum.FirstStale = i.Path
		}
	case objects.NoteUnverified:
		sum.Unverified++
	case objects.NoteNoDACL:
		sum.NoDACL++
	}
}
