package screen

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sid"
)

// lines reads a text line by line. One line can be put back.
type lines struct {
	r      *bufio.Scanner
	number int // of the last line, from 1
	last   string
	held   bool
}

// newLines returns a reader of lines of at most [objects.MaxLine] bytes.
func newLines(in io.Reader) lines {
	s := bufio.NewScanner(in)
	s.Buffer(nil, objects.MaxLine)
	return lines{r: s}
}

// next returns the next line without trailing blanks and carriage return. A line with a prompt returns "". After
// unread, next returns the last line again. The end of the text is io.EOF.
func (l *lines) next() (string, error) {
	if l.held {
		l.held = false
		return l.last, nil
	}
	if !l.r.Scan() {
		if err := objects.LineError(l.number, l.r.Err()); err != nil {
			return "", err
		}
		return "", io.EOF
	}
	l.number++
	// The prompt and the command are not part of an object (B-80).
	if l.last = strings.TrimRight(l.r.Text(), " \t\r"); IsPrompt(l.last) {
		l.last = ""
	}
	return l.last, nil
}

// unread makes next return the last line again. A second call changes nothing.
func (l *lines) unread() { l.held = true }

// nextFull returns the next line that is not empty, or io.EOF.
func (l *lines) nextFull() (string, error) {
	for {
		text, err := l.next()
		if err != nil || text != "" {
			return text, err
		}
	}
}

// skip ignores the rest of an object that cannot be read: it reads to the next empty line. An error of the reader
// ends it, too, and comes again later.
func (l *lines) skip() {
	for {
		if text, err := l.next(); err != nil || text == "" {
			return
		}
	}
}

// maxEntries is the largest number of entries of one object. A list of 64 KiB has fewer.
const maxEntries = 1 << 13

// descriptorText builds the SDDL of one object from the lines of a tool's output.
type descriptorText struct {
	lookup      objects.Lookup
	owner       string
	control     string
	dacl, label strings.Builder
	entries     int
}

// who returns the SID of a name. An unknown name is an error that names command, because leaving out its entry could
// change the decision (B-61).
func (t *descriptorText) who(name, command string) (sid.SID, error) {
	if s, ok := t.lookup(name); ok {
		return s, nil
	}
	if !utf8.ValidString(name) {
		return sid.SID{}, fmt.Errorf("the name %q is not UTF-8: run chcp 65001 before the command, or use %s", name, command)
	}
	return sid.SID{}, fmt.Errorf("%q is not an account of the directory and no English well-known name: "+
		"give a directory file (-d) that has it, for another domain as DOMAIN\\name with its SID, or use %s, which writes "+
		"SIDs", name, command)
}

// add appends an entry of the DACL. More than maxEntries entries are an error.
func (t *descriptorText) add(kind, flags string, mask uint32, who sid.SID) error {
	if t.entries++; t.entries > maxEntries {
		return fmt.Errorf("the object has more than %d entries", maxEntries)
	}
	fmt.Fprintf(&t.dacl, "(%s;%s;%#x;;;%v)", kind, flags, mask, who)
	return nil
}

// String returns the descriptor as SDDL. It always has a DACL, and an owner and a SACL only if there are any. It
// never has a group.
func (t *descriptorText) String() string {
	text := "D:" + t.control + t.dacl.String()
	if t.owner != "" {
		text = "O:" + t.owner + text
	}
	if t.label.Len() > 0 {
		text += "S:" + t.label.String()
	}
	return text
}

// named resolves account names for the reader that embeds it.
type named struct{ lookup objects.Lookup }

// UseNames sets the lookup of account names to f. Without it only well-known names have SIDs.
func (n *named) UseNames(f objects.Lookup) { n.lookup = f }

// text returns an empty descriptor to which the reader adds entries. Without UseNames only well-known names have
// SIDs.
func (n *named) text() *descriptorText {
	if n.lookup == nil {
		n.lookup = objects.NewLookup(nil, nil)
	}
	return &descriptorText{lookup: n.lookup}
}
