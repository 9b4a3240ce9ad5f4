package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A boolean compares only with the integers 0 and 1. A list with values of two types never equals an attribute of one
// type.
func TestBooleansCompareOnlyWithZeroAndOne(t *testing.T) {
	set := check.Must(claims.NewSet([]claims.Attribute{{Name: "b", Type: claims.Boolean, Uints: []uint64{1}},
		{Name: "n", Type: claims.Int64, Ints: []int64{1}}}))
	spec := baseSpec()
	spec.UserClaims = set
	tok := mustToken(t, spec)
	for condition, want := range map[string]bool{
		"(@User.b == 1)": true, "(@User.b == 0)": false, "(@User.b == 2)": false, "(@User.b != 2)": false,
		`(@User.b == "1")`: false, `(@User.n Any_of {1,"a"})`: false, `(@User.n Contains {1,2})`: false,
		"(@User.n Any_of {1,2})": true,
	} {
		d, err := access.Check(tok, sddl.MustParse("O:BAG:SYD:(XA;;0x1;;;WD;"+condition+")"), 1, winnt.FileObject)
		check.That(t, err == nil && d.Allowed() == want, "A-155: %s: %v, %v; want allowed %v", condition, d, err, want)
	}
}
