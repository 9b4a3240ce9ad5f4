package main

import (
	"cmp"
	"encoding/hex"
	"fmt"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// sddlCmd holds the arguments and flags of refmon sddl.
type sddlCmd struct {
	Text   string `arg:"" optional:"" help:"${sddlText}"`
	Domain string `help:"SID of the domain that aliases such as DA and DU are relative to." placeholder:"SID"`
	Type   string `help:"Type of object, for the names of rights: ${types}." default:"file" placeholder:"TYPE"`
	Strict bool   `help:"Reject questionable text that Windows accepts."`
	Batch  string `help:"Answer JSON lines of FILE, - for standard input." placeholder:"FILE"`

	Directory []string `help:"${sddlDirectory}" placeholder:"FILE" short:"d" sep:"none"`

	people *directory.Directory // names of accounts in the screen output of other commands; nil: well-known names only
}

// Help returns the long text of --help for refmon sddl.
func (sddlCmd) Help() string {
	return `SDDL is the text form of a security descriptor: O: owner, G: group, D: the list that grants and denies, S: the
list for audit and labels. An entry is (type;flags;rights;object;inherited object;who).

  refmon sddl 'O:BAG:SYD:P(A;;FA;;;BA)(D;;FW;;;BG)'
  refmon sddl 0100048014000000…
  refmon sddl 'nTSecurityDescriptor:: AQAUgBQAAAA…'
  refmon sddl 0x001200a9

Batch: {"id":1,"sddl":"D:(A;;FA;;;BA)"} gives {"id":1,"hex":"…"}, and {"id":1,"hex":"…"} gives {"id":1,"sddl":"…"};
"domain" is optional. The answer to a malformed line is {"id":1,"error":"…","offset":n}; the following lines are
answered, and the exit code is 2.`
}

// Run explains one descriptor or mask, or answers a batch with a line for each. Malformed SDDL is an error. Exactly one
// of text and --batch is required. A text that is a mask prints its rights. Without --domain the domain of --directory
// counts.
func (c *sddlCmd) Run(std *streams) error {
	if err := one("a descriptor", c.Text, c.Batch); err != nil {
		return err
	}
	if c.Batch != "" {
		return std.runBatch(batch.Descriptors(), c.Batch)
	}
	domain, err := parseDomain(c.Domain)
	if err != nil {
		return err
	}
	typ, err := objectType(c.Type)
	if err != nil {
		return err
	}
	if m, ok := maskOf(c.Text); ok {
		return printMask(std, m, typ)
	}
	if len(c.Directory) > 0 {
		if c.people, err = (&directoryFlags{Directory: c.Directory}).readPeople(std); err != nil {
			return err
		}
		domain = cmp.Or(domain, c.people.Domain)
	}
	d, err := c.parse(std, domain)
	if err != nil {
		return err
	}
	name := sid.Name
	if c.people != nil {
		name = namesOf(c.people)
	}
	return (&descriptorPage{std, d, domain, typ, name}).print()
}

// parse returns the descriptor in the command's argument: pasted screen output, bytes in hexadecimal or base64, or
// SDDL. --strict applies to SDDL only. Text that is none of these is an error. Errors of a form name the form.
func (c *sddlCmd) parse(std *streams, domain sid.SID) (*sd.Descriptor, error) {
	if d, err := pasted(std, c.Text, domain, c.people); d != nil || err != nil {
		return d, err
	}
	opt := sddl.Options{Domain: domain}
	switch {
	case isHex(c.Text):
		b, err := hex.DecodeString(c.Text)
		if err != nil {
			return nil, fmt.Errorf("hex: %w", err)
		}
		return sd.Decode(b)
	case inBytes(c.Text):
		return objects.ParseDescriptor(objects.Unfold(c.Text), domain)
	case c.Strict:
		return sddl.ParseStrict(c.Text, opt)
	}
	return sddl.Parse(c.Text, opt)
}

// inBytes reports whether a text is a self-relative descriptor in hexadecimal digits or base64, also as LDIF has it
// (B-58).
func inBytes(text string) bool {
	f := objects.FormOf([]byte(objects.Unfold(text)))
	return f == objects.FormHex || f == objects.FormBase64
}

// objectType returns the object type with a name on the command line.
func objectType(name string) (*winnt.ObjectType, error) {
	if t := winnt.ObjectTypeByName(name); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("--type %s: no such type of object: use one of %s", inLine(name), accessquery.ObjectTypes)
}
