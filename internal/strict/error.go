package strict

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Error is a problem in a file and its position.
type Error struct {
	Path    string // such as users[1].memberOf; "" for the file itself
	Offset  int    // byte offset into the file or line
	Line    int    // from 1; 0 for input of one line
	Problem string
	Err     error // the cause; nil if Problem says all
}

// Error returns the line, or the byte offset without one, then the path if there is one, and the problem.
func (e *Error) Error() string {
	where := fmt.Sprintf("byte %d: ", e.Offset)
	if e.Line > 0 {
		where = fmt.Sprintf("line %d: ", e.Line)
	}
	if e.Path != "" {
		where += e.Path + ": "
	}
	return where + e.Problem
}

// Unwrap returns the cause, nil for a syntax error.
func (e *Error) Unwrap() error { return e.Err }

// Within prepends the name of an enclosing value to the path of an *Error. It returns other errors, and nil,
// unchanged.
func Within(name string, err error) error {
	e, ok := err.(*Error)
	switch {
	case !ok:
	case e.Path == "":
		e.Path = name
	case e.Path[0] == '[':
		e.Path = name + e.Path
	default:
		e.Path = name + "." + e.Path
	}
	return err
}

// A Mark maps the text from an offset to a line of its source.
type Mark struct {
	Offset, Line int
	Number       bool // the string at Offset was a number in the source that JSON cannot represent, such as 0x10
}

// LineOf returns the line, from 1, of an offset: by the marks of converted text, or without marks by counting line
// ends.
func LineOf(text []byte, marks []Mark, offset int) int {
	if marks == nil {
		return 1 + bytes.Count(text[:min(max(offset, 0), len(text))], []byte{'\n'})
	}
	i := sort.Search(len(marks), func(i int) bool { return marks[i].Offset > offset })
	return marks[max(i-1, 0)].Line
}

// Locate sets the line of an *Error that has none, from the marks of the original text, and returns err. It returns
// other errors, and nil, unchanged.
func Locate(text []byte, marks []Mark, err error) error {
	if e, ok := err.(*Error); ok && e.Line == 0 {
		e.Line = LineOf(text, marks, e.Offset)
	}
	return err
}

// unknown returns the error for a JSON field that is not among names. It suggests the name in its right case, or lists
// all names. at is the field's offset.
func unknown(names []string, name []byte, at int) error {
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	for _, n := range sorted {
		if strings.EqualFold(n, string(name)) {
			return &Error{Offset: at, Problem: fmt.Sprintf("unknown field %q: write it %q", Clip(name), n)}
		}
	}
	return &Error{Offset: at, Problem: fmt.Sprintf("unknown field %q: known are %s", Clip(name),
		strings.Join(sorted, ", "))}
}

// LineError returns the error of a [bufio.Scanner] that stopped at a line, numbered from 1. If the line exceeds the
// scanner's limit of bytes, the result says so. Other errors are returned unchanged.
func LineError(err error, line, limit int) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than %d bytes", line, limit)
	}
	return err
}
