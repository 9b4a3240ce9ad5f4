package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

type sddlCmd struct {
	Text   string `arg:"" optional:"" help:"A security descriptor in SDDL, or its bytes in hex or base64."`
	Domain string `help:"SID of the domain that aliases such as DA and DU are relative to." placeholder:"SID"`
	Type   string `help:"Type of object, for the names of rights: ${types}." default:"file" placeholder:"TYPE"`
	Strict bool   `help:"Reject questionable text that Windows accepts."`
	Batch  string `help:"Answer JSON lines of FILE, - for standard input." placeholder:"FILE"`

	people *directory.Directory // names of accounts in the screen output of other commands; nil: well-known names only
}

// Help returns the long help text.
func (sddlCmd) Help() string {
	return `SDDL is the text form of a security descriptor: O: owner, G: group, D: the list that grants and denies, S: the
list for audit and labels. An entry is (type;flags;rights;object;inherited object;who).

  refmon sddl 'O:BAG:SYD:P(A;;FA;;;BA)(D;;FW;;;BG)'
  refmon sddl 0100048014000000…
  refmon sddl 'nTSecurityDescriptor:: AQAUgBQAAAA…'

Batch: {"id":1,"sddl":"D:(A;;FA;;;BA)"} gives {"id":1,"hex":"…"}, and {"id":1,"hex":"…"} gives {"id":1,"sddl":"…"};
"domain" is optional. The answer to a malformed line is {"id":1,"error":"…","offset":n}; the following lines are
answered, and the exit code is 2.`
}

// Run explains one descriptor or answers a batch.
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
	d, err := c.parse(std, domain)
	if err != nil {
		return err
	}
	return (&descriptorPage{std, d, domain, typ}).print()
}

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
	return nil, fmt.Errorf("--type %s: no such type of object: use one of %s", printable(name), accessquery.ObjectTypes)
}

// descriptorPage prints a descriptor for a person.
type descriptorPage struct {
	std    *streams
	d      *sd.Descriptor
	domain sid.SID
	typ    *winnt.ObjectType
}

func (p *descriptorPage) print() error {
	w := tabwriter.NewWriter(p.std.out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "owner\t%s\n", p.who(p.d.Owner()))
	fmt.Fprintf(w, "group\t%s\n", p.who(p.d.Group()))
	fmt.Fprintf(w, "control\t%s\n", controlNames(p.d.Control()))
	if err := w.Flush(); err != nil {
		return err
	}
	if err := p.list("DACL", p.d.DACL(), p.d.Control()&sd.DACLPresent != 0, "everyone has every access"); err != nil {
		return err
	}
	if err := p.list("SACL", p.d.SACL(), p.d.Control()&sd.SACLPresent != 0,
		"nothing is audited, no label"); err != nil {
		return err
	}
	text, err := sddl.Format(p.d, sddl.Options{Domain: p.domain})
	if err != nil {
		text = fmt.Sprintf("none: %v", err)
	}
	_, err = fmt.Fprintf(p.std.out, "\nsddl  %s\nhex   %x\n", printable(text), p.d.Binary())
	return err
}

// list prints one list. meaning explains its absence.
func (p *descriptorPage) list(name string, l *sd.ACL, present bool, meaning string) error {
	out := p.std.out
	switch {
	case l == nil && !present:
		fmt.Fprintf(out, "\n%s: absent (%s)\n", name, meaning)
		return nil
	case l == nil:
		fmt.Fprintf(out, "\n%s: NULL (%s)\n", name, meaning)
		return nil
	case l.Len() == 0:
		fmt.Fprintf(out, "\n%s: empty\n", name)
		return nil
	}
	fmt.Fprintf(out, "\n%s: %s, revision %d, %d bytes\n", name, count(l.Len(), "entry", "entries"), l.Revision(),
		l.Size())
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for i, a := range l.All() {
		cells := []string{p.rights(a)}
		if on := words.Entry(a); on != "" {
			cells = append(cells, on)
		}
		cells = append(cells, flagNames(a)...)
		fmt.Fprintf(w, "%3d\t%s\t%s\t%s\n", i, p.effect(a), p.who(a.SID()), strings.Join(cells, "  "))
	}
	return w.Flush()
}

