package adrights_test

import (
	"fmt"

	"github.com/refmon/refmon/adrights"
)

func ExampleByName() {
	for _, e := range adrights.ByName("Member") {
		fmt.Println(e.Kind, e.GUID)
	}
	// Output: attribute bf9679c0-0de6-11d0-a285-00aa003049e2
}

func ExampleAll() {
	kinds := map[string]int{}
	for e := range adrights.All() {
		kinds[e.Kind.String()]++
	}
	fmt.Println(kinds)
	// Output: map[attribute:1500 class:270 extended right:60 property set:15 validated write:6]
}
