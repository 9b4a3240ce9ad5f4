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
	// The end of a program ends its last block. A statement that cannot be complete is an error. A terminal leaves both.
	for _, c := range []struct {
		in, prompt, want string
		cut              bool
	}{
		{"for x in [1]:\n    print(x)", "", "1\n", false}, {"print(2)\n\n# end\n", "", "2\n", false},
		{"print(3)\nprint(\n", "", "3\n", true}, {"x = \"\"\"\na\n", "", "", true},
		{"for x in [1]:\n    print(x)\n", ">> ", ">> ... ... ", false},
	} {
		var b bytes.Buffer
		r := script.New(script.Config{Output: &b})
		err := r.Interact(strings.NewReader(c.in), c.prompt)
		check.That(t, (err != nil && strings.Contains(err.Error(), "ends inside a statement")) == c.cut &&
			b.String() == c.want, "%q: %v, printed %q, want %q, an error %t", c.in, err, b.String(), c.want, c.cut)
		check.NoError(t, r.Close())
	}
	// A text that a program prints does not control the terminal.
	var shown bytes.Buffer
	r := script.New(script.Config{Output: &shown})
	check.That(t, r.Interact(strings.NewReader(`print("a\tb\x1b[31m\u202ec")
fail("\u2066")
step("d\n\u009b")
`), "") != nil && shown.String() == "a\tb\uFFFD[31m\uFFFDc\nerror: input:2:5: fail: \uFFFD\n# d\uFFFD\uFFFD\n",
		"control characters: printed %q", shown.String())
	check.NoError(t, r.Close())
	r = script.New(script.Config{Output: &shown})
	long := r.Interact(strings.NewReader("1\n"+strings.Repeat("x", 1<<20)), "")
	check.That(t, long != nil && strings.HasSuffix(long.Error(), "line 2: longer than 1048576 bytes"), "long: %v", long)
	check.NoError(t, r.Close())
	// A program reports each error with its line, in a function too, and how many there were.
	for prompt, want := range map[string]string{
		"": "error: input:2:1: undefined: foo\n1\nerror: input:6:7: fail: b\nerror: input:9:5: unexpected ')'\n",
		">> ": ">> >> error: input:1:1: undefined: foo\n>> 1\n>> >> ... ... >> error: input:2:7: fail: b\n" +
			">> error: input:1:5: unexpected ')'\n>> "} {
		var b bytes.Buffer
		r := script.New(script.Config{Output: &b})
		err := r.Interact(strings.NewReader("\nfoo()\nprint(1)\n# c\ndef f():\n  fail('b')\n\nf()\nx = )\n"), prompt)
		check.That(t, b.String() == want && (err != nil && err.Error() == "statements that ended with an error: 3") ==
			(prompt == ""), "prompt %q: %v, printed %q, want %q", prompt, err, b.String(), want)
		check.NoError(t, r.Close())
	}
	r = script.New(script.Config{})
	err := r.Interact(strings.NewReader(strings.Repeat("x", 2<<20)), "")
	check.That(t, err != nil && strings.Contains(err.Error(), "read the statements: "), "a line of 2 MiB: %v", err)
	check.NoError(t, r.Close())
}
