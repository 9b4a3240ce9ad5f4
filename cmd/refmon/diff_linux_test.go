package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Objects from a pipe can be read once only, so looking at their form must not take bytes from the reader: diff of two
// pipes finds the differences of their contents.
func TestDiffReadsPipes(t *testing.T) {
	dir := t.TempDir()
	people := filepath.Join(dir, "people.yaml")
	check.NoError(t, os.WriteFile(people, []byte("users:\n- {name: bob, sid: S-1-5-21-1-2-3-1108}\n"), 0o600))
	pipe := func(name, sddl string) string {
		return fifo(t, filepath.Join(dir, name), `{"path":"/a","sd":"`+sddl+`"}`+"\n")
	}
	code, out, errs := runLine("diff", pipe("before", "O:BAG:BAD:(A;;FA;;;WD)"), pipe("after", "O:BAG:BAD:(A;;FR;;;BA)"),
		"-d", people)
	check.That(t, code == exitDenied && strings.Contains(out, "bob"),
		"diff of two pipes: exit code %d, %q, %q; want %d and that bob lost rights", code, out, errs, exitDenied)
}
