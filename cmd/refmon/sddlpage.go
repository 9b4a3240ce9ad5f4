package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	controls "github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// descriptorPage prints a descriptor for a person.
type descriptorPage struct {
	std    *streams
	d      *sd.Descriptor
	domain sid.SID
	typ    *winnt.ObjectType
	nameOf func(sid.SID) string
}

// print writes owner, group, control bits and both lists, and then the descriptor as SDDL, hexadecimal and base64. If
// there is no SDDL text, it writes the reason instead. It stops at the first error of the output.
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
	_, err = fmt.Fprintf(p.std.out, "\nsddl    %s\nhex     %x\nbase64  %s\n", printable(text), p.d.Binary(),
		base64.StdEncoding.EncodeToString(p.d.Binary()))
	return err
}

// list prints one list with a line for each entry, counted from 1 (U-131). For an absent or NULL list it prints
// meaning, its effect. An empty list prints "empty". Rows that are wider than the terminal are folded in two parts.
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
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	var rights []string
	for i, a := range l.All() {
		cells := []string{p.rights(a)}
		if on := words.Entry(a); on != "" {
			cells = append(cells, on)
		}
		rights = append(rights, strings.Join(append(cells, flagNames(a)...), "  "))
		fmt.Fprintf(w, "%3d\t%s\t%s\t%s\n", i+1, p.effect(a), p.who(a.SID()), rights[i])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	tooWide := func(row string) bool { return controls.Width(strings.TrimSuffix(row, "\n")) > p.std.width }
	if p.std.width == 0 || !slices.ContainsFunc(slices.Collect(strings.Lines(b.String())), tooWide) {
		_, err := out.Write(b.Bytes())
		return err
	}
	// Each row has two parts, so that the terminal breaks no SID and no name of a right (U-123).
	for i, a := range l.All() {
		text := p.std.folded(fmt.Sprintf("%3d  %s  %s", i+1, p.effect(a), p.who(a.SID())), 0) + p.std.folded(rights[i], 5)
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
	}
	return nil
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

// rights returns an entry's mask in hexadecimal and the names of its rights. A standard set such as FA has its SDDL
// abbreviation. A label has its policy. Resource attributes and central policy identifiers have the mask alone.
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

// labelNames returns the policy bits of a mandatory label: the access that it denies to lower levels. It returns "" if
// it denies none.
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

// who returns a SID with its name, the SID alone if it has none, and "none" for the zero SID.
func (p *descriptorPage) who(s sid.SID) string {
	if s.IsZero() {
		return "none"
	}
	if name := p.nameOf(s); name != "" {
		return s.String() + " (" + inLine(name) + ")"
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

// controlNames returns the control word in hexadecimal, followed by the names of its known bits.
func controlNames(c sd.Control) string {
	names := []string{fmt.Sprintf("0x%04x", uint16(c))}
	for _, b := range controlBits {
		if c&b.bit != 0 {
			names = append(names, b.name)
		}
	}
	return strings.Join(names, " ")
}

// flagNames returns the flags of an entry in words, in a fixed order; nil if none is set.
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
