package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/cli/lint"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// lintCmd holds the arguments and flags of refmon lint.
type lintCmd struct {
	Source    string   `arg:"" name:"sddl" help:"A security descriptor in SDDL, or a file of them, - for standard input."`
	Type      string   `help:"${lintType}" placeholder:"TYPE"`
	Domain    string   `help:"${lintDomain}" placeholder:"SID"`
	Directory []string `help:"${lintDirectory}" placeholder:"FILE" short:"d" sep:"none"`
	JSON      bool     `name:"json" help:"Print each finding as a line of JSON."`
}

// Help returns the long text of --help for refmon lint.
func (lintCmd) Help() string {
	return `Lists problems of a descriptor that affect every token: entries that never decide, denials that come too
late, lists out of order, flags without effect, conditions that cannot be true, SIDs that no token has, objects open to
all. Each finding names the entry, the rule and a correction. If you remove an entry that never decides, no decision
changes. For a descriptor that a file cannot store as it is, the last line is the corrected descriptor.

  refmon lint 'O:BAG:SYD:(A;;FR;;;WD)(D;;FR;;;BG)(A;;FR;;;WD)'
  refmon lint shares.sddl
  refmon lint --json --type key - < keys.jsonl

A file has one descriptor a line, as SDDL, as bytes in hex or base64, or as a row {"path":…,"sd":…} of an objects file
(sdHex and sdBase64 hold bytes), whose own type counts. Empty lines and lines that start with # are skipped. A file may
also be LDIF, CSV, an icacls save, the output of icacls, Get-Acl or accesschk -l, or BloodHound's JSON or zip.

The exit code is 0 if nothing was found, 1 if something was, 2 if a descriptor could not be read.`
}

// Run checks one descriptor or each of a file and prints the findings. It returns errDenied if there are any. Source is
// SDDL, a descriptor in hexadecimal or base64, or the name of a file. Without --domain the domain of --directory
// completes aliases.
func (c *lintCmd) Run(std *streams) error {
	domain, err := parseDomain(c.Domain)
	if err != nil {
		return err
	}
	p := lintPage{std: std, json: c.JSON, domain: domain, kinds: map[string]int{}}
	if len(c.Directory) > 0 {
		if p.names, err = (&directoryFlags{Directory: c.Directory}).readPeople(std); err != nil {
			return err
		}
		if domain.IsZero() { // (B-93)
			domain, p.domain = p.names.Domain, p.names.Domain
		}
	}
	if c.Type != "" {
		if p.typ, err = objectType(c.Type); err != nil {
			return err
		}
	}
	switch {
	case lint.IsText(c.Source), inBytes(c.Source):
		l := lint.Line{Text: c.Source}
		if !lint.IsText(c.Source) {
			l.Text = ""
			l.Descriptor, l.Err = objects.ParseDescriptor(objects.Unfold(c.Source), domain)
		}
		found, err := p.line(l)
		if err != nil {
			return err
		}
		if err := p.print(lint.Line{}, "", found); err != nil {
			return err
		}
		if err := p.corrected(l); err != nil {
			return err
		}
		p.noteDirectory()
		return verdict(p.found == 0)
	}
	return p.file(c.Source)
}

// noteDirectory prints to standard error how many descriptors were recognised as those of a directory.
func (p *lintPage) noteDirectory() {
	if p.directory > 0 {
		fmt.Fprintf(p.std.err, "refmon: %s of a directory's object, by the entries, and checked as --type "+
			"directoryService\n", count(p.directory, "descriptor is", "descriptors are"))
	}
}

// typeOf returns the type of a descriptor's object: that of --type, else by its entries (B-57). It returns nil, which
// means a file or a folder, for a descriptor without entries of a directory, and for nil.
func (p *lintPage) typeOf(d *sd.Descriptor) *winnt.ObjectType {
	switch {
	case p.typ != nil:
		return p.typ
	case d != nil && lint.OfDirectory(d):
		p.directory++
		return winnt.DirectoryServiceObject
	}
	return nil
}

// maxMalformed limits the malformed lines that are shown. The others are counted.
const maxMalformed = 10

// lintPage prints findings.
type lintPage struct {
	std                     *streams
	json                    bool
	typ                     *winnt.ObjectType // nil: by the entries
	domain                  sid.SID
	names                   *directory.Directory // of -d or LDIF; nil: only well-known names
	kinds                   map[string]int       // findings of each kind
	found, lines, malformed int
	relative                int  // descriptors that need a domain
	stored                  bool // acl repair corrects a finding about an object with a path
	directory               int  // descriptors that were recognised as those of a directory
}

