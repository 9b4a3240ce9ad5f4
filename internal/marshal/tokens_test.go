//go:build linux

package marshal

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TOKEN_ACCESS_INFORMATION and TOKEN_GROUPS_AND_PRIVILEGES lead to each list and SID by
// the pointer that ntifs.h and winnt.h name.
func TestTokenStructuresPointToTheirLists(t *testing.T) {
	l := newLayout(t)
	var m Memory
	pkg, trust := sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"), sid.MustParse("S-1-19-512-4096")
	group := func(s sid.SID, a uint32) []token.Group { return []token.Group{{SID: s, Attributes: a}} }
	v := nt.TokenAccessInformation{SIDs: group(alice, 1), RestrictedSIDs: group(staff, 2),
		Capabilities: append(group(sid.Users, 4), group(staff, 8)...),
		Privileges:   []nt.LUIDAndAttributes{{LUID: 23, Attributes: 3}}, AuthenticationID: 0x3e7,
		TokenType: winnt.TokenImpersonation, ImpersonationLevel: winnt.SecurityDelegation, MandatoryPolicy: 3, Flags: 0x2000,
		AppContainerNumber: 9, PackageSID: pkg, TrustLevelSID: trust,
		SecurityAttributes: []claims.Attribute{{Name: "a", Type: claims.Int64, Ints: []int64{1}}}}
	e := Encoder{Base: l.base()}
	e.accessInformation(v)
	p := l.put(e.Bytes)
	number := func(off Address) uint64 {
		t.Helper()
		w, st := m.ReadU64(p + off)
		check.Require(t, st, ntstatus.Success, "ReadU64")
		return w
	}
	word := func(off Address) Address { return Address(number(off)) }
	hashed := func(off Address) ([]token.Group, ntstatus.Status) { // SID_AND_ATTRIBUTES_HASH
		n, st := m.ReadU32(word(off))
		if st != ntstatus.Success {
			return nil, st
		}
		at, st := m.ReadU64(word(off) + 8)
		if st != ntstatus.Success {
			return nil, st
		}
		return m.GroupsFrom(Address(at), n)
	}
	matches(t, "SidHash", v.SIDs)(hashed(0))
	for row, low := Address(0), Address(byte(alice.RID())); row < 32; row++ {
		want := uint64(0)
		if row == low&15 || row == 16+low>>4 {
			want = 1 // one row for each half of the last byte of the first SID
		}
		check.Equal(t, number(word(0)+16+8*row-p), want, "row %d of SidHash", row)
	}
	many := Encoder{}
	many.sidHash(slices.Repeat(v.SIDs, 65))
	check.Equal(t, le.Uint64(many.Bytes[16+8*(alice.RID()&15):]), ^uint64(0), "row of a table with more than 64 SIDs")
	matches(t, "RestrictedSidHash", v.RestrictedSIDs)(hashed(8))
	matches(t, "Privileges", v.Privileges)(m.PrivilegesAt(word(16)))
	for off, want := range map[Address]uint64{24: 0x3e7, 32: 2 | 3<<32, 40: 3 | 0x2000<<32, 48: 9} {
		check.Equal(t, number(off), want, "at %d", off)
	}
	matches(t, "PackageSid", pkg)(m.SIDAt(word(56)))
	matches(t, "CapabilitiesHash", v.Capabilities)(hashed(64))
	matches(t, "TrustLevelSid", trust)(m.SIDAt(word(72)))
	matches(t, "SecurityAttributes", v.SecurityAttributes)(m.TokenAttributesAt(word(80)))

	l.used = 0
	e = Encoder{Base: l.base()}
	v.RestrictedSIDs = group(sid.Users, 2) // a shorter SID
	e.GroupsAndPrivileges(nt.TokenGroupsAndPrivileges{SIDs: v.SIDs, RestrictedSIDs: v.RestrictedSIDs,
		Privileges: v.Privileges, AuthenticationID: 0x3e4})
	p = l.put(e.Bytes)
	for off, want := range map[Address]uint64{0: 1 | uint64(16+alice.Len())<<32, 16: 1 | uint64(16+sid.Users.Len())<<32,
		32: 1 | 12<<32, 48: 0x3e4} {
		check.Equal(t, number(off), want, "TOKEN_GROUPS_AND_PRIVILEGES at %d", off)
	}
	matches(t, "Sids", v.SIDs)(m.GroupsFrom(word(8), 1))
	matches(t, "RestrictedSids", v.RestrictedSIDs)(m.GroupsFrom(word(24), 1))
	matches(t, "Privileges", v.Privileges)(m.PrivilegesFrom(word(40), 1))

	e = Encoder{Base: l.base()}
	e.GroupsAndPrivileges(nt.TokenGroupsAndPrivileges{})
	l.used = 0
	p = l.put(e.Bytes)
	for _, off := range []Address{24, 40} {
		check.Equal(t, number(off), 0, "the pointer at %d of TOKEN_GROUPS_AND_PRIVILEGES with nothing", off)
	}
	e = Encoder{Base: l.base()}
	e.accessInformation(nt.TokenAccessInformation{})
	l.used = 0
	p = l.put(e.Bytes)
	for _, off := range []Address{word(0) + 8 - p, word(8) + 8 - p, 56, word(64) + 8 - p, 72, 80} {
		check.Equal(t, number(off), 0, "the pointer at %d of a token with nothing", off)
	}
}
