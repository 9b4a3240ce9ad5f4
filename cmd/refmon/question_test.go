package main

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// The argument of a question about a user is a path, also if it has a line feed, or else a descriptor in one of its
// forms.
func TestPathWithLineFeedIsNoDescriptor(t *testing.T) {
	for text, want := range map[string]bool{"/srv/plan": false, "/srv/pl\nan": false, "plan": false, "./pl\nan": false,
		"D:(A;;FA;;;WD)": true, "D:(A;;FA\n;;;WD)": true, "C:\\plan Everyone:(F)\n": false,
		"C:\\plan Everyone:(F)\n        BUILTIN\\Users:(R)\n": true,
		"Owner : Everyone\nAccess : Everyone Allow  Read":     true} {
		check.Equal(t, isDescriptor(text), want, "isDescriptor(%q)", text)
	}
}
