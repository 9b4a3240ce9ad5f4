package wire

import (
	"reflect"
	"testing"
)

// TestFormsDiffer: two types that do not read each other's bytes, or whose fields have
// other names, have other forms, so that a row of both sides is the same only where both
// mean the same (W-5).
func TestFormsDiffer(t *testing.T) {
	seen := map[string]int{}
	for i, v := range []any{
		struct{ A uint32 }{}, struct{ B uint32 }{}, struct{ A uint64 }{}, struct{ A int32 }{}, struct{ A, B uint32 }{},
		struct{ B, A uint32 }{}, struct{ A []uint32 }{}, struct{ A [2]uint32 }{}, struct{ A [3]uint32 }{},
		struct{ A *uint32 }{}, struct{ A string }{}, struct{ A []string }{}, struct{ A bool }{},
		struct{ A struct{ A uint32 } }{}, struct{ A struct{ B uint32 } }{}, struct{}{},
	} {
		form := make1(reflect.TypeOf(v)).form
		if other, there := seen[form]; there {
			t.Errorf("types %d and %d have the form %s", other, i, form)
		}
		seen[form] = i
	}
}
