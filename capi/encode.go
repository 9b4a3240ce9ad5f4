//go:build cgo && linux

package main

import (
	"math/bits"
	"unicode/utf16"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// encoder builds a structure as 64-bit Windows lays it out, for a buffer at
// base: what is pointed to follows the fixed part (T-81). The sum of the parts
// is the size the service told.
type encoder struct {
	base user
	b    []byte
}

func (e *encoder) u8(v bool) {
	if v {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}
func (e *encoder) u16(v uint16) { e.b = le.AppendUint16(e.b, v) }
func (e *encoder) u32(v uint32) { e.b = le.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64) { e.b = le.AppendUint64(e.b, v) }
func (e *encoder) align(n int) {
	for len(e.b)%n != 0 {
		e.b = append(e.b, 0)
	}
}

// reserve leaves room for n bytes and tells where they are.
func (e *encoder) reserve(n int) int {
	at := len(e.b)
	e.b = append(e.b, make([]byte, n)...)
	return at
}

// here is the address of the next byte; point puts it into a pointer at at.
func (e *encoder) here() uint64  { return uint64(e.base) + uint64(len(e.b)) }
func (e *encoder) point(at int)  { le.PutUint64(e.b[at:], e.here()) }
func (e *encoder) sid(s sid.SID) { e.b = s.AppendBinary(e.b) }
func (e *encoder) text(s string) int {
	u := utf16.Encode([]rune(s))
	for _, c := range u {
		e.u16(c)
	}
	return 2 * len(u)
}

func (e *encoder) privileges(list []nt.LUIDAndAttributes) {
	e.u32(uint32(len(list)))
	e.privilegeArray(list)
}

func (e *encoder) privilegeArray(list []nt.LUIDAndAttributes) {
	for _, p := range list {
		e.u64(uint64(p.LUID))
		e.u32(p.Attributes)
	}
}

func (e *encoder) privilegeSet(s *nt.PrivilegeSet) {
	e.u32(uint32(len(s.Privilege)))
	e.u32(s.Control)
	e.privilegeArray(s.Privilege)
}

// groupArray leaves room for SID_AND_ATTRIBUTES; fill writes the SIDs.
func (e *encoder) groupArray(list []token.Group) (at int) { return e.reserve(16 * len(list)) }

func (e *encoder) fill(at int, list []token.Group) {
	for i, g := range list {
		e.point(at + 16*i)
		le.PutUint32(e.b[at+16*i+8:], g.Attributes)
		e.sid(g.SID)
	}
}

func (e *encoder) groupList(list []token.Group) {
	e.u64(uint64(len(list)))
	e.fill(e.groupArray(list), list)
}

// sidPointer is a structure that is one pointer to a SID, NULL for none.
func (e *encoder) sidPointer(s sid.SID) {
	at := e.reserve(8)
	if !s.IsZero() {
		e.point(at)
		e.sid(s)
	}
}

func (e *encoder) tokenInformation(class winnt.TokenInfoClass, value any) {
	switch v := value.(type) {
	case uint32:
		e.u32(v)
	case winnt.TokenType:
		e.u32(uint32(v))
	case winnt.SecurityImpersonationLevel:
		e.u32(uint32(v))
	case winnt.LUID:
		e.u64(uint64(v))
	case winnt.Handle:
		e.u64(uint64(v))
	case []byte:
		e.b = append(e.b, v...)
	case sid.SID:
		e.sidPointer(v)
	case token.Group:
		e.fill(e.groupArray([]token.Group{v}), []token.Group{v})
	case []token.Group:
		e.groupList(v)
	case []nt.LUIDAndAttributes:
		e.privileges(v)
	case *sd.ACL:
		at := e.reserve(8)
		if v != nil {
			e.point(at)
			e.b = append(e.b, v.Binary()...)
		}
	case token.Source:
		var name [8]byte
		copy(name[:], v.Name)
		e.b = append(e.b, name[:]...)
		e.u64(uint64(v.ID))
	case nt.TokenStatistics:
		e.statistics(v)
	case nt.TokenGroupsAndPrivileges:
		e.groupsAndPrivileges(v)
	case nt.TokenAccessInformation:
		e.accessInformation(v)
	case nt.TokenBnoIsolation:
		e.isolation(v)
	case []claims.Attribute:
		if class == winnt.TokenSecurityAttributes || class == winnt.TokenSingletonAttributes {
			e.tokenAttributes(v)
		} else {
			e.claims(v)
		}
	}
}

func (e *encoder) statistics(v nt.TokenStatistics) {
	e.u64(uint64(v.TokenID))
	e.u64(uint64(v.AuthenticationID))
	e.u64(uint64(v.ExpirationTime))
	for _, n := range []uint32{uint32(v.TokenType), uint32(v.ImpersonationLevel), v.DynamicCharged, v.DynamicAvailable, v.GroupCount, v.PrivilegeCount} {
		e.u32(n)
	}
	e.u64(uint64(v.ModifiedID))
}

func groupsLength(list []token.Group) (n uint32) {
	for _, g := range list {
		n += 16 + uint32(g.SID.Len())
	}
	return n
}

func (e *encoder) groupsAndPrivileges(v nt.TokenGroupsAndPrivileges) {
	e.u32(uint32(len(v.SIDs)))
	e.u32(groupsLength(v.SIDs))
	sids := e.reserve(8)
	e.u32(uint32(len(v.RestrictedSIDs)))
	e.u32(groupsLength(v.RestrictedSIDs))
	restricted := e.reserve(8)
	e.u32(uint32(len(v.Privileges)))
	e.u32(12 * uint32(len(v.Privileges)))
	privileges := e.reserve(8)
	e.u64(uint64(v.AuthenticationID))
	e.point(sids)
	a := e.groupArray(v.SIDs)
	if len(v.RestrictedSIDs) > 0 {
		e.point(restricted)
	}
	b := e.groupArray(v.RestrictedSIDs)
	e.fill(a, v.SIDs)
	e.fill(b, v.RestrictedSIDs)
	if len(v.Privileges) > 0 {
		e.point(privileges)
	}
	e.privilegeArray(v.Privileges)
}

// sidHash writes a SID_AND_ATTRIBUTES_HASH and the array behind it. The table
// has two rows of 16, by the halves of the SID's last sub-authority's low byte.
func (e *encoder) sidHash(list []token.Group) (array int) {
	e.u64(uint64(len(list)))
	sids := e.reserve(8)
	var table [32]uint64
	for i, g := range list[:min(len(list), bits.UintSize)] {
		x := byte(g.SID.RID())
		table[x&15] |= 1 << i
		table[16+x>>4] |= 1 << i
	}
	for _, row := range table {
		e.u64(row)
	}
	return sids
}

func (e *encoder) accessInformation(v nt.TokenAccessInformation) {
	head := e.reserve(24)
	e.u64(uint64(v.AuthenticationID))
	for _, n := range []uint32{uint32(v.TokenType), uint32(v.ImpersonationLevel), v.MandatoryPolicy, v.Flags, v.AppContainerNumber, 0} {
		e.u32(n)
	}
	tail := e.reserve(32) // package, capabilities, trust level, attributes
	lists := [][]token.Group{v.SIDs, v.RestrictedSIDs, v.Capabilities}
	var pointers, arrays [3]int
	for i, at := range []int{head, head + 8, tail + 8} {
		e.point(at)
		pointers[i] = e.sidHash(lists[i])
	}
	e.point(head + 16)
	e.privileges(v.Privileges)
	e.align(8)
	for i, list := range lists {
		if len(list) > 0 {
			e.point(pointers[i])
		}
		arrays[i] = e.groupArray(list)
	}
	for i, list := range lists {
		e.fill(arrays[i], list)
	}
	for i, s := range []sid.SID{v.PackageSID, v.TrustLevelSID} {
		if !s.IsZero() {
			e.point(tail + 16*i)
			e.sid(s)
		}
	}
	if len(v.SecurityAttributes) > 0 {
		e.align(8)
		e.point(tail + 24)
		inner := encoder{base: user(e.here())}
		inner.tokenAttributes(v.SecurityAttributes)
		e.b = append(e.b, inner.b...)
	}
}

func (e *encoder) isolation(v nt.TokenBnoIsolation) {
	at := e.reserve(8)
	e.u8(v.IsolationEnabled)
	e.align(8)
	if v.IsolationEnabled {
		e.point(at)
		e.text(v.IsolationPrefix)
		e.u16(0)
	}
}

// attributeHeader starts either attribute list, of count entries.
func (e *encoder) attributeHeader(count, size int) (at int) {
	e.u16(1)
	e.u16(0)
	e.u32(uint32(count))
	p := e.reserve(8)
	if count > 0 {
		e.point(p)
	}
	return e.reserve(size * count)
}

// claims is CLAIM_SECURITY_ATTRIBUTES_INFORMATION: strings are pointers to text
// with a terminator.
func (e *encoder) claims(list []claims.Attribute) {
	at := e.attributeHeader(len(list), 32)
	for i := range list {
		a, h := &list[i], at+32*i
		le.PutUint16(e.b[h+8:], uint16(a.Type))
		le.PutUint32(e.b[h+12:], a.Flags)
		le.PutUint32(e.b[h+16:], uint32(a.Len()))
		e.point(h + 24)
		if a.Type == claims.String {
			p := e.reserve(8 * len(a.Strings))
			for j, s := range a.Strings {
				e.point(p + 8*j)
				e.text(s)
				e.u16(0)
			}
		} else {
			e.values(a)
		}
		e.point(h)
		e.text(a.Name)
		e.u16(0)
		e.align(8)
	}
}

// tokenAttributes is TOKEN_SECURITY_ATTRIBUTES_INFORMATION: strings are counted.
func (e *encoder) tokenAttributes(list []claims.Attribute) {
	at := e.attributeHeader(len(list), 40)
	for i := range list {
		a, h := &list[i], at+40*i
		le.PutUint16(e.b[h+16:], uint16(a.Type))
		le.PutUint32(e.b[h+20:], a.Flags)
		le.PutUint32(e.b[h+24:], uint32(a.Len()))
		e.point(h + 32)
		if a.Type == claims.String {
			p := e.reserve(16 * len(a.Strings))
			for j, s := range a.Strings {
				e.counted(p+16*j, s)
			}
		} else {
			e.values(a)
		}
		e.counted(h, a.Name)
		e.align(8)
	}
}

// counted writes text and the UNICODE_STRING at at that names it.
func (e *encoder) counted(at int, s string) {
	e.point(at + 8)
	n := uint16(e.text(s))
	le.PutUint16(e.b[at:], n)
	le.PutUint16(e.b[at+2:], n)
}

// values are those of an attribute that holds no strings.
func (e *encoder) values(a *claims.Attribute) {
	for _, v := range a.Ints {
		e.u64(uint64(v))
	}
	for _, v := range a.Uints {
		e.u64(v)
	}
	p := e.reserve(16 * (len(a.SIDs) + len(a.Octets)))
	blob := func(b []byte) {
		e.point(p)
		le.PutUint32(e.b[p+8:], uint32(len(b)))
		e.b = append(e.b, b...)
		p += 16
	}
	for _, s := range a.SIDs {
		blob([]byte(s.Binary()))
	}
	for _, b := range a.Octets {
		blob(b)
	}
}

func (e *encoder) objectInformation(value any) {
	switch v := value.(type) {
	case nt.BasicInformation:
		for _, n := range []uint32{v.Attributes, uint32(v.GrantedAccess), v.HandleCount, v.PointerCount, v.PagedPoolCharge, v.NonPagedPoolCharge,
			0, 0, 0, v.NameInfoSize, v.TypeInfoSize, v.SecurityDescriptorSize} {
			e.u32(n)
		}
		e.u64(uint64(v.CreationTime))
	case string:
		at := e.reserve(16)
		if v != "" {
			e.unicode(at, v)
		}
	case nt.TypeInformation:
		e.typeInformation(v)
	case []nt.TypeInformation:
		e.u64(uint64(len(v)))
		for _, t := range v {
			e.typeInformation(t)
			e.align(8)
		}
	case nt.HandleFlagInformation:
		e.u8(v.Inherit)
		e.u8(v.ProtectFromClose)
	}
}

// unicode writes text with a terminator and the UNICODE_STRING at at.
func (e *encoder) unicode(at int, s string) {
	e.point(at + 8)
	n := uint16(e.text(s))
	e.u16(0)
	le.PutUint16(e.b[at:], n)
	le.PutUint16(e.b[at+2:], n+2)
}

func (e *encoder) typeInformation(v nt.TypeInformation) {
	at := e.reserve(104)
	b := e.b[at:]
	g := v.GenericMapping
	for i, m := range []uint32{v.InvalidAttributes, uint32(g.Read), uint32(g.Write), uint32(g.Execute), uint32(g.All), uint32(v.ValidAccessMask)} {
		le.PutUint32(b[64+4*i:], m)
	}
	if v.SecurityRequired {
		b[88] = 1
	}
	e.unicode(at, v.TypeName)
}
