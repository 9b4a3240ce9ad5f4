package main

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
)

// TestDeniedLogonsDoNotDiffer checks that no note is about two denials with different rights, and that a note does not
// control the terminal (B-26).
func TestDeniedLogonsDoNotDiffer(t *testing.T) {
	denied := func(logon.Kind) (outcome, error) { return outcome{granted: 2}, nil }
	check.Equal(t, check.Must(noteKinds(outcome{granted: 1}, denied)), "", "note about denials")
	check.Equal(t, noteText("a\x1b[2Jb"), "note: a\ufffd[2Jb\n", "note with a control character")
}
