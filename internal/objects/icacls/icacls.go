// Package icacls reads objects from a file of "icacls PATH /save FILE". Package screen reads what icacls prints.
package icacls

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/internal/objects"
)

// source reads pairs of lines: a path and its SDDL.
type source struct {
	r      *bufio.Scanner
	number int
	held   string // the next line, already read; "" for none
}

// New returns the source of a file that icacls /save wrote: a line with a path, then one with its SDDL. in must be
// UTF-8. A path without a descriptor is an object with an error, and the number of its line is the path of a descriptor
// without one. A line longer than [objects.MaxLine] ends the run with an error.
func New(in io.Reader) objects.Source {
	s := bufio.NewScanner(in)
	s.Buffer(nil, objects.MaxLine)
	return &source{r: s}
}

// Loss returns a message for people about what icacls /save does not write.
func (c *source) Loss() string {
	return "icacls /save writes no owner, no group and no integrity labels: rights that the owner has without an " +
		"entry are not counted"
}

// Next fills b with the objects of the next pairs of lines. It returns io.EOF after the last one.
func (c *source) Next(b *objects.Batch) error { return objects.Gather(b, c.readPair) }

// readLine returns the next line that is not empty, without CR, and counts lines in c.number. It returns io.EOF after
// the last line.
func (c *source) readLine() (text string, err error) {
	if c.held != "" {
		text, c.held = c.held, ""
		return text, nil
	}
	for c.r.Scan() {
		c.number++
		if text := strings.TrimRight(c.r.Text(), "\r"); text != "" { // a pipe can write \r\r\n
			return text, nil
		}
	}
	if err := objects.LineError(c.number, c.r.Err()); err != nil {
		return "", err
	}
	return "", io.EOF
}

// readPair reads the next path and its SDDL into o, or returns io.EOF. A path at the end of the file sets o.Err. An
// error of the reader is returned. A DACL alone has a note.
func (c *source) readPair(o *objects.Object) error {
	name, err := c.readLine()
	if err != nil {
		return err
	}
	o.Path = []byte(name)
	at, text := c.number, name
	if isDescriptor(name) {
		o.Path = fmt.Appendf(nil, "line %d", at)
	} else if text, err = c.readLine(); errors.Is(err, io.EOF) {
		o.Err = fmt.Errorf("line %d: the path is the last line, its descriptor is missing", at)
		return nil
	} else if err == nil && !isDescriptor(text) {
		o.Err = fmt.Errorf("line %d: the path has no descriptor in SDDL", at)
		c.held = text
		return nil
	}
	if o.SD, o.Form = []byte(text), objects.FormSDDL; strings.HasPrefix(text, "D:") {
		o.Note = objects.NoteNoOwner // SDDL begins with the owner if it has one (B-60)
	}
	return err
}

// isDescriptor reports whether a line begins as SDDL does. A path with a drive does not.
func isDescriptor(text string) bool {
	return len(text) > 1 && text[1] == ':' && strings.IndexByte("OGDS", text[0]) >= 0 &&
		(len(text) == 2 || text[2] != '\\' && text[2] != '/')
}
