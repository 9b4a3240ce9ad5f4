//go:build invariants

package kernel_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// With the build tag invariants, the leak report names the holder. A reference that a kernel routine returned is held
// as "context".
func TestLeakReportNamesTheHolder(t *testing.T) {
	err := leaky(t).Close()
	check.That(t, err != nil && strings.Contains(err.Error(), "Token: handles 0, references 1 (context 1)"),
		`Close of a system with a leaked reference: %v, want an error with "references 1 (context 1)"`, err)
}
