package se

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Creator returns the data about a subject that creating or changing a descriptor needs: the defaults of its
// effective token, and the SIDs that it may assign. A client below SecurityImpersonation has no privileges (T-102).
// With kernel true all checks are skipped.
func Creator(s *access.Subject, kernel bool) *sd.Caller {
	t := s.Effective()
	c := &sd.Caller{
		Owner: t.Owner(), Group: t.PrimaryGroup(), ServerOwner: s.Primary.Owner(),
		ServerGroup: s.Primary.PrimaryGroup(),
		DefaultDACL: t.DefaultDACL(), Integrity: IntegritySID(t.Integrity()), Trust: t.TrustLevel(),
		MayOwn: func(o sid.SID) bool { return mayOwn(t, o) },
		Kernel: kernel,
	}
	c.Restore, c.Security = s.Holds(winnt.SeRestorePrivilege), s.Holds(winnt.SeSecurityPrivilege)
	c.Relabel = s.Holds(winnt.SeRelabelPrivilege)
	return c
}

// mayOwn reports whether a token's holder may make o the owner of an object: o is the token's user or an enabled group
// with SE_GROUP_OWNER (S-61). A deny-only group does not count.
func mayOwn(t *token.Token, o sid.SID) bool {
	if t.User().SID == o {
		return true
	}
	const want = winnt.SE_GROUP_OWNER | winnt.SE_GROUP_ENABLED
	for _, g := range t.Groups() {
		if g.SID == o && g.Attributes&want == want && g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0 {
			return true
		}
	}
	return false
}
