// Package csv reads objects from CSV with a header: the rows of Get-Acl and the rows that refmon prints.
package csv

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	adcsv "github.com/refmon/refmon/internal/directory/csv"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// source reads a header and rows. It finds columns by the names that Get-Acl and refmon use, in any case.
type source struct {
	r             *csv.Reader
	path, sd, typ int
	heading       []string // nil until it is read
}

// New returns the source of a CSV text without a byte order mark, whose first line names the columns. One must be a
// path, and one a descriptor in SDDL, hexadecimal digits or base64; otherwise the first Next fails. Commas separate the
// columns, or semicolons or tabs if the heading has more of those. A malformed row is an object with an error.
func New(in io.Reader) objects.Source { return newSource(in) }

// newSource returns the source of New. It has read nothing but the first lines.
func newSource(in io.Reader) *source {
	text := bufio.NewReader(in)
	r := csv.NewReader(text)
	r.Comma = adcsv.Delimiter(heading(text))
	r.FieldsPerRecord = -1
	return &source{r: r, path: -1, sd: -1, typ: -1}
}

// HasHeading reports whether a text begins with a heading that New accepts, or with one of the two columns that New
// needs. New then finds the other one after the end of text, or its error names it. A column called name or sd alone is
// not enough unless commas separate the columns. text has no byte order mark and can end anywhere.
func HasHeading(text []byte) bool {
	c := newSource(bytes.NewReader(text))
	c.r.LazyQuotes = true // text can end within a name
	if c.readHeading() == nil {
		return true
	}
	has := func(at int, weak string) bool { // any table can have a name, and an ACE the right SD
		return at >= 0 && (c.r.Comma == ',' || !strings.EqualFold(c.heading[at], weak))
	}
	return len(c.heading) > 1 && (has(c.path, "name") || has(c.sd, "sd"))
}

// heading returns the line that names the columns, or what fits into r's buffer of it. r stays where it is. An error of
// reading gives "", and the reader of rows reports it.
func heading(r *bufio.Reader) string {
	for size := 1; ; size = r.Buffered() + 1 {
		head, err := r.Peek(size)
		if err == nil {
			head, err = r.Peek(r.Buffered())
		}
		for line := range strings.Lines(string(head)) {
			empty := strings.TrimRight(line, "\r\n") == "" // the reader of rows skips it
			if !empty && !strings.HasPrefix(line, typeComment) && (err != nil || strings.HasSuffix(line, "\n")) {
				return line
			}
		}
		if err != nil {
			return ""
		}
	}
}

// typeComment begins a line that ConvertTo-Csv of Windows PowerShell writes before the heading.
const typeComment = "#TYPE"

// Next fills b with the next rows, or returns io.EOF. A missing or unusable heading and an error of the reader end the
// run.
func (c *source) Next(b *objects.Batch) error { return objects.Gather(b, c.readRow) }

// readRow reads the next row into o, or returns io.EOF. The first call also reads the heading. Errors of reading and
// of the heading end the run. A malformed row, a missing descriptor and an unknown type set o.Err; the last counts.
// With too few columns, or more than the heading has, o.Path is the line. Without a type in the row, PowerShell's
// provider in the path decides, as for the text of Get-Acl.
func (c *source) readRow(o *objects.Object) error {
	if c.heading == nil {
		if err := c.readHeading(); err != nil {
			return err
		}
	}
	row, err := c.r.Read()
	if errors.Is(err, io.EOF) {
		return err
	}
	if err != nil {
		var bad *csv.ParseError
		if !errors.As(err, &bad) {
			return fmt.Errorf("read objects: %w", err)
		}
		o.Path, o.Err = []byte(fmt.Sprintf("line %d", bad.Line)), err
		return nil
	}
	line, _ := c.r.FieldPos(0) // a row that was read has a field
	if c.path >= len(row) || c.sd >= len(row) {
		o.Path, o.Err = []byte(fmt.Sprintf("line %d", line)),
			fmt.Errorf("line %d: there are only %d columns", line, len(row))
		return nil
	}
	if len(row) > len(c.heading) { // such as a path with a comma and without quotes, so that the columns moved
		o.Path, o.Err = []byte(fmt.Sprintf("line %d", line)),
			fmt.Errorf("line %d: there are %d columns, and the heading has %d: put quotes around a value with %q", line,
				len(row), len(c.heading), c.r.Comma)
		return nil
	}
	path, typ := objects.TrimProvider(row[c.path])
	o.Path, o.Type, o.SD = []byte(path), typ, []byte(row[c.sd])
	if o.Form = objects.FormOf(o.SD); o.Form == objects.FormNone {
		o.Err = fmt.Errorf("line %d: the descriptor is missing", line)
	}
	if c.typ >= 0 && c.typ < len(row) && row[c.typ] != "" {
		if o.Type = winnt.ObjectTypeByName(row[c.typ]); o.Type == nil {
			o.Err = fmt.Errorf("line %d: %q is not an object type", line, row[c.typ])
		}
	}
	return nil
}

// pathColumns are the columns that can have the path, the best first. A name alone is not unique.
var pathColumns = []string{"path", "pspath", "fullname", "dn", "distinguishedname", "name"}

// readHeading reads the column names, after any lines that begin with #TYPE. The path is in
// the first of pathColumns that the heading has. Empty input is io.EOF. Errors:
//   - no column for the path or none for the descriptor
//   - two columns with a descriptor
//   - a nonempty name that appears twice
func (c *source) readHeading() error {
	row, err := c.r.Read()
	for err == nil && strings.HasPrefix(row[0], typeComment) {
		row, err = c.r.Read()
	}
	if errors.Is(err, io.EOF) {
		return err
	}
	if err != nil {
		return fmt.Errorf("read objects: heading: %w", err)
	}
	c.heading, c.r.ReuseRecord = row, true
	rank := len(pathColumns)
	for i, name := range row {
		same := func(other string) bool { return strings.EqualFold(other, name) }
		if name != "" && slices.ContainsFunc(row[:i], same) {
			return fmt.Errorf("read objects: heading: column %s occurs twice", name)
		}
		lower := strings.ToLower(name)
		if at := slices.Index(pathColumns, lower); at >= 0 && at < rank {
			c.path, rank = i, at
		}
		switch lower {
		case "sd", "sddl", "sdhex", "sdbase64", "descriptor", "ntsecuritydescriptor":
			if c.sd >= 0 {
				return fmt.Errorf("read objects: heading: columns %s and %s both hold a descriptor", row[c.sd], name)
			}
			c.sd = i
		case "type":
			c.typ = i
		}
	}
	if c.path < 0 || c.sd < 0 {
		return fmt.Errorf("read objects: the heading %q has no column path, or none of sd, sddl, sdHex, sdBase64",
			strings.Join(row, ","))
	}
	return nil
}
