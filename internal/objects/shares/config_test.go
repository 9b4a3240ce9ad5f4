package shares

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A line that ends with a backslash continues, up to 64 KiB. Then it ends, so that a file cannot be one huge line.
func TestContinuedLinesAreBounded(t *testing.T) {
	const bound = 1 << 16
	for n, goesOn := range map[int]bool{2: true, 9: true, bound - 1: true, bound: false, bound + 1: false} {
		value := strings.Repeat("x", n-len("k="))
		sections, err := parse("[a]\nk=" + value + "\\\ny\\\nz = 1\n")
		check.NoError(t, err)
		want := []setting{{"k", "k", value + "yz = 1"}}
		if !goesOn {
			want = []setting{{"k", "k", value + `y\`}, {"z", "z", "1"}}
		}
		check.That(t, slices.Equal(sections[0].settings, want), "%d bytes: settings %.99q, want %.99q", n,
			sections[0].settings, want)
	}
	for text, where := range map[string]string{"[a]\nk": "line 2", "[a]\nx\\\n\\\nk": "line 2", "k=1": "line 1",
		"\n\nk=1": "line 3"} {
		_, err := parse(text)
		check.That(t, err != nil && strings.Contains(err.Error(), where+":"), "%q: %v, want %s", text, err, where)
	}
}

// A last line that ends with a backslash counts too.
func TestLastLineMayEndWithBackslash(t *testing.T) {
	for _, end := range []string{"\\", "\\\n", "\\\r\n"} {
		sections, err := parse("[a]\nvalid users = alice " + end)
		check.RequireThat(t, err == nil && len(sections) == 1, "%q: %v, want one section", end, err)
		check.SlicesEqual(t, sections[0].settings, []setting{{"validusers", "valid users", "alice"}}, "%q", end)
	}
	_, err := parse("[a]\nno equals sign\\")
	check.That(t, err != nil, "a malformed last line is accepted, want an error")
}

// TestListKeepsTextAfterOpenQuote checks that a quote without its end runs to the end of the value, as testparm shows
// for smbd. A lost name of "invalid users" would grant access.
func TestListKeepsTextAfterOpenQuote(t *testing.T) {
	for value, want := range map[string][]string{
		"":                      nil,
		", \t":                  nil,
		`alice,bob`:             {"alice", "bob"},
		`a"b c"d e`:             {"ab cd", "e"},
		`bob "alice, carol`:     {"bob", "alice, carol"},
		`"domain users" "alice`: {"domain users", "alice"},
		`bob "`:                 {"bob", ""},
	} {
		check.SlicesEqual(t, list(value), want, "list(%q)", value)
	}
}
