package services_test

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// tokenClasses returns a function that queries a class of a process's token, and its length.
func tokenClasses(t *testing.T, v *token.Token) func(winnt.TokenInfoClass) (any, uint32) {
	t.Helper()
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.with("p", v))
	return func(class winnt.TokenInfoClass) (any, uint32) {
		t.Helper()
		out, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{
			TokenHandle: winnt.NtCurrentProcessToken, TokenInformationClass: class, TokenInformationLength: ^uint32(0)})
		want(t, class.String(), st, ntstatus.Success)
		return out.TokenInformation, out.ReturnLength
	}
}

// Each number of a token has its own class: each token here differs from the others in some of them (T-80).
func TestNumberClassesHaveTheirValues(t *testing.T) {
	user := sid.MustParse(svc)
	everyone := []token.Group{{SID: sid.Everyone}}
	plain, restricted, box, flags, admin := token.StandardUser(user), token.StandardUser(user), token.StandardUser(user),
		token.StandardUser(user), token.Administrator(user)
	restricted.Restricted, restricted.WriteRestricted, restricted.SessionID = everyone, true, 5
	box.Package, box.LowPrivilege, box.LowBoxNumber = sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"), true, 9
	flags.SandboxInert, flags.MandatoryPolicy = true, winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP
	flags.Flags = winnt.TOKEN_IS_FILTERED | winnt.TOKEN_UIACCESS | winnt.TOKEN_VIRTUALIZE_ALLOWED
	for i, c := range []struct {
		spec token.Spec
		want map[winnt.TokenInfoClass]uint32 // 0 for all others
	}{
		{plain, map[winnt.TokenInfoClass]uint32{winnt.TokenElevationType: 1}},
		{restricted, map[winnt.TokenInfoClass]uint32{winnt.TokenElevationType: 1, winnt.TokenSessionId: 5,
			winnt.TokenIsRestricted: 1, winnt.TokenIsSandboxed: 1}},
		{box, map[winnt.TokenInfoClass]uint32{winnt.TokenElevationType: 1, winnt.TokenIsAppContainer: 1,
			winnt.TokenAppContainerNumber: 9, winnt.TokenIsLessPrivilegedAppContainer: 1, winnt.TokenIsSandboxed: 1}},
		{flags, map[winnt.TokenInfoClass]uint32{winnt.TokenElevationType: 1, winnt.TokenSandBoxInert: 1,
			winnt.TokenHasRestrictions: 1, winnt.TokenUIAccess: 1, winnt.TokenVirtualizationAllowed: 1,
			winnt.TokenMandatoryPolicy: 1}},
		{admin, map[winnt.TokenInfoClass]uint32{winnt.TokenElevationType: 2, winnt.TokenElevation: 1}},
	} {
		if i != 3 {
			c.want[winnt.TokenMandatoryPolicy] = plain.MandatoryPolicy
		}
		query := tokenClasses(t, check.Must(token.New(c.spec)))
		for _, class := range []winnt.TokenInfoClass{winnt.TokenSessionId, winnt.TokenSandBoxInert, winnt.TokenElevationType,
			winnt.TokenElevation, winnt.TokenHasRestrictions, winnt.TokenVirtualizationAllowed,
			winnt.TokenVirtualizationEnabled, winnt.TokenUIAccess, winnt.TokenMandatoryPolicy, winnt.TokenIsAppContainer,
			winnt.TokenAppContainerNumber, winnt.TokenIsRestricted, winnt.TokenPrivateNameSpace,
			winnt.TokenChildProcessFlags, winnt.TokenIsLessPrivilegedAppContainer, winnt.TokenIsSandboxed,
			winnt.TokenIsAppSilo} {
			got, length := query(class)
			check.Equal(t, got, any(c.want[class]), "%s of token %d", class, i)
			check.Equal(t, length, 4, "length of %s", class)
		}
	}
}

// The classes that describe a whole token have all its parts, with the user before the groups (T-80).
func TestWholeTokenClassesHaveAllParts(t *testing.T) {
	spec := token.StandardUser(sid.MustParse(svc))
	spec.AuthenticationID, spec.Flags, spec.MandatoryPolicy = 0x777, winnt.TOKEN_UIACCESS, 1
	spec.Restricted = []token.Group{{SID: sid.Everyone}}
	spec.Package, spec.LowBoxNumber = sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"), 9
	spec.Capabilities = []token.Group{{SID: sid.MustParse("S-1-15-3-1"), Attributes: winnt.SE_GROUP_ENABLED}}
	spec.TrustLevel = sid.MustParse("S-1-19-512-4096")
	for _, local := range []bool{false, true} {
		if local {
			spec.LocalAttributes = check.Must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64,
				Ints: []int64{1}}}))
		}
		v := check.Must(token.New(spec))
		query := tokenClasses(t, v)
		list := func(class winnt.TokenInfoClass) []token.Group {
			got, _ := query(class)
			return got.([]token.Group)
		}
		user, _ := query(winnt.TokenUser)
		privileges, _ := query(winnt.TokenPrivileges)
		attributes, _ := query(winnt.TokenSecurityAttributes)
		all := append([]token.Group{user.(token.Group)}, list(winnt.TokenGroups)...)
		check.That(t, len(all) > len(spec.Groups) && all[0].SID == spec.User.SID,
			"SIDs %v, want the user and its groups", all)
		want := nt.TokenAccessInformation{SIDs: all, RestrictedSIDs: list(winnt.TokenRestrictedSids),
			Privileges: privileges.([]nt.LUIDAndAttributes), AuthenticationID: 0x777, TokenType: winnt.TokenPrimary,
			ImpersonationLevel: v.Level(), MandatoryPolicy: 1, Flags: v.Flags(), AppContainerNumber: 9,
			PackageSID: spec.Package, Capabilities: list(winnt.TokenCapabilities), TrustLevelSID: spec.TrustLevel,
			SecurityAttributes: attributes.([]claims.Attribute)}
		got, length := query(winnt.TokenAccessInformation)
		check.DeepEqual(t, got, any(want), "TokenAccessInformation")
		groups := func(list []token.Group) (n int) {
			for _, g := range list {
				n += 16 + g.SID.Len()
			}
			return n
		}
		n := len(want.Privileges)
		// The structure, three hashes, the privileges to the next multiple of 8, the groups, and two SIDs.
		size := 88 + 3*272 + (4+12*n+7)/8*8 + groups(want.SIDs) + groups(want.RestrictedSIDs) + groups(want.Capabilities) +
			spec.Package.Len() + spec.TrustLevel.Len()
		if local {
			size = (size+7)/8*8 + 16 + 40 + 8 + 8
		}
		check.Equal(t, int(length), size, "length of TokenAccessInformation, with attributes %t", local)
		got, length = query(winnt.TokenGroupsAndPrivileges)
		check.DeepEqual(t, got, any(nt.TokenGroupsAndPrivileges{SIDs: want.SIDs, RestrictedSIDs: want.RestrictedSIDs,
			Privileges: want.Privileges, AuthenticationID: 0x777}), "TokenGroupsAndPrivileges")
		check.Equal(t, int(length), 56+groups(want.SIDs)+groups(want.RestrictedSIDs)+12*n,
			"length of TokenGroupsAndPrivileges")
	}
}
