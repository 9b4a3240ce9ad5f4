package ldap

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestSinceReportsChangeWithoutUSN checks that a mark shows no change only if the server numbers its changes
// (D-19).
func TestSinceReportsChangeWithoutUSN(t *testing.T) {
	for _, number := range [][]string{{"100"}, nil} {
		w := newWorld()
		w.root["highestCommittedUSN"] = number
		d := serve(t, w.answer).directory(nil)
		now, _, err := d.Since(t.Context(), Mark{})
		_, changed, again := d.Since(t.Context(), now)
		check.NoError(t, errors.Join(err, again))
		check.Equal(t, changed, number == nil, "D-19: changed since the number %q", number)
	}
}
