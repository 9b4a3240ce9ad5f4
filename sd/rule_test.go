package sd

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// The inheritance flags of an entry select the objects on which it takes effect: its own object, files below it and so
// on. flagsOf returns the flags that select a set. It returns false if none do, as for the empty set (S-85).
func TestFlagsSelectExactlyTheirObjects(t *testing.T) {
	known := map[places]bool{}
	for _, flags := range []uint8{0, ObjectInherit, ContainerInherit, ObjectInherit | ContainerInherit} {
		for _, more := range []uint8{0, NoPropagateInherit, InheritOnly, NoPropagateInherit | InheritOnly} {
			if flags != 0 || more == 0 {
				known[placesOf(flags|more)] = true
			}
		}
	}
	for objects := range places(1 << 5) {
		flags, ok := flagsOf(objects)
		check.That(t, ok == known[objects] && (!ok || placesOf(flags) == objects),
			"objects %05b: flags %#x, %t, want %t", objects, flags, ok, known[objects])
	}
}
