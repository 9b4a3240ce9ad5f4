package bulk_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/bulk"
)

func TestHang(t *testing.T) {
	seeds := []string{"domain: S-1-5-21-1-2-3\nusers:\n  - {name: a, sid: S-1-5-21-1-2-3-4, memberOf: [g], claims: {x: [1, 2]}}\ngroups:\n  - {name: g, sid: DU, memberOf: [g]}\n", "users: *a\n", "users: &a [*a]\n", "users: &a\n  <<: *a\n"}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := 0; i < 200000; i++ {
		b := []byte(seeds[rng.IntN(len(seeds))])
		for range 1 + rng.IntN(6) {
			k := rng.IntN(len(b))
			switch rng.IntN(3) {
			case 0:
				b[k] = byte(" \n:-{}[],&*!|>'\"%@`#?<ab\t"[rng.IntN(25)])
			case 1:
				b = append(b[:k], b[min(len(b), k+1+rng.IntN(4)):]...)
			case 2:
				j := rng.IntN(len(b))
				b = append(b[:k:k], append([]byte(string(b[min(j, k):max(j, k)])), b[k:]...)...)
			}
			if len(b) == 0 {
				b = []byte("a")
			}
		}
		done := make(chan bool)
		t0 := time.Now()
		go func() { bulk.ReadDirectory(b); close(done) }()
		select {
		case <-done:
		case <-time.After(2 * time.Second):
			fmt.Printf("HANG %q\n", b)
			return
		}
		if d := time.Since(t0); d > 100*time.Millisecond {
			fmt.Printf("%v %q\n", d, b)
		}
	}
}
