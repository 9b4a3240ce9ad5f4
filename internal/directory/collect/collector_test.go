package collect_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/test/check"
)

func TestShortenKeepsCharactersWhole(t *testing.T) {
	a := strings.Repeat("a", 59)
	for _, c := range [][2]string{{a + "b", a + "b"}, {a + "é", a + "…"}, {a + "bc", a + "b…"}} {
		check.That(t, collect.Shorten(c[0]) == c[1], "%q is shortened to %q, want %q", c[0], collect.Shorten(c[0]), c[1])
	}
}
