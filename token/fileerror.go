package token

import (
	"fmt"

	"github.com/refmon/refmon/internal/strict"
)

// FileError says what is wrong in a token file, and where.
type FileError struct {
	Path    string // such as groups[1].atributes; "" for the file itself
	Offset  int    // byte offset into the file; 0 where it has none
	Line    int    // from 1; 0 where the file has no such place
	Problem string
	Err     error // the cause, nil if Problem says all
}

// Error prints path, problem, offset and, in a file of many lines, the line.
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

// fileError makes the error of the strict reader one of this package.
func fileError(file []byte, err error) error {
	e, ok := err.(*strict.Error)
	if !ok {
		return err
	}
	// Lines are counted from the bytes: an editor shows them, and an offset only few.
	out := &FileError{Path: e.Path, Offset: e.Offset, Problem: e.Problem, Err: e.Err}
	if e.Offset > 0 {
		out.Line = strict.LineOf(file, nil, e.Offset)
	}
	return out
}
