package access_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestResourceAttributesInAnyPlace: of the resource attributes of a name the first that applies to the object and
// can be read counts, wherever it stands among others of its kind and of other kinds.
func TestResourceAttributesInAnyPlace(t *testing.T) {
	attribute := func(name string, value int64, flags uint8) sd.ACE {
		a := claims.Attribute{Name: name, Type: claims.Int64, Ints: []int64{value}}
		return mustEntry(t, sd.SystemResourceAttribute, flags, 0, sd.ACEExtra{AppData: a.Append(nil)})
	}
	// What each entry says of x: a value, or nothing.
	kinds := []struct {
		ace  sd.ACE
		says int64
	}{
		{attribute("x", 1, 0), 1}, {attribute("X", 2, sd.ContainerInherit), 2}, {attribute("y", 3, 0), 0},
		{attribute("x", 4, sd.InheritOnly|sd.ContainerInherit), 0},
		{mustEntry(t, sd.SystemResourceAttribute, 0, 0, sd.ACEExtra{AppData: []byte{1, 2, 3, 4}}), 0},
		{mustEntry(t, sd.SystemAudit, sd.SuccessfulAccess, 1, sd.ACEExtra{}), 0},
	}
	n := len(kinds)
	for at := range n * n * n {
		var aces []sd.ACE
		want := int64(0)
		for rest, i := at, 0; i < 3; rest, i = rest/n, i+1 {
			k := kinds[rest%n]
			aces = append(aces, k.ace)
			if want == 0 {
				want = k.says
			}
		}
		for value := int64(1); value <= 4; value++ {
			x, _, err := claims.ParseExpr(fmt.Sprintf("(@Resource.x == %d)", value), claims.ParseOptions{})
			if err != nil {
				t.Fatal(err)
			}
			allow := mustEntry(t, sd.AccessAllowedCallback, 0, 1, sd.ACEExtra{AppData: x.Encode()})
			r := ask(t, "…", 1)
			r.Descriptor = sd.New(sd.Parts{Owner: caseOther, Group: caseOther, DACL: mustACL(t, allow),
				SACL: mustACL(t, aces...)})
			if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != (value == want) {
				t.Errorf("list %d: x == %d: %v, %v; x is %d", at, value, d, err, want)
			}
		}
	}
}

// mustEntry returns an entry for Everyone.
func mustEntry(t *testing.T, typ sd.Type, flags uint8, mask winnt.AccessMask, x sd.ACEExtra) sd.ACE {
	t.Helper()
	a, err := sd.NewACE(typ, flags, mask, sid.Everyone, x)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
