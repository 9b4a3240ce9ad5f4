package randtest

import "testing"

func TestSizeIsATenthUnlessDeep(t *testing.T) {
	for _, c := range []struct {
		deep              string
		whole, want, race int
	}{{"", 1000, 100, 100}, {"", 5, 1, 1}, {"", 0, 0, 0}, {"1", 1000, 1000, 100}, {"0", 1000, 100, 100}} {
		t.Setenv("REFMON_DEEP", c.deep)
		want := c.want
		if testing.Short() {
			want = c.race
		}
		if got := Size(c.whole); got != want {
			t.Errorf("REFMON_DEEP=%q: %d of %d, want %d", c.deep, got, c.whole, want)
		}
	}
}

func TestCountReadsEnvironmentVariable(t *testing.T) {
	t.Setenv("REFMON_ANY", "7")
	if got := Count(t, "REFMON_ANY", 1000); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
}
