package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// sidCmd holds the arguments and flags of refmon sid.
type sidCmd struct {
	Text   string `arg:"" optional:"" help:"A SID, an alias such as BA, the binary form in hex, or a well-known name."`
	Domain string `help:"SID of the domain that aliases such as DA and DU are relative to." placeholder:"SID"`
	Batch  string `help:"Answer JSON lines of FILE, - for standard input." placeholder:"FILE"`
}

// Help returns the long text of --help for refmon sid.
func (sidCmd) Help() string {
	return `A SID names a user, a group or a machine: S-1, an authority, then numbers. The last number, the RID, names
the account; the numbers before it name its domain.

  refmon sid BA
  refmon sid S-1-5-21-1-2-3-512
  refmon sid DU --domain S-1-5-21-1-2-3
  refmon sid 'BUILTIN\Administrators'

Batch: {"id":1,"sid":"BA"} gives {"id":1,"hex":"0102…"}, and {"id":1,"hex":"0102…"} gives
{"id":1,"sid":"S-1-5-32-544"}; "domain" is optional. The answer to a malformed line is
{"id":1,"error":"…","offset":n}; the following lines are answered, and the exit code is 2.`
}

// Run explains one SID, or answers a batch with a line for each. Malformed text is an error. Exactly one of text and
// --batch is required.
func (c *sidCmd) Run(std *streams) error {
	if err := one("a SID", c.Text, c.Batch); err != nil {
		return err
	}
	if c.Batch != "" {
		return std.runBatch(batch.SIDs(), c.Batch)
	}
	domain, err := parseDomain(c.Domain)
	if err != nil {
		return err
	}
	s, err := c.parse(domain)
	if err != nil {
		return err
	}
	return printSID(std.out, s, domain)
}

// parse returns the SID in the command's argument: S-1-…, an alias such as BA, or the binary form in hexadecimal.
// Bytes after the SID are an error, and so is an alias such as DU if domain is zero. Malformed hexadecimal is an error.
func (c *sidCmd) parse(domain sid.SID) (sid.SID, error) {
	if !isHex(c.Text) {
		s, err := sid.Resolve(c.Text, domain)
		if err != nil && len(c.Text) > 2 && !strings.HasPrefix(strings.ToUpper(c.Text), "S-") {
			return named(c.Text)
		}
		return s, err
	}
	b, err := hex.DecodeString(c.Text)
	if err != nil {
		return sid.SID{}, fmt.Errorf("hex: %w", err)
	}
	s, n, err := sid.Decode(b)
	if err == nil && n != len(b) {
		err = fmt.Errorf("%w: it ends after %d bytes and %d more follow", sid.ErrInvalid, n, len(b)-n)
	}
	return s, err
}

// named returns the SID of a well-known name, NAME or DOMAIN\NAME, ignoring case. For an unknown name it returns an
// error with the most similar one, if any.
func named(name string) (sid.SID, error) {
	if a, ok := logon.WellKnownName(name); ok {
		return a.SID, nil
	}
	var names []string
	sid.WellKnown(func(_ sid.SID, known string) bool {
		names = append(names, known)
		return true
	})
	if near := words.Nearest(name, names); near != "" {
		return sid.SID{}, fmt.Errorf("no well-known account %q: did you mean %s?", name, near)
	}
	return sid.SID{}, fmt.Errorf("no well-known account %q: write a SID, an alias such as BA, or the bytes in hex", name)
}

// parseDomain reads a --domain flag, which must be a SID. An empty flag gives the zero SID.
func parseDomain(text string) (sid.SID, error) {
	if text == "" {
		return sid.SID{}, nil
	}
	s, err := sid.Parse(text)
	if err != nil {
		return s, fmt.Errorf("--domain: %w", err)
	}
	return s, nil
}

// printSID prints what a SID says, one fact a line. It leaves out a name, an alias or a domain that the SID does not
// have.
func printSID(out io.Writer, s, domain sid.SID) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(w, "%s\t%v\n", name, value) }
	row("SID", s)
	if authority, name := sid.Account(s); name != "" {
		if authority != "" {
			name = authority + `\` + name
		}
		row("name", name)
	}
	if a := sid.Alias(s, domain); a != "" {
		row("alias", a)
	}
	row("authority", s.Authority())
	if n := s.SubAuthorities(); n > 0 {
		row("RID", s.RID())
		if n > 1 {
			row("domain", s.Prefix())
		}
	}
	row("bytes", s.Len())
	row("hex", hex.EncodeToString([]byte(s.Binary())))
	return w.Flush()
}
