package gateway

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestAttemptsAgreeWithSimpleCount compares a random history of addresses and names with a simple count: five
// failures of a name and fifty of an address within 15 minutes from the first (G-32).
func TestAttemptsAgreeWithSimpleCount(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := &attempts{now: func() time.Time { return now }, of: map[attempt]wrong{}}
	type failures struct {
		n     int
		since time.Time
	}
	twin := map[string]failures{}
	count := func(k string) int {
		if now.Sub(twin[k].since) >= 15*time.Minute {
			delete(twin, k)
		}
		return twin[k].n
	}
	add := func(k string, n int) {
		f := twin[k]
		if f.n == 0 {
			f.since = now
		}
		if f.n += n; f.n > 0 {
			twin[k] = f
		} else {
			delete(twin, k)
		}
	}
	rng := rand.New(rand.NewPCG(32, 32))
	refusedName, refusedAddress, taken := 0, 0, 0
	for step := range 30_000 {
		if rng.IntN(40) == 0 {
			now = now.Add(time.Duration(rng.IntN(181)) * time.Second)
		}
		from := []string{"192.0.2.1", "192.0.2.2", "[2001:db8::1]"}[rng.IntN(3)]
		name := []string{"n", ""}[rng.IntN(20)/19] // rarely none
		if name != "" {
			name += fmt.Sprint(rng.IntN(14))
		}
		all, one := from, from+" "+name
		byName, byAddress := count(one) >= 5, count(all) >= 50
		asked := name
		if rng.IntN(2) == 0 {
			asked = strings.ToUpper(name) + "@host"
		}
		right, ok := a.try(fmt.Sprintf("%s:%d", from, 1+rng.IntN(9)), asked)
		if ok == (byName || byAddress) {
			t.Fatalf("G-32: step %d, %s: %t, where %d of the name and %d of the address were wrong", step, one, ok,
				count(one), count(all))
		}
		switch {
		case byAddress:
			refusedAddress++
		case byName:
			refusedName++
		default:
			taken++
			add(all, 1)
			add(one, 1)
			if rng.IntN(10) == 0 {
				right()
				add(all, -1)
				add(one, -1)
			}
		}
	}
	if refusedName < 100 || refusedAddress < 100 || taken < 100 {
		t.Errorf("refused by name %d, by address %d, taken %d, want at least 100, at least 100, at least 100",
			refusedName, refusedAddress, taken)
	}
}
