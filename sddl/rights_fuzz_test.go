package sddl_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/sddl"
)

// FuzzParseRights checks that a parsed mask is printed as rights that parse to the same mask, and that parsing needs
// memory in proportion to the text (S-38, S-39, S-46).
func FuzzParseRights(f *testing.F) {
	for _, text := range []string{"FR|WD", "FRWD", "0x20089", "33", "FILE_READ_DATA", "read_control | WRITE_DAC",
		"TOKEN_QUERY,DELETE",
		"", "|", "-1", "0x123456789", "GR0x1", "0x", "00000000000000000000", strings.Repeat("GA|", 1000),
		strings.Repeat("0", 5000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bounded.Run(t, len(text), func() {
			m, err := sddl.ParseRights(text)
			if err != nil || m == 0 {
				return
			}
			if again, err := sddl.ParseRights(sddl.FormatRights(m)); err != nil || again != m {
				t.Errorf("%q parsed as %#x, printed as %q, then parsed as %#x, %v, want the same mask",
					text, uint32(m),
					sddl.FormatRights(m), uint32(again), err)
			}
		})
	})
}
