package lsa

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzHash checks that verifying any hash text costs no more than its bounds.
func FuzzHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHash(text)
		check.That(t, err != nil || h.String() == text && h.cost.Memory <= mostMemory && h.cost.Passes <= mostPasses,
			"hash of %q = %v, want the same text within the limits", text, h)
	})
}
