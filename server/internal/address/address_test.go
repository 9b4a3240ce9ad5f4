package address_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/address"
)

// TestWithoutUserHidesPassword checks addresses with and without a user, well-formed or not.
func TestWithoutUserHidesPassword(t *testing.T) {
	for in, want := range map[string]string{"": "", "ldaps://dc1": "ldaps://dc1", "ldaps://a:pw@dc1": "…@dc1",
		"a:p@w@dc1:x": "…@dc1:x", "pw@": "…@"} {
		check.Equal(t, address.WithoutUser(in), want, "WithoutUser(%q)", in)
	}
}
