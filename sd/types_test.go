package sd_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
)

// TestACETypePredicatesMatchMSDTYP checks, for each of the 256 types, whether it grants, denies, belongs into a SACL,
// audits, has object types or application data (MS-DTYP 2.4.4.1).
func TestACETypePredicatesMatchMSDTYP(t *testing.T) {
	// A grants, D denies, S belongs in a SACL, U audits, O has object types, C is conditional.
	kinds := map[sd.Type]string{0: "A", 1: "D", 2: "SU", 3: "S", 4: "A", 5: "AO", 6: "DO", 7: "SUO", 8: "SO", 9: "AC",
		10: "DC", 11: "AOC", 12: "DOC", 13: "SUC", 14: "SC", 15: "SUOC", 16: "SOC", 17: "S", 18: "S", 19: "S", 20: "S",
		21: "SC"}
	for i := range 256 {
		typ := sd.Type(i)
		var b strings.Builder
		for _, k := range []struct {
			is     bool
			letter string
		}{{typ.IsAllow(), "A"}, {typ.IsDeny(), "D"}, {typ.IsSystem(), "S"}, {typ.IsAudit(), "U"}, {typ.IsObject(), "O"},
			{typ.IsCallback(), "C"}} {
			if k.is {
				b.WriteString(k.letter)
			}
		}
		check.Equal(t, b.String(), kinds[typ], "S-14: type %d (%v) has the kinds", i, typ)
	}
}
