package main

import (
	"bufio"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/cli/restore"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// aclCmd has the commands about the descriptors of files.
type aclCmd struct {
	Get     aclGetCmd     `cmd:"" help:"Print the descriptor of a file on a mount or in a tree."`
	Grant   aclGrantCmd   `cmd:"" help:"Grant rights to users and groups by name, for a file or a whole tree."`
	Deny    aclDenyCmd    `cmd:"" help:"Deny rights to users and groups by name."`
	Revoke  aclRevokeCmd  `cmd:"" help:"Remove a file's own entries for users and groups."`
	Undo    aclUndoCmd    `cmd:"" help:"Undo a whole change of grant, deny, revoke or migrate."`
	Migrate aclMigrateCmd `cmd:"" help:"Convert POSIX or NFSv4 permissions to descriptors, and list the losses."`
	Set     aclSetCmd     `cmd:"" help:"Change the descriptor of a file on a mount or in a tree."`
	Inherit aclInheritCmd `cmd:"" help:"Let the DACL of a file inherit from its directory again."`
	Reset   aclResetCmd   `cmd:"" help:"Replace the DACL of a file by the entries that its directory passes on."`
	Repair  aclRepairCmd  `cmd:"" help:"Remove logon sessions and generic rights from the descriptors stored in trees."`
	Export  aclExportCmd  `cmd:"" help:"Write the descriptors of files, or of another format, as an objects file."`
	Import  aclImportCmd  `cmd:"" help:"Put the descriptors of an objects file back on the files of a tree."`
}

// aclExportCmd holds the arguments and flags of refmon acl export.
type aclExportCmd struct {
	Paths        []string `arg:"" optional:"" name:"path" help:"${paths}"`
	objectsFlags `embed:""`
	choiceFlags  `embed:""`
	Domain       string `help:"SID of the domain that aliases such as DU in SDDL are relative to." placeholder:"SID"`
	Hex          bool   `help:"Write self-relative bytes in hexadecimal digits instead of SDDL."`
}

// maxListed limits the list of unreadable objects: only the first maxListed-1 are listed.
const maxListed = 25

// Help returns the long text of --help for refmon acl export.
func (aclExportCmd) Help() string {
	return `Reads the security descriptors of files, from the extended attribute in which Samba stores them or else
from mode and POSIX ACL, and writes them as JSON lines: {"path":…,"sd":…,"type":…}. The last line is their number,
{"end":…}. A directory's descriptor from its mode passes nothing on to Everyone, as in refmon acl grant. With --objects
the command converts CSV, icacls saves and LDIF to that form. The domain of aliases such as DA is that of an LDIF file,
or --domain.

  refmon acl export /srv/share -r > acls.jsonl
  refmon acl export --objects get-acl.csv > acls.jsonl

On a mount of refmond the command reads whole descriptors with the rights of the user who runs it. A file whose SACL
this user may not read is an error. The command omits symbolic links. refmon acl import restores the descriptors.

The field is sdHex if SDDL cannot express the descriptor exactly. Standard error lists the first 24 files that cannot
be read or whose names are not UTF-8, and the number of all. The exit code is then 2.`
}

// Run writes the objects as JSON lines, with SDDL or bytes. It skips unreadable ones, names fewer than maxListed of
// them on standard error, and then returns errReported. A failure to write ends the run.
func (c *aclExportCmd) Run(std *streams) error {
	typ, err := objectType(c.Type)
	if err != nil {
		return err
	}
	domain, err := c.domain()
	if err != nil {
		return err
	}
	if err := c.chooseAttribute(); err != nil {
		return err
	}
	c.tree.Store = true
	in, err := c.choiceFlags.open(std, &c.objectsFlags, c.Paths, typ)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }() // only read
	ctx, cancel := interrupted()
	defer cancel()
	w, line, sum := bufio.NewWriterSize(std.out, 1<<20), []byte(nil), bulk.Summary{}
	relative := 0 // number of descriptors whose aliases need a domain
	err = objects.All(ctx, in.source, domain, typ, func(i objects.Item) bool {
		sum.Objects++
		if i.Err == nil && !utf8.ValidString(i.Path) {
			i.Err = errNoUTF8
		}
		if i.Err != nil {
			if domain.IsZero() && needsDomain(i.Err) {
				relative++
			}
			switch sum.Unreadable++; {
			case sum.Unreadable > maxListed:
				return true
			case sum.Unreadable == maxListed:
				fmt.Fprintln(std.err, "refmon: more could not be read; only their number follows")
				return true
			}
			fmt.Fprintf(std.err, "refmon: %s\n", inLine(objects.AddPath(i.Path, i.Err).Error()))
			return true
		}
		countNote(&sum, &i)
		line = c.appendRow(line[:0], &i)
		_, err = w.Write(line)
		return err == nil
	})
	if rows := sum.Objects - sum.Unreadable; err == nil && rows > 0 {
		_, err = w.Write(jsonl.AppendEnd(line[:0], int64(rows)))
	}
	err = joinEnd(err, w.Flush())
	if err == nil && sum.Unreadable > 0 {
		remark(std, &sum)
		if relative > 0 {
			fmt.Fprintf(std.err, "refmon: %s aliases such as DA and DU, which are of a domain: give its SID, for example "+
				"--domain S-1-5-21-1-2-3\n", count(relative, "descriptor has", "descriptors have"))
		}
		fmt.Fprintf(std.err, "refmon: %d of %d objects could not be read and are not in the output\n", sum.Unreadable,
			sum.Objects)
		return errReported
	}
	return conclude(std, sum, err)
}

