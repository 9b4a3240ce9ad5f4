package access

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Creator returns the data about the subject that creating or changing a descriptor needs: the defaults of its
// effective token, and the SIDs that it may assign. A client below SecurityImpersonation has no privileges (T-102).
// The subject must have an effective token. Kernel is false: every check is made.
func (s *Subject) Creator() *sd.Caller {
	t := s.Effective()
	c := &sd.Caller{
		Owner: t.Owner(), Group: t.PrimaryGroup(),
		DefaultDACL: t.DefaultDACL(),
		Integrity:   sid.IntegrityLevel(t.Integrity()),
		Trust:       t.TrustLevel(),
		MayOwn:      func(owner sid.SID) bool { return mayOwn(t, owner) },
		Restore:     s.Holds(winnt.SeRestorePrivilege),
		Security:    s.Holds(winnt.SeSecurityPrivilege),
		Relabel:     s.Holds(winnt.SeRelabelPrivilege),
	}
	if p := s.Primary; p != nil {
		c.ServerOwner, c.ServerGroup = p.Owner(), p.PrimaryGroup()
	}
	return c
}

// mayOwn reports whether a token's holder may make a SID the owner of an object: the token's user, or an enabled group
// with SE_GROUP_OWNER (S-61, F-51). A deny-only group is ignored.
func mayOwn(t *token.Token, owner sid.SID) bool {
	if t.User().SID == owner {
		return true
	}
	const want = winnt.SE_GROUP_OWNER | winnt.SE_GROUP_ENABLED
	for _, g := range t.Groups() {
		if g.SID == owner && g.Attributes&want == want && g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0 {
			return true
		}
	}
	return false
}
