package oracle_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// A deny-only user or group counts for denials only. A group that is neither enabled nor deny-only counts for nothing
// (A-1, A-2; AC-022, AC-051 to AC-053, AC-112).
func TestDenyOnlyGroupCountsForDenials(t *testing.T) {
	const user, group = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-2001"
	is := &oracle.Cond{Op: "Member_of", Right: &oracle.Operand{List: true,
		Values: []oracle.Literal{{Type: "sid", Text: group}}}}
	everyone := oracle.ACE{Mask: 1, SID: "S-1-1-0"}
	allow, deny := oracle.ACE{Mask: 1, SID: group}, oracle.ACE{Type: oracle.Deny, Mask: 1, SID: group}
	allowIf := oracle.ACE{Type: oracle.AllowCallback, Mask: 1, SID: "S-1-1-0", Cond: is}
	denyIf := oracle.ACE{Type: oracle.DenyCallback, Mask: 1, SID: "S-1-1-0", Cond: is}
	const absent, present, enabled, denyOnly = 0xFFFF, 0, 4, 0x10
	for _, c := range []struct {
		name    string
		entries []oracle.ACE
		granted map[oracle.Word]oracle.Word // by the group's attributes
	}{
		{"allow", []oracle.ACE{allow}, map[oracle.Word]oracle.Word{enabled: 1}},
		{"deny", []oracle.ACE{deny, everyone}, map[oracle.Word]oracle.Word{absent: 1, present: 1}},
		{"allow a member", []oracle.ACE{allowIf}, map[oracle.Word]oracle.Word{enabled: 1}},
		{"deny a member", []oracle.ACE{denyIf, everyone}, map[oracle.Word]oracle.Word{absent: 1, present: 1}},
	} {
		for _, attributes := range []oracle.Word{absent, present, enabled, denyOnly} {
			groups := []oracle.Group{{SID: "S-1-1-0", Attributes: enabled}, {SID: group, Attributes: attributes}}
			if attributes == absent {
				groups = groups[:1]
			}
			q := &oracle.AccessCheck{Token: &oracle.Token{User: user, Groups: groups}, Desired: 1,
				SD: &oracle.Descriptor{Owner: "S-1-5-18", DACL: &oracle.ACL{Entries: c.entries}}}
			check.Equal(t, oracle.Access(q).Granted, c.granted[attributes], "%s, group with attributes %#x", c.name,
				uint32(attributes))
			// The owner has its rights through an enabled group only.
			q.SD, q.Desired = &oracle.Descriptor{Owner: group, DACL: &oracle.ACL{}}, 0x40000
			check.Equal(t, oracle.Access(q).Granted != 0, attributes == enabled, "owner with attributes %#x",
				uint32(attributes))
		}
	}
	for attribute, want := range map[oracle.Word]oracle.Word{0: 1, denyOnly: 0} {
		q := &oracle.AccessCheck{Token: &oracle.Token{User: user, UserAttributes: attribute}, Desired: 1,
			SD: &oracle.Descriptor{Owner: "S-1-5-18", DACL: &oracle.ACL{Entries: []oracle.ACE{{Mask: 1, SID: user}}}}}
		check.Equal(t, oracle.Access(q).Granted, want, "AC-053: user with attributes %#x", uint32(attribute))
	}
	for attribute, want := range map[oracle.Word]oracle.Word{enabled: 0, denyOnly: 1} { // also of a package
		q := &oracle.AccessCheck{Token: &oracle.Token{User: user, AppContainer: group,
			Groups: []oracle.Group{{SID: group, Attributes: attribute}}}, Desired: 1,
			SD: &oracle.Descriptor{Owner: "S-1-5-18", DACL: &oracle.ACL{Entries: []oracle.ACE{{Mask: 1, SID: user}, allow}}}}
		check.Equal(t, oracle.Access(q).Granted, want, "package that is a group with attributes %#x", uint32(attribute))
	}
}

