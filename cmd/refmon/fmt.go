package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/cli/lint"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/internal/utf16text"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// fmtCmd holds the arguments and flags of refmon fmt.
type fmtCmd struct {
	Source    string `arg:"" name:"sddl" help:"A security descriptor in SDDL, or a file of them, - for standard input."`
	Write     bool   `short:"w" help:"Write the result to the file instead of standard output."`
	Canonical bool   `help:"${canonical}"`
	Domain    string `help:"SID of the domain that aliases such as DA and DU are relative to." placeholder:"SID"`
}

// Help returns the long text of --help for refmon fmt.
func (fmtCmd) Help() string {
	return `Prints SDDL in canonical text, as Windows prints it: the same descriptor, written one way. In a file each
line is a descriptor; empty lines and lines that start with # stay as they are.

  refmon fmt 'O:BA G:SY D:(a;;0x1f01ff;;;S-1-5-32-544)'
  refmon fmt -w shares.sddl

The exit code is 0, or 2 if a descriptor could not be read; then nothing is written.`
}

// Run prints the canonical form of a descriptor or of each line of a file. With -w it replaces the file, and leaves it
// if nothing changes. A malformed line is an error, and then nothing is written. -w with a descriptor or with standard
// input is an error.
func (c *fmtCmd) Run(std *streams) error {
	domain, err := parseDomain(c.Domain)
	if err != nil {
		return err
	}
	if lint.IsText(c.Source) || inBytes(c.Source) {
		if c.Write {
			return errors.New("-w needs a file to write to")
		}
		text, err := c.format(c.Source, domain)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(std.out, printable(text))
		return err
	}
	if c.Write && c.Source == "-" {
		return errors.New("-w needs a file, because it cannot rewrite standard input")
	}
	b, err := std.readFile(c.Source)
	if err != nil {
		return err
	}
	if wide, _, _ := utf16text.Detect(b); wide {
		return fmt.Errorf("%s is UTF-16: save it as UTF-8", inLine(c.Source))
	}
	out, err := c.lines(std, b, domain)
	if err != nil || c.Write && bytes.Equal(out, b) {
		return err
	}
	if c.Write {
		return outfile.WriteFile(c.Source, out, 0o600)
	}
	// Programs that read the output would take the mark for text.
	_, err = std.out.Write(bytes.TrimPrefix(out, []byte("\ufeff")))
	return err
}

// lines formats each line of a file of descriptors. It keeps empty lines, comments, the ends of lines and a byte order
// mark as they are. If lines are malformed, it prints the error of each, and returns nil and errReported.
func (c *fmtCmd) lines(std *streams, file []byte, domain sid.SID) ([]byte, error) {
	var out bytes.Buffer
	bad := false
	n := 0
	rest, marked := strings.CutPrefix(string(file), "\ufeff")
	if marked { // Windows editors write a byte order mark
		out.WriteString("\ufeff")
	}
	for line := range strings.Lines(rest) {
		n++
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			out.WriteString(line)
			continue
		}
		formatted, err := c.format(text, domain)
		if err != nil {
			bad = true
			fmt.Fprintf(std.err, "%s:%d: %s\n", inLine(c.Source), n, printable(err.Error()))
			continue
		}
		out.WriteString(formatted + line[len(strings.TrimRight(line, "\r\n")):])
	}
	if bad {
		return nil, errReported
	}
	return out.Bytes(), nil
}

// format returns the descriptor in text as SDDL, with the entries in canonical order if --canonical is set.
// text is SDDL, or bytes in hexadecimal or base64. Text that does not parse, and a descriptor that has no SDDL
// form, are errors.
func (c *fmtCmd) format(text string, domain sid.SID) (string, error) {
	opt := sddl.Options{Domain: domain, Extended: true}
	d, err := sddl.Parse(text, opt)
	if inBytes(text) {
		d, err = objects.ParseDescriptor(objects.Unfold(text), domain)
	}
	if err != nil {
		return "", err
	}
	if c.Canonical {
		p := d.Parts()
		p.DACL, p.SACL = sd.Canonicalize(p.DACL), sd.Canonicalize(p.SACL)
		d = sd.New(p)
	}
	return sddl.Format(d, opt)
}