// domain returns the domain of aliases: that of --domain, else of an LDIF file (B-125).
func (c *aclExportCmd) domain() (sid.SID, error) {
	if c.Domain == "" {
		return domainOfLDIF(c.Objects), nil
	}
	return parseDomain(c.Domain)
}

// appendRow appends the line of JSON of an object: with SDDL if that expresses the descriptor exactly, else, and always
// with --hex, with bytes.
func (c *aclExportCmd) appendRow(line []byte, i *objects.Item) []byte {
	line = batch.AppendString(append(line, `{"path":`...), i.Path)
	text, err := sddl.Format(i.Descriptor, sddl.Options{})
	if err != nil || c.Hex || !exact(text, i.Descriptor) {
		line = fmt.Appendf(line, `,"sdHex":"%x"`, i.Descriptor.AppendOriginal(nil))
	} else {
		line = batch.AppendString(append(line, `,"sd":`...), text)
	}
	line = batch.AppendString(append(line, `,"type":`...), objects.TypeName(i.Type))
	return append(line, "}\n"...)
}

var errNoUTF8 = errors.New("the name is not UTF-8, so JSON cannot express it")

// chooseAttribute sets c.Attribute to [ntacl.WholeName] if all paths are on mounts of refmond, which serve the whole
// descriptor in this attribute. It returns an error if only some paths are on such mounts. With --objects or
// --attribute, and without paths, it does nothing.
func (c *aclExportCmd) chooseAttribute() error {
	if c.Objects != "" || c.Attribute != "" {
		return nil
	}
	mounted := 0
	for _, path := range c.Paths {
		if restore.IsMounted(path) {
			mounted++
		}
	}
	switch mounted {
	case 0:
	case len(c.Paths):
		c.Attribute = ntacl.WholeName
	default:
		return errors.New("some paths are on a mount of refmond and some are not: export them in two runs")
	}
	return nil
}

// exact reports whether an SDDL text expresses a descriptor without loss: parsing it gives an equal descriptor.
func exact(text string, d *sd.Descriptor) bool {
	again, err := sddl.Parse(text)
	return err == nil && again.Equal(d)
}

// countNote adds the note of an object to the counts of sum, and records the first stale path. It ignores other
// notes.
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
