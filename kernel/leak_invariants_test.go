//go:build invariants

package kernel_test

import (
	"strings"
	"testing"
)

// With the build tag invariants, the leak report names the holder. A reference that a kernel routine returned is held
// as "context".
func TestLeakReportNamesTheHolder(t *testing.T) {
	err := leaky(t).Close()
	if err == nil || !strings.Contains(err.Error(), "Token: handles 0, references 1 (context 1)") {
		t.Errorf(`Close of a system with a leaked token reference: %v, want an error with "references 1 (context `+
			`1)"`, err)
	}
}
