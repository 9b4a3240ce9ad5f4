package oracle_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// A level is one of the four (I-41). A client's own level is the highest that it gives.
func TestImpersonateChecksLevel(t *testing.T) {
	const user = "S-1-5-21-1-2-3-1001"
	client := &oracle.Token{User: user, Type: "impersonation", Level: 2}
	for level, want := range map[int]string{-1: oracle.InvalidParameter, 4: oracle.InvalidParameter, 0: oracle.Success,
		3: oracle.Success} {
		status, now, _ := oracle.Impersonate(&oracle.Token{User: user, Type: "primary"}, client, level, false)
		check.That(t, status == want && (want != oracle.Success || now == min(level, 2)), "level %d: %s at level %d, want %s",
			level, status, now, want)
	}
	const a, b = "S-1-1-0", "S-1-5-11" // Windows compares restricting SIDs as sets (I-42)
	p := &oracle.Token{User: user, Type: "primary", Restricting: []string{a, b}}
	for other, want := range map[string]int{a: 2, "S-1-5-4": 1} {
		client.Restricting = []string{b, other}
		_, now, _ := oracle.Impersonate(p, client, 2, true)
		check.Equal(t, now, want, "level with restricting SIDs %v and %v", p.Restricting, client.Restricting)
	}
	client.Restricting, client.Elevation = nil, "full"
	_, now, _ := oracle.Impersonate(&oracle.Token{User: user, Type: "primary"}, client, 2, false)
	check.Equal(t, now, 1, "level of an elevated client at the server's integrity (I-42)")
}

// A restriction of writing does not loosen a full one (T-68).
func TestFilterKeepsFullRestriction(t *testing.T) {
	const user = "S-1-5-21-1-2-3-1001"
	for _, writing := range []bool{false, true} {
		full := &oracle.Token{User: user, Restricting: []string{"S-1-1-0", user}, WriteRestricted: writing}
		n, _ := oracle.Filter(&oracle.Filtering{Token: full, Flags: 8, Restrict: []string{user, "S-1-5-11"}})
		check.That(t, n.WriteRestricted == writing && slices.Equal(n.Restricting, []string{user}),
			"T-68: restricted by %v, writing only: %t, want %s, %t", n.Restricting, n.WriteRestricted, user, writing)
	}
}

// Of the attributes of a change only those that enable and remove count (T-71).
func TestAdjustmentChangesEnabledAlone(t *testing.T) {
	const name = "SeBackupPrivilege"
	for change, want := range map[oracle.Word]oracle.Word{0: 1, 1: 1, 2: 3, 0x80000002: 3, 0x80000001: 1} {
		before := &oracle.Token{Privileges: []oracle.Privilege{{Name: name, Attributes: 1}}}
		after, status := oracle.AdjustPrivileges(before, false, []oracle.Privilege{{Name: name, Attributes: change}})
		check.That(t, status == oracle.Success && after.Privileges[0].Attributes == want, "T-71: change %#x: %s, %+v",
			uint32(change), status, after.Privileges)
	}
}
