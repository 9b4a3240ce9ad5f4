package win32

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestCommandLineToArguments has the table of the document "CommandLineToArgvW", and the ends of
// lines (O-165).
func TestCommandLineToArguments(t *testing.T) {
	for line, want := range map[string][]string{
		"":                         nil,
		" \t":                      nil,
		`p`:                        {`p`},
		` p `:                      {`p`},
		`"a program" x`:            {`a program`, `x`},
		`"a program`:               {`a program`},
		`"a"x`:                     {`a`, `x`},
		`"" x`:                     {``, `x`},
		`C:\b\p.exe x`:             {`C:\b\p.exe`, `x`},
		`p "abc" d e`:              {`p`, `abc`, `d`, `e`},
		`p a\\\b d"e f"g h`:        {`p`, `a\\\b`, `de fg`, `h`},
		`p a\\\"b c d`:             {`p`, `a\"b`, `c`, `d`},
		`p a\\\\"b c" d e`:         {`p`, `a\\b c`, `d`, `e`},
		`p ""`:                     {`p`, ``},
		`p "x y`:                   {`p`, `x y`},
		`p \`:                      {`p`, `\`},
		`p x\\`:                    {`p`, `x\\`},
		"p\t-c\t'exit 3'":          {`p`, `-c`, `'exit`, `3'`},
		`/bin/sh -c "exit \"3\" "`: {`/bin/sh`, `-c`, `exit "3" `},
	} {
		check.SlicesEqual(t, Arguments(line), want, "%q", line)
	}
}

func FuzzArguments(f *testing.F) {
	f.Add(`"a b" c\"d`)
	f.Fuzz(func(t *testing.T, line string) {
		n := 0
		for _, a := range Arguments(line) {
			n += len(a)
		}
		check.That(t, n <= len(line), "Arguments(%q) = %q, want no more text than the line has", line, Arguments(line))
	})
}
