package fileaccess_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
)

// FuzzValidName checks that no name causes a panic, that the components of a valid name are valid, and that Unparsed
// returns a suffix of the name.
func FuzzValidName(f *testing.F) {
	for _, name := range []string{
		"", `\`, `a\b`, `a\b\`, // paths
		`a\\b`, `\a`, `..\a`, // no components
		"f:s", "f:s:$DATA", "f::$DATA", "f:", ":s", "f:s:t:u", // streams
		"a\x00", "a\x1f", "\xff\xfe", "\xed\xa0\x80", // controls, no UTF-8, a lone surrogate
		strings.Repeat("é", 256), // too long in units
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r := fileaccess.Request{Name: name}
		for at := range 4 {
			if rest := r.Unparsed(at); rest != "" && (rest[0] != '\\' || !strings.HasSuffix(name, rest)) {
				t.Errorf("Unparsed(%d) of %q = %q, want a suffix that starts with a backslash", at, name, rest)
			}
		}
		if !fileaccess.ValidName(name) {
			return
		}
		for _, part := range strings.Split(strings.Trim(name, `\`), `\`) {
			if !fileaccess.ValidName(part) || strings.ContainsAny(part, "/*?\x00") && !strings.Contains(part, ":") {
				t.Errorf("ValidName(%q) = true, but its component %q is invalid", name, part)
			}
		}
	})
}
