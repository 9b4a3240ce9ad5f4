package sidset_test

import (
	"fmt"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sid"
)

func ExampleMake() {
	s := sidset.Make([]sid.SID{sid.Everyone, sid.Users, sid.Everyone})
	for _, x := range []sid.SID{sid.Everyone, sid.Users, sid.Guests} {
		fmt.Println(x, s.Find(x.Hash(), x))
	}
	// Output:
	// S-1-1-0 0
	// S-1-5-32-545 1
	// S-1-5-32-546 -1
}
