package lsa

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

func TestHashDoesNotRaiseHeapGoal(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	goal := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64() >> 20
	}
	runtime.GC()
	before := goal()
	hashed{cost: Hashing{}.orDefault(), salt: make([]byte, saltBytes)}.of("secret")
	if after := goal(); after >= before+64 {
		t.Errorf("a hash of 64 MiB raised the goal of the heap from %d to %d MiB", before, after)
	}
}

// TestHashCostOutsideBoundsIsRejected checks the limits of a stored hash's cost, and that only the canonical text of a
// hash is accepted.
func TestHashCostOutsideBoundsIsRejected(t *testing.T) {
	const salt, sum = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	text := func(memory, passes int, salt, sum string) string {
		return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", memory, passes, salt, sum)
	}
	for hash, want := range map[string]bool{
		text(8, 1, salt, sum): true, text(1<<20, 64, salt, sum): true,
		text(7, 1, salt, sum): false, text(1<<20+1, 1, salt, sum): false, text(8, 0, salt, sum): false,
		text(8, 65, salt, sum): false, text(8, 1, salt[:20], sum): false, text(8, 1, salt, sum[:40]): false,
		text(8, 1, salt[:21]+"B", sum): false, text(8, 1, salt, sum[:42]+"B"): false, text(8, 1, salt,
			sum) + "x": false,
		strings.Replace(text(8, 1, salt, sum), "v=19", "v=16", 1): false,
		strings.Replace(text(8, 1, salt, sum), "p=1", "p=2", 1):   false,
		strings.Replace(text(8, 1, salt, sum), "id$", "i$", 1):    false,
		strings.Replace(text(8, 1, salt, sum), "m=8", "m=08", 1):  false, "": false,
	} {
		if h, err := parseHash(hash); (err == nil) != want || want && h.String() != hash {
			t.Errorf("%q: %v, want %t", hash, err, want)
		}
	}
	// A vector of the reference implementation. Memory and passes differ, so swapping them is detected.
	known := hashed{cost: Hashing{Memory: 256, Passes: 2}, salt: []byte("somesalt")}
	known.hash = known.of("password")
	const want = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	check.That(t, known.String() == want, "got the hash %s, want %s", known, want)
	for cost, want := range map[Hashing]Hashing{{}: {64 << 10, 3}, {9, 2}: {9, 2}, {0, 2}: {64 << 10, 2},
		{9, 0}: {9, 3}} {
		check.Equal(t, cost.orDefault(), want, "the cost of the configured %+v", cost)
	}
}
