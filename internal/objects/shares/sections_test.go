package shares

import (
	"maps"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A line that ends with a backslash continues, up to 64 KiB. Then it ends, so that a file cannot be one huge line.
func TestContinuedLinesAreBounded(t *testing.T) {
	const bound = 1 << 16
	for n, goesOn := range map[int]bool{6: true, 9: true, bound - 1: true, bound: false, bound + 1: false} {
		value := strings.Repeat("x", n-len("path="))
		sections, err := parse("[a]\npath=" + value + "\\\ny\\\ngroup = 1\n")
		check.NoError(t, err)
		want := map[string]setting{"path": {"path", "path", value + "ygroup = 1", 2}}
		if !goesOn {
			want = map[string]setting{"path": {"path", "path", value + `y\`, 2}, "forcegroup": {"group", "group", "1", 4}}
		}
		got := map[string]setting{}
		for name, s := range sections[0].own {
			got[name] = *s
		}
		check.That(t, maps.Equal(got, want), "%d bytes: settings %.99v, want %.99v", n, got, want)
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
		check.Equal(t, *sections[0].own["validusers"], setting{"validusers", "valid users", "alice", 2}, "%q", end)
	}
	_, err := parse("[a]\nno equals sign\\")
	check.That(t, err != nil, "a malformed last line is accepted, want an error")
}
