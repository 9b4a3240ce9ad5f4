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
		want := []setting{{key: "k", value: value + "yz = 1"}}
		if !goesOn {
			want = []setting{{key: "k", value: value + `y\`}, {key: "z", value: "1"}}
		}
		got := sections[0].settings
		if len(got) != len(want) {
			t.Errorf("%d bytes: %d settings, want %d", n, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i].key != want[i].key || got[i].value != want[i].value {
				t.Errorf("%d bytes: %s has %d bytes, want %s with %d", n, got[i].key, len(got[i].value), want[i].key,
					len(want[i].value))
			}
		}
	}
	for text, where := range map[string]string{"[a]\nk": "line 2", "[a]\nx\\\n\\\nk": "line 2", "k=1": "line 1",
		"\n\nk=1": "line 3"} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), where+":") {
			t.Errorf("%q: %v, want %s", text, err, where)
		}
	}
}

// A last line that ends with a backslash counts too.
func TestLastLineMayEndWithBackslash(t *testing.T) {
	for _, end := range []string{"\\", "\\\n", "\\\r\n"} {
		sections, err := parse("[a]\nvalid users = alice " + end)
		if err != nil || len(sections) != 1 || len(sections[0].settings) != 1 ||
			sections[0].settings[0].value != "alice" {
			t.Errorf("%q: %+v, %v, want the valid user alice", end, sections, err)
		}
	}
	if _, err := parse("[a]\nno equals sign\\"); err == nil {
		t.Error("a malformed last line is not an error")
	}
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
		if got := list(value); !slices.Equal(got, want) {
			t.Errorf("list(%q) = %q, want %q", value, got, want)
		}
	}
}
