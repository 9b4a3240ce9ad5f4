package fileaccess_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// ValidName accepts names of files and streams, and Open rejects invalid ones (F-13).
func TestValidNameAndOpenAgree(t *testing.T) {
	long := strings.Repeat("x", 255)
	for name, want := range map[string]bool{
		"": true, `\`: true, "f": true, `a\b\c`: true, `d\`: true, "f:s": true, "f:s:$DATA": true, "f::$data": true,
		"d::$INDEX_ALLOCATION": true, "d:$I30:$INDEX_ALLOCATION": true,
		"d:$i30:$Index_allocation": true, // IIS opened such names (CVE-2010-2731)
		"d:s:$INDEX_ALLOCATION":    false, "d:$I30:$DATA": true, "d:$I30:$BAD": false, "d::$BAD": false, "d::": false,
		long: true, "ä€😀": true, strings.Repeat("😀", 127): true, strings.Repeat("é", 255): true,
		strings.Repeat("€", 255): true, strings.Repeat("é", 256): false, " .x": true, "...": true, "f:a?b": true,
		`\\`: false, `a\\b`: false, `\a`: false, ".": false, `a\..\b`: false, "f:": false, "f:s:$BAD": false,
		"f:s:$DATA:x": false, "f:a/b": false, ":s": false, `a:s\b`: false,
		long + "x": false, strings.Repeat("😀",
			128): false, "a\x1f": false, "a\x00": false, "a*": false, `a"`: false, "a/b": false, "a<": false,
		"a>": false,
		"a?": false, "a|b": false, "f:" + long + "x": false, "f:\x00": false,
	} {
		check.Equal(t, fileaccess.ValidName(name), want, "F-13: ValidName(%q)", name)
		d, _ := open(t, 1, func(s *situation) { s.r.Name = name })
		if want != d.Allowed() || !want && d.Rule != "F-13" {
			t.Errorf("F-13: Open of %q: %v by %q, want success: %t", name, d.Status(), d.Rule, want)
		}
	}
	if d, _ := open(t, 1, nonDirOption,
		func(s *situation) { s.r.Name = `f\` }); d.Status() != ntstatus.ObjectNameInvalid {
		t.Errorf("F-13: Open of a file with a trailing backslash: %v, want %v", d.Status(), ntstatus.ObjectNameInvalid)
	}
	d, _ := open(t, 1, byID, func(s *situation) { s.r.Name = "\x01\x02\\" })
	check.That(t, d.Allowed(), "F-13: Open by id with a number as the name: %v, want success", d.Status())
	r := fileaccess.Request{Name: `a\b\c`}
	for at, want := range []string{`\a\b\c`, `\b\c`, `\c`, ""} { // for at from -1 on
		check.Equal(t, r.Unparsed(at-1), want, "Unparsed(%d)", at-1)
	}
}

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
			check.That(t, fileaccess.ValidName(part) && (!strings.ContainsAny(part, "/*?\x00") ||
				strings.Contains(part, ":")), "ValidName(%q) = true, but its component %q is invalid", name, part)
		}
	})
}
