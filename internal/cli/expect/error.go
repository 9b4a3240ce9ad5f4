package expect

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/strict"
)

// Error is a problem in a file and its line.
type Error struct {
	Line    int // from 1; 0 if the file as a whole is meant
	Problem string
}

// Error returns the problem, with the line before it unless the line is 0.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

// located converts an error of package strict to an *Error with the line in text. It converts any other error to an
// *Error without a line.
func located(text []byte, marks []strict.Mark, err error) error {
	var e *strict.Error
	if !errors.As(strict.Locate(text, marks, err), &e) {
		return &Error{0, err.Error()}
	}
	problem := e.Problem
	if e.Path != "" {
		problem = e.Path + ": " + problem
	}
	return &Error{e.Line, problem}
}
