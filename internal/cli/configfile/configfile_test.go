package configfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestConfigCommandPrintsResult checks the output of both commands, and that they return the error of a malformed file
// and of the output.
func TestConfigCommandPrintsResult(t *testing.T) {
	broken := errors.New("broken")
	p := &Program{Shipped: []byte("key = 1\n"), Check: func(file string) (string, error) {
		if file != "good" {
			return "", broken
		}
		return "a summary", nil
	}}
	var out strings.Builder
	p.Out = &out
	check.ErrorIs(t, checkCommand{"bad"}.Run(p), broken, "malformed file")
	check.NoError(t, checkCommand{"good"}.Run(p))
	check.NoError(t, printCommand{}.Run(p))
	check.Equal(t, out.String(), "good: well formed; a summary\nkey = 1\n", "output")
	in := check.Must(os.Open(os.DevNull)) // not for writing
	defer in.Close()
	p.Out = in
	check.That(t, checkCommand{"good"}.Run(p) != nil && printCommand{}.Run(p) != nil, "lost output: no error")
}

// TestReadIsBounded checks that a file without an end is an error, and that a file at the limit is read whole.
func TestReadIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "config")
	check.NoError(t, os.WriteFile(name, nil, 0o600))
	for size, want := range map[int64]string{0: "", maxFile: "", maxFile + 1: name + " is larger than 16 MiB"} {
		check.NoError(t, os.Truncate(name, size))
		text, err := Read(name)
		check.That(t, (err == nil) == (want == "") && (err != nil && err.Error() == want || int64(len(text)) == size),
			"Read of %d bytes: %d, %v", size, len(text), err)
	}
	if _, err := os.Stat("/dev/zero"); err == nil {
		_, err = Read("/dev/zero")
		check.That(t, err != nil, "Read of a file without an end: no error")
	}
	_, err := Read(filepath.Join(name, "below"))
	check.That(t, err != nil, "Read of a missing file: no error")
}
