package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An owner that is not among the restricting SIDs has no implicit rights. That includes reading and write-restricted
// tokens.
func TestWriteRestrictedOwnerNeedsRestrictingSID(t *testing.T) {
	for _, c := range []struct {
		restricting sid.SID
		want        winnt.AccessMask
	}{{caseU, winnt.READ_CONTROL | winnt.WRITE_DAC}, {sid.Everyone, 0}} {
		spec := baseSpec()
		spec.IsRestricted, spec.WriteRestricted = true, true
		spec.Restricted = []token.Group{{SID: c.restricting, Attributes: token.GroupDefault}}
		d := sddl.MustParse("O:" + caseU.String() + "G:SYD:")
		dec, err := access.Check(mustToken(t, spec), d, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
		check.That(t, err == nil && dec.Granted == c.want,
			"A-153: write-restricted to %v: %v, %v; want granted %v", c.restricting, dec, err, c.want)
	}
}
