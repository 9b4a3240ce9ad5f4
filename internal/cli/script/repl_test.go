package script_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
)

// The prompt shows whether a statement starts or continues. help and exit work as in a terminal. A line that is too
// long, and lost output, end the loop with an error.
func TestPromptShowsContinuedStatement(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1 + 1\n", ">> 2\n>> "}, {"def f():\n    pass\n\nf()\n", ">> ... ... >> >> "},
		{"1 +\n2\n", ">> error: input:1:4: got newline, want primary expression\n>> 2\n>> "}, {"", ">> "},
		{"exit\n1 + 1\n", ">> "}, {"process\n", ">> <built-in function process>\n>> "},
		{"NtClose\n", ">> NtClose(Handle): closes a handle; help(NtClose) explains it\n>> "},
	} {
		var b bytes.Buffer
		r := script.New(script.Config{Output: &b})
		if err := r.Interact(strings.NewReader(c.in), ">> "); err != nil || b.String() != c.want {
			t.Errorf("%q: %v, printed %q, want %q", c.in, err, b.String(), c.want)
		}
		check.NoError(t, r.Close())
	}
	r := script.New(script.Config{})
	if err := r.Interact(strings.NewReader(strings.Repeat("x", 2<<20)), ""); err == nil ||
		!strings.Contains(err.Error(), "read the statements: ") {
		t.Errorf("a line of 2 MiB: %v", err)
	}
	check.NoError(t, r.Close())
}
