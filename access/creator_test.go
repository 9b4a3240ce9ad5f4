package access_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Creator returns the defaults and privileges of the client, and the owner and group of the server. A client may
// assign its user and its enabled groups with SE_GROUP_OWNER (S-61). Below Impersonation it has no privileges (T-102).
func TestCreatorDescribesClientAndServer(t *testing.T) {
	group := func(rid, attributes uint32) token.Group {
		return token.Group{SID: domain.WithRID(rid), Attributes: attributes}
	}
	spec := baseSpec()
	spec.Groups = []token.Group{group(1, enabled|winnt.SE_GROUP_OWNER), group(2, winnt.SE_GROUP_OWNER), group(3, enabled),
		group(4, denyOnly|winnt.SE_GROUP_OWNER)}
	spec.Owner, spec.PrimaryGroup = domain.WithRID(1), domain.WithRID(3)
	spec.DefaultDACL = mustSD(t, "…(A;;FA;;;SY)").DACL()
	join(low, trust("S-1-19-512-8192"))(&spec)
	server := token.Spec{User: token.Group{SID: caseOther}, PrimaryGroup: caseOther, Integrity: sid.SystemLevel}
	for _, p := range []winnt.Privilege{winnt.SeRestorePrivilege, winnt.SeSecurityPrivilege, winnt.SeRelabelPrivilege} {
		privileges(p)(&spec)
		s := access.SubjectOf(mustToken(t, spec))
		s.Primary = mustToken(t, server)
		c := s.Creator()
		got := fmt.Sprint(c.Owner, c.Group, c.DefaultDACL.Len(), c.Integrity, c.Trust, c.ServerOwner, c.ServerGroup, c.Kernel)
		check.Equal(t, got, fmt.Sprint(spec.Owner, spec.PrimaryGroup, 1, sid.LowLevel, spec.TrustLevel, caseOther, caseOther,
			false), "Creator")
		check.Equal(t, fmt.Sprint(c.Restore, c.Security, c.Relabel), fmt.Sprint(p == winnt.SeRestorePrivilege,
			p == winnt.SeSecurityPrivilege, p == winnt.SeRelabelPrivilege), "Creator with %v: privileges", p)
		for owner, want := range map[sid.SID]bool{caseU: true, domain.WithRID(1): true, domain.WithRID(2): false,
			domain.WithRID(3): false, domain.WithRID(4): false, caseOther: false} {
			check.Equal(t, c.MayOwn(owner), want, "MayOwn(%v)", owner)
		}
	}
	privileges(winnt.SeRestorePrivilege, winnt.SeSecurityPrivilege, winnt.SeRelabelPrivilege)(&spec)
	alone := access.Subject{Client: mustToken(t, spec), Level: winnt.SecurityIdentification}
	c := alone.Creator()
	check.That(t, c.ServerOwner.IsZero() && !c.Restore && !c.Security && !c.Relabel,
		"Creator without a process below Impersonation: %+v", c)
}