// A decision names the rules that influenced it: each of these questions adds one to those of a plain question.
func TestDecisionNamesItsRules(t *testing.T) {
	const user, world = "S-1-5-21-1-2-3-1001", "S-1-1-0"
	entry := func(a oracle.ACE) func(q *oracle.AccessCheck) {
		return func(q *oracle.AccessCheck) { q.SD.DACL.Entries = append([]oracle.ACE{a}, q.SD.DACL.Entries...) }
	}
	ask := func(desired oracle.Word) func(q *oracle.AccessCheck) {
		return func(q *oracle.AccessCheck) { q.Desired = desired }
	}
	dacl := func(l *oracle.ACL) func(q *oracle.AccessCheck) {
		return func(q *oracle.AccessCheck) { q.SD.DACL = l }
	}
	is := &oracle.Cond{Op: "Exists", Left: &oracle.Ref{Scope: "User", Name: "x"}}
	questions := map[string]func(q *oracle.AccessCheck){
		"A-3": func(q *oracle.AccessCheck) {
			q.Self = user
			entry(oracle.ACE{Mask: 1, SID: "S-1-5-10"})(q)
		},
		"A-33": ask(0),
		"A-41": ask(0x02000000),
		"A-42": dacl(&oracle.ACL{Null: true}),
		"A-43": dacl(&oracle.ACL{}),
		"A-45": entry(oracle.ACE{Mask: 0x80000000, SID: world}),
		"A-50": ask(0x01000001),
		"A-51": func(q *oracle.AccessCheck) {
			q.Token.Privileges = []oracle.Privilege{{Name: "SeTakeOwnershipPrivilege", Attributes: 2}}
			q.Desired = 0x80001
		},
		"A-56": func(q *oracle.AccessCheck) { q.SD.Owner = user },
		"A-62": func(q *oracle.AccessCheck) { q.Token.MandatoryPolicy = 1 },
		"A-70 A-71": func(q *oracle.AccessCheck) { // the first one twice
			skipped := oracle.ACE{Flags: oracle.InheritOnly, Mask: 1, SID: world}
			denied, allowed := oracle.ACE{Type: oracle.Deny, Mask: 2, SID: user}, oracle.ACE{Mask: 1, SID: user}
			dacl(&oracle.ACL{Entries: []oracle.ACE{skipped, denied, skipped, allowed}})(q)
		},
		"A-71": entry(oracle.ACE{Type: oracle.Deny, Mask: 2, SID: user}),
		"A-72": entry(oracle.ACE{Type: oracle.AllowCallback, Mask: 2, SID: user, Cond: is}),
		"A-80": entry(oracle.ACE{Type: oracle.AllowObject, Mask: 1, SID: user,
			Object: "00000000-0000-0000-0000-000000000001"}),
		"A-90": func(q *oracle.AccessCheck) { q.Token.Restricting = []string{user} },
		"A-95": func(q *oracle.AccessCheck) { q.Token.AppContainer = "S-1-15-2-1" },
	}
	for id, change := range questions {
		q := &oracle.AccessCheck{Token: &oracle.Token{User: user}, Desired: 1, Mapping: oracle.File,
			SD: &oracle.Descriptor{Owner: "S-1-5-18", DACL: &oracle.ACL{Entries: []oracle.ACE{{Mask: 1, SID: user}}}}}
		plain := oracle.Access(q).Rules
		change(q)
		rules := oracle.Access(q).Rules
		var added []string
		for _, r := range rules {
			if !slices.Contains(plain, r) {
				added = append(added, r)
			}
		}
		check.SlicesEqual(t, added, strings.Fields(id), "rules of the question about %s in addition to %v", id, plain)
	}
}

// Without a DACL a package has the rights of privileges alone. A policy in an inherit-only entry does not apply
//
func TestDecisionWithoutApplicableEntry(t *testing.T) {
	takes := []oracle.Privilege{{Name: "SeTakeOwnershipPrivilege", Attributes: 2}}
	refuses := []oracle.Policy{{ID: "S-1-17-1", Rules: []oracle.Rule{{SD: &oracle.Descriptor{DACL: &oracle.ACL{}}}}}}
	for _, c := range []struct {
		token         oracle.Token
		flags         byte
		desired, want oracle.Word
	}{
		{oracle.Token{AppContainer: "S-1-15-2-1", Privileges: takes}, oracle.InheritOnly, 0x80000, 0x80000},
		{oracle.Token{AppContainer: "S-1-15-2-1", Privileges: takes}, oracle.InheritOnly, 0x80001, 0},
		{oracle.Token{}, oracle.InheritOnly, 1, 1}, {oracle.Token{}, 0, 1, 0},
	} {
		c.token.User = "S-1-5-21-1-2-3-1001"
		q := &oracle.AccessCheck{Token: &c.token, Desired: c.desired, Policies: refuses, SD: &oracle.Descriptor{
			Owner: "S-1-5-18", SACL: &oracle.ACL{Entries: []oracle.ACE{{Type: oracle.ScopedPolicy, Flags: c.flags,
				SID: "S-1-17-1"}}}}}
		check.Equal(t, oracle.Access(q).Granted, c.want, "%+v, desired %#x, policy with flags %#x", c.token,
			uint32(c.desired), c.flags)
		q.Token.AppContainer = "S-1-15-2-1"
		for _, q.SD.DACL = range []*oracle.ACL{nil, {Null: true}} {
			q.Desired, q.Mapping = 0x02000000, oracle.File
			check.Equal(t, oracle.Access(q).Granted, 0, "A-96: the maximum of a package by %+v", q.SD.DACL)
		}
	}
}

// Of two labels the first counts. Without a SID of the object, PRINCIPAL SELF is a SID like others.
func TestFirstLabelAndPlainSelf(t *testing.T) {
	const self = "S-1-5-10"
	low := oracle.ACE{Type: oracle.MandatoryLabel, Mask: 1, SID: "S-1-16-4096"}
	high := oracle.ACE{Type: oracle.MandatoryLabel, Mask: 1, SID: "S-1-16-12288"}
	for i, labels := range [][]oracle.ACE{{low, high}, {high, low}} {
		q := &oracle.AccessCheck{Desired: 2, Mapping: oracle.File, Token: &oracle.Token{User: "S-1-5-7", Integrity: 0x2000,
			MandatoryPolicy: 1, Groups: []oracle.Group{{SID: self, Attributes: 4}}}, SD: &oracle.Descriptor{Owner: "S-1-5-18",
			DACL: &oracle.ACL{Entries: []oracle.ACE{{Mask: 2, SID: self}}}, SACL: &oracle.ACL{Entries: labels}}}
		check.Equal(t, oracle.Access(q).Granted, []oracle.Word{2, 0}[i], "labels %+v", labels)
	}
}
