package claims_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
)

// Quotas charge HeapSize, so an expression holds at most that. The allocator rounds each part up by at most an eighth.
func TestHeapSizeIsWhatIsHeld(t *testing.T) {
	const n = 200
	for name, text := range map[string]string{
		"a long text": `(@User.x == "` + strings.Repeat("y", 4000) + `")`,
		"many texts":  `(@User.x Any_of {` + strings.Repeat(`"abcdefgh",`, 300) + `"z"})`,
		"a long name": `(@User.` + strings.Repeat("n", 2000) + ` == 1)`,
		"many SIDs":   `(Member_of {` + strings.Repeat("SID(S-1-5-21-1-2-3-4),", 200) + `SID(BA)})`,
	} {
		kept := make([]*claims.Expr, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range kept {
			var err error
			kept[i], _, err = claims.ParseExpr(text, claims.ParseOptions{})
			check.NoError(t, err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		held, size := int(after.HeapAlloc-before.HeapAlloc)/n, kept[0].HeapSize()
		t.Logf("%s: HeapSize %d, %d bytes held", name, size, held)
		check.That(t, size+size/8 >= held, "%s: HeapSize = %d, but the expression holds %d bytes", name, size, held)
		runtime.KeepAlive(kept)
	}
	var none *claims.Expr
	check.Equal(t, none.HeapSize(), 0, "HeapSize of nil")
}
