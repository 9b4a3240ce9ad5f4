package se

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Without the privilege, a child or a sibling of the owner's token may be assigned to a process if logon session and
// user are the same (T-111).
func TestChildOrSiblingTokenMayBeAssigned(t *testing.T) {
	s := NewState(0)
	object := func(user string, session, parent winnt.LUID) *TokenObject {
		spec := token.StandardUser(sid.MustParse(user))
		spec.AuthenticationID, spec.ParentTokenID = session, parent
		v := check.Must(token.New(spec))
		o := s.NewToken(v, nil)
		t.Cleanup(func() { o.Deref(ob.TagCall) })
		return o
	}
	const alice, bob = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
	own := object(alice, 0x5000, 77)
	for _, c := range []struct {
		name string
		t    *TokenObject
		want bool
	}{
		{"a child", object(alice, 0x5000, own.ID()), true},
		{"a child in another session, of another user", object(bob, 0x6000, own.ID()), true},
		{"a sibling", object(alice, 0x5000, 77), true},
		{"a sibling of another logon session", object(alice, 0x6000, 77), false},
		{"a sibling of another user", object(bob, 0x5000, 77), false},
		{"a child of another token", object(alice, 0x5000, 78), false},
		{"the parent", object(alice, 0x5000, 0), false},
	} {
		check.Equal(t, MayAssign(own, c.t), c.want, "%s: MayAssign", c.name)
	}
}
