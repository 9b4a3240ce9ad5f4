package hostfs

import (
	"cmp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzDecodeMove checks that each stored record reads back as it was, that no bytes make the decoder panic, and that it
// accepts no name that leads out of the recorded directory (F-212).
func FuzzDecodeMove(f *testing.F) {
	m := moveRecord{1, 2, recordedName{3, "", "f"}, recordedName{4, "a/b", `c\d`}, ""}
	whole := m.encode()
	f.Add(whole)
	m.aside = "old"
	f.Add(m.encode())
	f.Add(whole[:len(whole)-1])
	f.Add(string(make([]byte, len(whole)))) // a torn write: zeros
	f.Add("")
	for _, name := range []string{"", ".", "..", "a/b"} {
		bad := m
		bad.from.name = name
		f.Add(bad.encode())
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := decodeMove(s)
		if err != nil {
			check.That(t, m == (moveRecord{}),
				"F-212: decodeMove(%q) = %v with the error %v, want the zero record", s, m, err)
			return
		}
		if again := m.encode(); again != s {
			t.Errorf("F-212: %q is read as %q", s, again)
		}
		for _, name := range []string{m.from.name, m.to.name, cmp.Or(m.aside, "-")} {
			check.That(t, !strings.Contains(name, "/") && name != "" && name != "." && name != "..",
				"F-212: %q names %q", s, name)
		}
	})
}
