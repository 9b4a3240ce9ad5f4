package sddl_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

var opt = sddl.Options{Domain: sid.MustParse("S-1-5-21-1-2-3")}

// wantSyntax checks that err is a syntax error with a status and an offset.
func wantSyntax(t *testing.T, text string, err error, st ntstatus.Status, at int) {
	t.Helper()
	var se *sddl.SyntaxError
	check.That(t, errors.As(err, &se) && se.Status == st && se.Offset == at && se.Text == text && se.Want != "" &&
		errors.Is(err, st.Err()), "%s: %v, want %v at byte %d", text, err, st, at)
}
