package quota

import (
	"maps"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A map is copied once it has at most a quarter of its peak, and only then is the peak reset. A small map is not.
func TestMapIsCopiedAtQuarterOfPeak(t *testing.T) {
	for _, c := range []struct{ peak, n, want int }{{1000, 251, 1000}, {1000, 250, 250}, {256, 64, 64}, {255, 0, 255}} {
		m := map[int]int{}
		for i := range c.n {
			m[i] = i
		}
		peak := c.peak
		check.That(t, maps.Equal(Shrunk(m, &peak), m), "the map of %d entries has others than before", c.n)
		check.Equal(t, peak, c.want, "peak of %d with %d entries left", c.peak, c.n)
	}
}
