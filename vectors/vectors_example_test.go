package vectors_test

import (
	"fmt"

	"github.com/refmon/refmon/vectors"
)

// An implementation of your own reads each vector, decides In and compares with
// Out. Each says where its answer is from.
func Example() {
	from := map[string]bool{}
	for v, err := range vectors.Open() {
		if err != nil || len(v.In) == 0 || len(v.Out) == 0 {
			fmt.Println(v.About, err)
			return
		}
		from[v.Provenance.Kind] = true
	}
	fmt.Println(from[vectors.Documented], from[vectors.Decided])
	// Output: true true
}
