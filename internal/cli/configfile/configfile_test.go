package configfile

import (
	"errors"
	"os"
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
