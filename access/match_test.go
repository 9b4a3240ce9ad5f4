package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// An entry for SELF that grants nothing makes the check resolve the SID of every entry. It does not change a decision
//
func TestSelfEntryChangesNoDecision(t *testing.T) {
	nothing, err := sd.NewACE(sd.AccessAllowed, 0, 0, sid.PrincipalSelf)
	check.NoError(t, err)
	for _, c := range stageCases {
		r := c.request(t)
		if r.Descriptor == nil || !r.Descriptor.HasDACL() || !r.Self.IsZero() {
			continue
		}
		p := r.Descriptor.Parts()
		if p.DACL, err = sd.NewACL(append(p.DACL.Slice(), nothing)...); err != nil {
			t.Fatal(err)
		}
		r.Descriptor, r.Self = sd.New(p), sid.MustParse("S-1-5-21-7-7-7-7777")
		if got, err := access.SeAccessCheck(r); err != nil || got != c.wanted() {
			t.Errorf("A-3: %s with an entry for SELF: %+v, %v; want %+v", c.id, got, err, c.wanted())
		}
	}
}
