package oracle_test

import (
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// If each ancestor has one child, a right of the leaf is granted to all of them.
func TestRightOfOnlyLeafReachesRoot(t *testing.T) {
	const user, leaf = "S-1-5-21-1-2-3-1001", "00000000-0000-0000-0000-000000000003"
	for _, desired := range []oracle.Word{1, 0x02000000} {
		q := &oracle.AccessCheck{Token: &oracle.Token{User: user}, Desired: desired,
			Types: []oracle.ObjectType{{GUID: "00000000-0000-0000-0000-000000000001"},
				{Level: 1, GUID: "00000000-0000-0000-0000-000000000002"}, {Level: 2, GUID: leaf}},
			SD: &oracle.Descriptor{Owner: "S-1-5-18", Group: "S-1-5-18", DACL: &oracle.ACL{Entries: []oracle.ACE{
				{Type: oracle.AllowObject, Mask: 1, SID: user, Object: leaf}}}}}
		check.Equal(t, oracle.Access(q).Granted, 1, "A-82: desired %#x", uint32(desired))
	}
}

// An entry acts on the node of its type, and one whose type is not in the list does nothing.
func TestEntryActsOnNodeOfItsType(t *testing.T) {
	const root, leaf, other, last = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002",
		"00000000-0000-0000-0000-000000000003", "00000000-0000-0000-0000-000000000004"
	for _, c := range []struct {
		object        string
		desired, want oracle.Word
	}{{"", 1, 1}, {root, 1, 1}, {other, 1, 0}, {other, 0x02000000, 0}, // that desires the maximum
		{leaf, 1, 0}, {last, 1, 0}, {last, 0x02000000, 0}} { // one of two children
		q := &oracle.AccessCheck{Token: &oracle.Token{User: "S-1-5-21-1-2-3-1001"}, Desired: c.desired,
			Types: []oracle.ObjectType{{GUID: root}, {Level: 1, GUID: leaf}, {Level: 1, GUID: last}},
			SD: &oracle.Descriptor{Owner: "S-1-5-18", Group: "S-1-5-18", DACL: &oracle.ACL{Entries: []oracle.ACE{
				{Type: oracle.AllowObject, Mask: 1, SID: "S-1-5-21-1-2-3-1001", Object: c.object}}}}}
		check.Equal(t, oracle.Access(q).Granted, c.want, "A-81: type %q, desired %#x", c.object, uint32(c.desired))
		nodes, _ := oracle.AccessList(q)
		check.Equal(t, nodes[0].Granted, c.want, "A-81: type %q, desired %#x: list", c.object, uint32(c.desired))
	}
}
