package main

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// TestPastedTextMayBeginWithMark checks that the contents of a file of Get-Acl are a descriptor, with the mark of UTF-8
// that PowerShell writes and without it.
func TestPastedTextMayBeginWithMark(t *testing.T) {
	const text = "Path   : C:\\a\nOwner  : Everyone\nGroup  : Everyone\nAccess : Everyone Allow  Read\nSddl   : " +
		"O:WDG:WDD:(A;;FR;;;WD)\n"
	for _, mark := range []string{"", "\ufeff"} {
		var errs bytes.Buffer
		d, err := pasted(&streams{err: &errs}, mark+text, sid.SID{}, nil)
		check.RequireThat(t, d != nil && err == nil, "%q: %v, %v", mark, d, err)
		check.Equal(t, check.Must(sddl.Format(d, sddl.Options{})), "O:WDG:WDD:(A;;FR;;;WD)", "with %q", mark)
	}
}
