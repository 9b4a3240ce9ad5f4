//go:build linux

package marshal

import (
	"math/bits"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TokenInformation appends a result of NtQueryInformationToken. class selects the form of claims. It appends nothing
// for a value of another type. A nil ACL is a NULL pointer. A source's name is cut to 8 bytes.
func (e *Encoder) TokenInformation(class winnt.TokenInfoClass, value any) {
	switch v := value.(type) {
	case uint32:
		e.U32(v)
	case winnt.TokenType:
		e.U32(uint32(v))
	case winnt.SecurityImpersonationLevel:
		e.U32(uint32(v))
	case winnt.LUID:
		e.U64(uint64(v))
	case winnt.Handle:
		e.U64(uint64(v))
	case []byte:
		e.Bytes = append(e.Bytes, v...)
	case sid.SID:
		e.SIDPointer(v)
	case token.Group:
		e.Fill(e.GroupArray([]token.Group{v}), []token.Group{v})
	case []token.Group:
		e.GroupList(v)
	case []nt.LUIDAndAttributes:
		e.Privileges(v)
	case *sd.ACL:
		at := e.Reserve(8)
		if v != nil {
			e.Point(at)
			e.Bytes = append(e.Bytes, v.Binary()...)
		}
	case token.Source:
		var name [8]byte
		copy(name[:], v.Name)
		e.Bytes = append(e.Bytes, name[:]...)
		e.U64(uint64(v.ID))
	case nt.TokenStatistics:
		e.Statistics(v)
	case nt.TokenGroupsAndPrivileges:
		e.GroupsAndPrivileges(v)
	case nt.TokenAccessInformation:
		e.accessInformation(v)
	case nt.TokenBnoIsolation:
		e.Isolation(v)
	case []claims.Attribute:
		if class == winnt.TokenSecurityAttributes || class == winnt.TokenSingletonAttributes {
			e.TokenAttributes(v)
		} else {
			e.Claims(v)
		}
	}
}

// Statistics appends a TOKEN_STATISTICS in its fixed layout.
func (e *Encoder) Statistics(v nt.TokenStatistics) {
	e.U64(uint64(v.TokenID))
	e.U64(uint64(v.AuthenticationID))
	e.U64(uint64(v.ExpirationTime))
	for _, n := range []uint32{
		uint32(v.TokenType), uint32(v.ImpersonationLevel), v.DynamicCharged, v.DynamicAvailable,
		v.GroupCount, v.PrivilegeCount,
	} {
		e.U32(n)
	}
	e.U64(uint64(v.ModifiedID))
}

// groupsLength returns the size of SID_AND_ATTRIBUTES entries with their SIDs.
func groupsLength(list []token.Group) (n uint32) {
	for _, g := range list {
		n += 16 + uint32(g.SID.Len())
	}
	return n
}

// GroupsAndPrivileges appends a TOKEN_GROUPS_AND_PRIVILEGES with the lists that it points to behind it. Of an empty
// list the pointer is NULL, except that of the SIDs.
func (e *Encoder) GroupsAndPrivileges(v nt.TokenGroupsAndPrivileges) {
	e.U32(uint32(len(v.SIDs)))
	e.U32(groupsLength(v.SIDs))
	sids := e.Reserve(8)
	e.U32(uint32(len(v.RestrictedSIDs)))
	e.U32(groupsLength(v.RestrictedSIDs))
	restricted := e.Reserve(8)
	e.U32(uint32(len(v.Privileges)))
	e.U32(12 * uint32(len(v.Privileges)))
	privileges := e.Reserve(8)
	e.U64(uint64(v.AuthenticationID))
	e.Point(sids)
	a := e.GroupArray(v.SIDs)
	if len(v.RestrictedSIDs) > 0 {
		e.Point(restricted)
	}
	b := e.GroupArray(v.RestrictedSIDs)
	e.Fill(a, v.SIDs)
	e.Fill(b, v.RestrictedSIDs)
	if len(v.Privileges) > 0 {
		e.Point(privileges)
	}
	e.PrivilegeArray(v.Privileges)
}

// sidHash appends a SID_AND_ATTRIBUTES_HASH and its array, and returns the array's offset. The table has two rows of
// 16, indexed by the halves of the low byte of the SID's last sub-authority. Entries after the 64th are not in the
// table.
func (e *Encoder) sidHash(list []token.Group) (array int) {
	e.U64(uint64(len(list)))
	sids := e.Reserve(8)
	var table [32]uint64
	for i, g := range list[:min(len(list), bits.UintSize)] {
		x := byte(g.SID.RID())
		table[x&15] |= 1 << i
		table[16+x>>4] |= 1 << i
	}
	for _, row := range table {
		e.U64(row)
	}
	return sids
}

// accessInformation appends a TOKEN_ACCESS_INFORMATION with all that it points to behind it. Missing SIDs and empty
// lists have NULL pointers.
func (e *Encoder) accessInformation(v nt.TokenAccessInformation) {
	head := e.Reserve(24)
	e.U64(uint64(v.AuthenticationID))
	for _, n := range []uint32{
		uint32(v.TokenType), uint32(v.ImpersonationLevel), v.MandatoryPolicy, v.Flags, v.AppContainerNumber, 0,
	} {
		e.U32(n)
	}
	tail := e.Reserve(32) // package, capabilities, trust level, attributes
	lists := [][]token.Group{v.SIDs, v.RestrictedSIDs, v.Capabilities}
	var pointers, arrays [3]int
	for i, at := range []int{head, head + 8, tail + 8} {
		e.Point(at)
		pointers[i] = e.sidHash(lists[i])
	}
	e.Point(head + 16)
	e.Privileges(v.Privileges)
	e.Align(8)
	for i, list := range lists {
		if len(list) > 0 {
			e.Point(pointers[i])
		}
		arrays[i] = e.GroupArray(list)
	}
	for i, list := range lists {
		e.Fill(arrays[i], list)
	}
	for i, s := range []sid.SID{v.PackageSID, v.TrustLevelSID} {
		if !s.IsZero() {
			e.Point(tail + 16*i)
			e.SID(s)
		}
	}
	if len(v.SecurityAttributes) > 0 {
		e.Align(8)
		e.Point(tail + 24)
		inner := Encoder{Base: Address(e.Here())}
		inner.TokenAttributes(v.SecurityAttributes)
		e.Bytes = append(e.Bytes, inner.Bytes...)
	}
}

// Isolation appends a TOKEN_BNO_ISOLATION_INFORMATION, with its prefix behind it if the isolation is enabled.
func (e *Encoder) Isolation(v nt.TokenBnoIsolation) {
	at := e.Reserve(8)
	e.U8(v.IsolationEnabled)
	e.Align(8)
	if v.IsolationEnabled {
		e.Point(at)
		e.Text(v.IsolationPrefix)
		e.U16(0)
	}
}
