package claims_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// Quotas charge HeapSize, so an expression or a set holds at most that. The allocator rounds each part up by at most an
// eighth.
func TestHeapSizeIsWhatIsHeld(t *testing.T) {
	const n = 200
	expr := func(text string) func() (sized, error) {
		return func() (sized, error) {
			e, _, err := claims.ParseExpr(text, claims.ParseOptions{})
			return e, err
		}
	}
	set := func(values func() claims.Attribute) func() (sized, error) {
		return func() (sized, error) {
			a := values()
			a.Name = "a"
			small := claims.Attribute{Name: "b", Type: claims.Int64, Ints: []int64{1}}
			return claims.NewSet([]claims.Attribute{a, small})
		}
	}
	for name, build := range map[string]func() (sized, error){
		"a long text": expr(`(@User.x == "` + strings.Repeat("y", 4000) + `")`),
		"many texts":  expr(`(@User.x Any_of {` + strings.Repeat(`"abcdefgh",`, 300) + `"z"})`),
		"a long name": expr(`(@User.` + strings.Repeat("n", 2000) + ` == 1)`),
		"many SIDs":   expr(`(Member_of {` + strings.Repeat("SID(S-1-5-21-1-2-3-4),", 200) + `SID(BA)})`),
		"a set with numbers": set(func() claims.Attribute {
			a := claims.Attribute{Type: claims.Uint64}
			for i := range uint64(500) {
				a.Uints = append(a.Uints, i)
			}
			return a
		}),
		"a set with a long text": set(func() claims.Attribute {
			return claims.Attribute{Type: claims.String, Strings: []string{strings.Repeat("y", 4000)}}
		}),
		"a set with octets": set(func() claims.Attribute {
			return claims.Attribute{Type: claims.Octets, Octets: [][]byte{make([]byte, 4000)}}
		}),
		"a set with SIDs": set(func() claims.Attribute {
			a := claims.Attribute{Type: claims.SID}
			for i := range uint32(300) {
				s, _ := sid.New(5, 21, 1, 2, 3, i)
				a.SIDs = append(a.SIDs, s)
			}
			return a
		}),
	} {
		kept := make([]sized, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range kept {
			kept[i] = check.Must(build())
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		held, size := int(after.HeapAlloc-before.HeapAlloc)/n, kept[0].HeapSize()
		t.Logf("%s: HeapSize %d, %d bytes held", name, size, held)
		check.That(t, size+size/8 >= held, "%s: HeapSize = %d, but %d bytes are held", name, size, held)
		runtime.KeepAlive(kept)
	}
	var none *claims.Expr
	var noAttribute *claims.Attribute
	var noSet *claims.Set
	check.That(t, none.HeapSize() == 0 && noAttribute.HeapSize() == 0 && noSet.HeapSize() == 0, "HeapSize of nil is not 0")
}

// sized is what a quota is charged for.
type sized interface{ HeapSize() int }
