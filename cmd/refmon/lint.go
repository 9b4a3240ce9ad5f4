package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/cli/lint"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

type lintCmd struct {
	Source string `arg:"" name:"sddl" help:"A security descriptor in SDDL, or a file of them, - for standard input."`
	Type   string `help:"${lintType}" placeholder:"TYPE"`
	Domain string `help:"SID of the domain that aliases such as DA and DU are relative to." placeholder:"SID"`
	JSON   bool   `name:"json" help:"Print each finding as a line of JSON."`
}

// Help returns the long help text.
func (lintCmd) Help() string {
	return `Lists problems of a descriptor that affect every token: entries that never decide, denials that come too
late, lists out of order, flags without effect, conditions that cannot be true, SIDs that no token has, objects open to
all. Each finding names the entry, the rule and a correction. If you remove an entry that never decides, no decision
changes.

  refmon lint 'O:BAG:SYD:(A;;FR;;;WD)(D;;FR;;;BG)(A;;FR;;;WD)'
  refmon lint shares.sddl
  refmon lint --json --type key - < keys.jsonl

A file has one descriptor a line, as SDDL, as bytes in hex or base64, or as a row {"path":…,"sd":…} of an objects file
(sdHex and sdBase64 hold bytes). Empty lines and lines that start with # are skipped.

The exit code is 0 if nothing was found, 1 if something was, 2 if a descriptor could not be read.`
}

// Run checks one descriptor or a file of them.
func (c *lintCmd) Run(std *streams) error {
	domain, err := parseDomain(c.Domain)
	if err != nil {
		return err
	}
	p := lintPage{std: std, json: c.JSON, domain: domain}
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

// typeOf returns the type of a descriptor's object: --type, or by its entries (B-57).
func (p *lintPage) typeOf(d *sd.Descriptor) *winnt.ObjectType {
	switch {
	case p.typ != nil:
		return p.typ
	case d != nil && lint.OfDirectory(d):
		p.directory++
		return winnt.DirectoryServiceObject
	}
	return winnt.DirectoryFileObject
}

// maxMalformed limits the malformed lines that are shown. The others are counted.
const maxMalformed = 10

// lintPage prints findings.
type lintPage struct {
	std                     *streams
	json                    bool
	typ                     *winnt.ObjectType // nil: by the entries
	domain                  sid.SID
	found, lines, malformed int
	directory               int // descriptors that were recognised as those of a directory
}

func (p *lintPage) file(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() { // its files have the descriptors (U-115)
		return fmt.Errorf("%s is a folder: 'refmon acl export %[1]s -r | refmon lint -' checks the files in it",
			printable(name))
	}
	b, err := p.std.readFile(name)
	if err != nil {
		return err
	}
	lines, err := lint.Lines(b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, l := range lines {
		found, err := p.line(l)
		if err != nil {
			if p.malformed++; p.malformed > maxMalformed {
				continue
			}
			fmt.Fprintf(p.std.err, "%s:%d: %s\n", name, l.Number, printable(err.Error()))
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
	}
	if p.malformed > 0 && p.lines == 0 { // another verb makes lines of other forms (U-115)
		fmt.Fprintf(p.std.err, "refmon: no line of %s is a descriptor; of LDIF, CSV and icacls saves "+
			"'refmon acl export -o %[1]s | refmon lint -' makes such lines\n", printable(name))
	}
	if p.malformed > 0 {
		return errReported
	}
	return verdict(p.found == 0)
}

// total prints the number of findings in readable lines.
func (p *lintPage) total() error {
	text := fmt.Sprintf("%s in %s", count(p.found, "finding", "findings"), count(p.lines, "descriptor", "descriptors"))
	if p.malformed > 0 {
		text += fmt.Sprintf("; %s could not be read", count(p.malformed, "line", "lines"))
	}
	_, err := fmt.Fprintln(p.std.out, text)
	return err
}

func (p *lintPage) line(l lint.Line) ([]lint.Finding, error) {
	switch {
	case l.Err != nil:
		return nil, l.Err
	case l.Descriptor != nil:
		return lint.Check(l.Descriptor, p.typeOf(l.Descriptor), p.domain), nil
	}
	d, err := sddl.Parse(l.Text, sddl.Options{Domain: p.domain, Extended: true})
	if err != nil {
		return nil, err
	}
	return lint.Text(l.Text, p.typeOf(d), p.domain)
}

// print prints the findings of one descriptor. name is its file.
func (p *lintPage) print(l lint.Line, name string, found []lint.Finding) error {
	p.found += len(found)
	for _, f := range found {
		if p.json {
			b, err := json.Marshal(struct {
				Line int    `json:"line,omitempty"`
				Path string `json:"path,omitempty"`
				lint.Finding
			}{l.Number, l.Path, f})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(p.std.out, "%s\n", b); err != nil {
				return err
			}
			continue
		}
		at := ""
		if l.Number > 0 {
			at = fmt.Sprintf("%s:%d: ", name, l.Number)
		}
		where := f.Where()
		if f.Entry != "" {
			where += " " + f.Entry
			if f.On != "" {
				where += " " + f.On
			}
		}
		rule := ""
		if f.Rule != "" {
			rule = " (" + f.Rule + ")"
		}
		if _, err := fmt.Fprintf(p.std.out, "%s%s: %s\n    %s%s\n    mend: %s\n", printable(at), printable(where),
			p.std.paint(red, f.Kind), printable(f.What), rule, printable(f.Mend)); err != nil {
			return err
		}
	}
	return nil
}
