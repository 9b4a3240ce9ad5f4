// Package randtest gives random tests their seed and their size. Both are
// printed or taken from the environment, so that a failure can be run again.
// Without the environment the seed is always the same: a plain run fails for
// what was changed, and not by chance; REFMON_SEED=clock looks for more.
package randtest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// plain is the seed of runs that ask for none.
const plain = 20251

// Seed returns the number in REFMON_SEED, a seed from the time for REFMON_SEED=clock, and a constant if REFMON_SEED
// is empty. Any other value ends the test. It logs the seed.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(plain)
	switch v := os.Getenv("REFMON_SEED"); v {
	case "":
	case "clock":
		seed = uint64(time.Now().UnixNano())
	default:
		n, err := strconv.ParseUint(v, 0, 64)
		if err != nil {
			t.Fatalf("REFMON_SEED=%q: want a number of 64 bits", v)
		}
		seed = n
	}
	t.Logf("REFMON_SEED=%d", seed)
	return seed
}

// Deep reports whether random tests have their whole size: REFMON_DEEP=1 asks for it, as .ci/run does, and -short
// overrules it.
func Deep() bool { return os.Getenv("REFMON_DEEP") == "1" && !testing.Short() }

// SkipUnlessDeep skips a test that is too slow for a plain run, unless [Deep]. why says what takes so long.
func SkipUnlessDeep(t testing.TB, why string) {
	t.Helper()
	if !Deep() {
		t.Skip(why + ": REFMON_DEEP=1 runs it, as .ci/run does")
	}
}

// Size returns the size of a random test: whole if [Deep], else a tenth of it, but 1 at least if whole is not 0.
func Size(whole int) int {
	if Deep() {
		return whole
	}
	return max(whole/10, min(whole, 1))
}

// Count returns the number in the environment variable name, or else the [Size] for whole.
func Count(t testing.TB, name string, whole int) int {
	t.Helper()
	if v := os.Getenv(name); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("%s=%q: want a number", name, v)
		}
		return n
	}
	return Size(whole)
}
