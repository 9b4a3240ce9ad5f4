package pac

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestDelegationNamesEightServices checks the text of a delegation, and that a PAC has at most 256 services (K-87).
func TestDelegationNamesEightServices(t *testing.T) {
	w := alice()
	for n, more := range map[int]string{8: "", 9: " and 1 more", 256: " and 248 more"} {
		w.Delegated = slices.Repeat([]string{"s"}, n)
		check.Equal(t, opened(t, w).Delegation.String(), "through s, s, s, s, s, s, s, s"+more+" for target",
			"K-87: %d services", n)
	}
	w.Delegated = slices.Repeat([]string{"s"}, 257)
	checkRejected(t, "K-87", "257 services", forge.Seal(w.Buffers(), key(18)))
}
