package token

import (
	"fmt"

	"github.com/refmon/refmon/internal/strict"
)

// FileError is a problem in a token file and its position.
type FileError struct {
	Path    string // such as groups[1].atributes; "" for the file itself
	Offset  int    // byte offset into the file; 0 if unknown
	Line    int    // from 1; 0 if unknown
	Problem string
	Err     error // the cause, or nil
}

// Error returns the path, the problem, the offset if it is not 0, and the line
// if it is not the first.
func (e *FileError) Error() string {
	where, at := "", ""
	if e.Path != "" {
		where = e.Path + ": "
	}
	switch {
	case e.Line > 1:
		at = fmt.Sprintf(" (line %d, byte %d)", e.Line, e.Offset)
	case e.Offset > 0:
		at = fmt.Sprintf(" (byte %d)", e.Offset)
	}
	return "token file: " + where + e.Problem + at
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// fileError converts an error of the strict JSON reader to a [*FileError] with the line of the file. It returns other
// errors unchanged.
func fileError(file []byte, err error) error {
	e, ok := err.(*strict.Error)
	if !ok {
		return err
	}
	// The line helps more than the offset, because few editors show offsets.
	out := &FileError{Path: e.Path, Offset: e.Offset, Problem: e.Problem, Err: e.Err}
	if e.Offset > 0 {
		out.Line = strict.LineOf(file, nil, e.Offset)
	}
	return out
}
