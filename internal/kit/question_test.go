package kit_test

import (
	"testing"

	"github.com/refmon/refmon/internal/kit"
)

func TestCount(t *testing.T) {
	n := map[string]int{}
	k := map[string]int{}
	qs, _ := kit.Questions()
	size := 0
	for _, q := range qs {
		n[q.Suite]++
		k[q.Known]++
		size += len(q.Line())
	}
	t.Log(len(qs), n, k, size)
}