// file checks the descriptors of a file and prints the findings. "-" is standard input. Malformed lines are reported,
// up to maxMalformed of them, and give errReported. Without malformed lines, a finding gives errDenied. A directory
// and an unreadable file are errors.
func (p *lintPage) file(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() { // its files have the descriptors (U-115)
		return fmt.Errorf("%s is a folder: 'refmon acl export %[1]s -r | refmon lint -' checks the files in it",
			inLine(name))
	}
	b, err := p.std.readFile(name)
	if err != nil {
		return err
	}
	lines, err := lint.Lines(b)
	found, other := p.objects(name, b, lines)
	if found != nil || other != nil {
		lines, err = found, other
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, l := range lines {
		found, err := p.line(l)
		if err != nil {
			if p.malformed++; p.domain.IsZero() && needsDomain(err) {
				p.relative++
				continue
			}
			if p.malformed-p.relative > maxMalformed {
				continue
			}
			fmt.Fprintf(p.std.err, "%s%s\n", inLine(place(l, name)), printable(err.Error()))
			continue
		}
		p.lines++
		if err := p.print(l, name, found); err != nil {
			return err
		}
	}
	p.noteDirectory()
	if !p.json {
		if err := p.total(); err != nil {
			return err
		}
		if p.stored {
			fmt.Fprintln(p.std.err, "refmon: 'refmon acl repair PATH' corrects the stored descriptors of files")
		}
	}
	if p.relative > 0 {
		fmt.Fprintf(p.std.err, "refmon: %s aliases such as DA and DU, which are of a domain: give its SID with --domain, "+
			"or the directory with -d\n", count(p.relative, "descriptor has", "descriptors have"))
	}
	if p.malformed > 0 && p.lines == 0 && found == nil && p.relative == 0 {
		fmt.Fprintf(p.std.err, "refmon: no line of %s is a descriptor, and the file is in no other form that refmon reads, "+
			"such as JSON lines, CSV of Get-Acl, LDIF or an icacls save\n", inLine(name))
	}
	if p.malformed > 0 {
		return errReported
	}
	return verdict(p.found == 0)
}

// place returns the start of a message with the file and the line or the object, such as "f.jsonl:3: ". It returns ""
// for an argument. An object of an argument without a file gives "", too.
func place(l lint.Line, name string) string {
	switch {
	case l.Number > 0 && l.Path != "":
		return fmt.Sprintf("%s:%d: %s: ", name, l.Number, l.Path)
	case l.Number > 0:
		return fmt.Sprintf("%s:%d: ", name, l.Number)
	case name != "":
		return fmt.Sprintf("%s: %s: ", name, l.Path)
	}
	return ""
}

// objects reads a file of objects in a form such as LDIF, CSV or an icacls save. It returns nil and no error for a
// file in no such form, and for SDDL lines with errors. A malformed file of a known form is an error.
func (p *lintPage) objects(name string, file []byte, lines []lint.Line) (out []lint.Line, err error) {
	trial := *p // a copy, so that trial parsing does not change the counts of p
	for _, l := range lines {
		if lint.IsLDIF(lines) { // a base64 line of LDIF could parse as a descriptor
			break
		}
		if _, err := trial.line(l); err == nil {
			return nil, nil
		}
	}
	s, err := source.Open(name, bytes.NewReader(file))
	if errors.Is(err, source.ErrForm) {
		return nil, nil
	}
	if err != nil || source.IsLines(s) {
		return nil, err
	}
	objects.UseNames(s, objects.NewLookup(p.names, nil))
	text := len(lines) > 0 && lint.IsText(lines[0].Text) // SDDL that the console broke, or with errors
	if loss := objects.Loss(s); loss != "" {             // (B-60)
		fmt.Fprintf(p.std.err, "refmon: %s: %s\n", inLine(name), printable(loss))
	}
	p.accountsOf(file)
	err = objects.All(context.Background(), s, p.domain, p.typ, func(i objects.Item) bool {
		text = text && i.Err != nil
		out = append(out, lint.Line{Path: i.Path, Type: i.Type, Descriptor: i.Descriptor, Err: i.Err})
		return true
	})
	if text { // the errors of its lines are exact
		return nil, nil
	}
	return out, err
}

// line returns the findings of one line, none if it has no defect. The error is the line's own, or that its text is no
// SDDL. Without an object type, it takes typeOf's. The line's own type comes before that of the descriptor.
func (p *lintPage) line(l lint.Line) ([]lint.Finding, error) {
	switch {
	case l.Err != nil:
		return nil, l.Err
	case l.Descriptor != nil:
		if l.Type != nil {
			return lint.Check(l.Descriptor, l.Type, p.domain), nil
		}
		return lint.Check(l.Descriptor, p.typeOf(l.Descriptor), p.domain), nil
	}
	d, err := sddl.Parse(l.Text, sddl.Options{Domain: p.domain, Extended: true})
	if err != nil {
		return nil, err
	}
	if l.Type == nil {
		l.Type = p.typeOf(d)
	}
	return lint.Text(l.Text, l.Type, p.domain)
}
