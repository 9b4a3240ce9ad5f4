// Package randtest gives random tests their seed and their size. Both are
// printed or taken from the environment, so that a failure can be run again.
package randtest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed is REFMON_SEED, or the time; the test's log tells it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("REFMON_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 0, 64)
		if err != nil {
			t.Fatalf("REFMON_SEED=%q: want a number of 64 bits", v)
		}
		seed = n
	}
	t.Logf("REFMON_SEED=%d", seed)
	return seed
}

// Count is the number in the environment variable name, or standard; a tenth
// of it with -short.
func Count(t testing.TB, name string, standard int) int {
	t.Helper()
	if v := os.Getenv(name); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("%s=%q: want a number", name, v)
		}
		return n
	}
	if testing.Short() {
		return standard / 10
	}
	return standard
}