// count prints a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// effect returns the effect of an entry in one word.
func (p *descriptorPage) effect(a sd.ACE) string {
	name := strings.TrimSuffix(a.Type().String(), "_ACE_TYPE")
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

// rights returns the names of the rights in an entry's mask for the object type.
func (p *descriptorPage) rights(a sd.ACE) string {
	switch a.Type() {
	case sd.SystemMandatoryLabel:
		return a.Mask().Padded() + " " + labelNames(a.Mask())
	case sd.SystemResourceAttribute, sd.SystemScopedPolicyID:
		return a.Mask().Padded()
	}
	s := a.Mask().Padded()
	if short := sddl.FormatRights(a.Mask()); len(short) == 2 && strings.Contains("FKG", short[:1]) {
		return s + " " + short // a known set of rights: FA, KR, GW …
	}
	return s + " " + p.typ.Names(a.Mask())
}

// labelNames returns the policy bits of a mandatory label: the access that it denies to lower levels.
func labelNames(m winnt.AccessMask) string {
	var names []string
	for _, b := range []winnt.Right{
		{Mask: winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, Name: "no-write-up"},
		{Mask: winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP, Name: "no-read-up"},
		{Mask: winnt.SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP, Name: "no-execute-up"},
	} {
		if m&b.Mask != 0 {
			names = append(names, b.Name)
		}
	}
	return strings.Join(names, " ")
}

// who prints a SID with its name.
func (p *descriptorPage) who(s sid.SID) string {
	if s.IsZero() {
		return "none"
	}
	if name := sid.Name(s); name != "" {
		return s.String() + " (" + name + ")"
	}
	return s.String()
}

var controlBits = []struct {
	bit  sd.Control
	name string
}{
	{sd.OwnerDefaulted, "owner-defaulted"}, {sd.GroupDefaulted, "group-defaulted"},
	{sd.DACLPresent, "DACL-present"}, {sd.DACLDefaulted, "DACL-defaulted"},
	{sd.SACLPresent, "SACL-present"}, {sd.SACLDefaulted, "SACL-defaulted"},
	{sd.DACLTrusted, "DACL-trusted"}, {sd.ServerSecurity, "server-security"},
	{sd.DACLAutoInheritRequest, "DACL-auto-inherit-request"}, {sd.SACLAutoInheritRequest, "SACL-auto-inherit-request"},
	{sd.DACLAutoInherited, "DACL-auto-inherited"}, {sd.SACLAutoInherited, "SACL-auto-inherited"},
	{sd.DACLProtected, "DACL-protected"}, {sd.SACLProtected, "SACL-protected"},
	{sd.RMControlValid, "RM-control-valid"}, {sd.SelfRelative, "self-relative"},
}

func controlNames(c sd.Control) string {
	names := []string{fmt.Sprintf("0x%04x", uint16(c))}
	for _, b := range controlBits {
		if c&b.bit != 0 {
			names = append(names, b.name)
		}
	}
	return strings.Join(names, " ")
}

// flagNames returns the flags of an entry in words.
func flagNames(a sd.ACE) []string {
	var names []string
	add := func(bit uint8, name string) {
		if a.Flags()&bit != 0 {
			names = append(names, name)
		}
	}
	add(sd.ObjectInherit, "object-inherit")
	add(sd.ContainerInherit, "container-inherit")
	add(sd.NoPropagateInherit, "no-propagate")
	add(sd.InheritOnly, "inherit-only")
	add(sd.Inherited, "inherited")
	add(sd.Critical, "critical")
	if a.Type() == sd.SystemAccessFilter {
		add(sd.TrustProtectedFilter, "trust-protected")
	} else {
		add(sd.SuccessfulAccess, "success")
	}
	add(sd.FailedAccess, "failure")
	return names
}
