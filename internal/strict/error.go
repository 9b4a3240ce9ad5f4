package strict

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
)

// Error says what is wrong in a file, and where.
type Error struct {
	Path    string // such as users[1].memberOf; "" for the file itself
	Offset  int    // byte offset into the file or line
	Line    int    // from 1; 0 for what was one line
	Problem string
	Err     error // the cause; nil if Problem says all
}

// Error prints line or offset, path and problem.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Within puts the name of an enclosing value before the path of an error.
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

// A Mark says on which line of its source the text from an offset on stands.
type Mark struct {
	Offset, Line int
	Number       bool // the string at Offset stands for a number that JSON has no form for, such as 0x10
}

// LineOf returns the line of an offset: by the marks of a text that was made from another form, else by counting.
func LineOf(text []byte, marks []Mark, offset int) int {
	if marks == nil {
		return 1 + bytes.Count(text[:min(max(offset, 0), len(text))], []byte{'\n'})
	}
	i := sort.Search(len(marks), func(i int) bool { return marks[i].Offset > offset })
	return marks[max(i-1, 0)].Line
}

// Locate gives an error its line.
func Locate(text []byte, marks []Mark, err error) error {
	if e, ok := err.(*Error); ok && e.Line == 0 {
		e.Line = LineOf(text, marks, e.Offset)
	}
	return err
}

// unknown names a field that is not among names, the one it may have been, and the rest.
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
