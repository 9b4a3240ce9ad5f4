//go:build linux

package marshal

import (
	"reflect"
	"runtime"
	"testing"
	"unicode/utf16"
	"unsafe"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A layout is memory of a C program that a test writes by hand, field by field.
type layout struct {
	b    []byte
	used int
}

// newLayout takes memory that does not move.
func newLayout(t *testing.T) *layout {
	l := &layout{b: make([]byte, 1<<16)}
	t.Cleanup(func() { runtime.KeepAlive(l.b) })
	return l
}

func (l *layout) base() Address { return Address(unsafe.Pointer(&l.b[0])) }

// put adds bytes at a multiple of 8 and returns where they are.
func (l *layout) put(b []byte) Address {
	l.used = (l.used + 7) &^ 7
	at := l.used
	l.used += copy(l.b[at:], b)
	return l.base() + Address(at)
}

func (l *layout) words(list ...uint64) Address { return l.put(words(list...)) }

func (l *layout) sid(s sid.SID) uint64 { return uint64(l.put([]byte(s.Binary()))) }

// text adds UTF-16 with a terminator.
func (l *layout) text(s string) (at uint64, size uint64) {
	var b []byte
	u := utf16.Encode([]rune(s))
	for _, c := range append(u, 0) {
		b = le.AppendUint16(b, c)
	}
	return uint64(l.put(b)), uint64(2 * len(u))
}

// counted returns the two words of a UNICODE_STRING.
func (l *layout) counted(s string) (head, at uint64) {
	at, size := l.text(s)
	return size | (size+2)<<16, at
}

var (
	alice = sid.MustParse("S-1-5-21-1-2-3-1107")
	staff = sid.MustParse("S-1-5-21-1-2-3-2001")
)

// check compares what a capture returns with the value wanted.
func check[T any](t *testing.T, name string, want T) func(got T, st ntstatus.Status) {
	return func(got T, st ntstatus.Status) {
		t.Helper()
		if st != ntstatus.Success || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, st, want)
		}
	}
}

// Each field of a structure comes from its own place, as winnt.h lays it out for 64 bits.
func TestCaptures(t *testing.T) {
	l := newLayout(t)
	var m Memory
	groups := l.words(2, l.sid(alice), 0x7, l.sid(staff), 0x10)
	wantGroups := []token.Group{{SID: alice, Attributes: 7}, {SID: staff, Attributes: 0x10}}
	check(t, "TOKEN_GROUPS", wantGroups)(m.GroupsAt(groups))
	privileges := l.words(2|19<<32, 2<<32, 3|5<<32, 0x8000_0000) // count, then LUID and attributes, 12 bytes each
	wantPrivileges := []nt.LUIDAndAttributes{{LUID: 19, Attributes: 2}, {LUID: 3 | 5<<32, Attributes: 0x8000_0000}}
	check(t, "TOKEN_PRIVILEGES", wantPrivileges)(m.PrivilegesAt(privileges))
	set := l.words(1|1<<32, 20, 2)
	check(t, "PRIVILEGE_SET", &nt.PrivilegeSet{Control: 1,
		Privilege: []nt.LUIDAndAttributes{{LUID: 20, Attributes: 2}}})(m.PrivilegeSetAt(set))
	check(t, "GENERIC_MAPPING", winnt.GenericMapping{Read: 1, Write: 2, Execute: 4, All: 8})(
		m.MappingAt(l.words(1|2<<32, 4|8<<32)))
	quality := l.words(12|2<<32, 1)
	dynamic := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation, ContextTrackingMode: true}
	check(t, "SECURITY_QUALITY_OF_SERVICE", dynamic)(m.QualityAt(quality))
	check(t, "with EffectiveOnly", &nt.SecurityQualityOfService{EffectiveOnly: true})(m.QualityAt(l.words(12, 1<<8)))
	check(t, "CLIENT_ID", &nt.ClientID{UniqueProcess: 8, UniqueThread: 12})(m.ClientIDAt(l.words(8, 12)))
	check(t, "handles", []winnt.Handle{4, -2})(m.HandlesFrom(l.words(4, ^uint64(1)), 2))
	check(t, "TOKEN_SOURCE", &token.Source{Name: "User32", ID: 7})(
		m.SourceAt(l.put(append([]byte("User32 \x00"), words(7)...))))
	limits := l.words(0xF, 0x44, uint64(groups), uint64(privileges), uint64(l.words(1, l.sid(staff), 0)))
	check(t, "JOBOBJECT_SECURITY_LIMIT_INFORMATION", &nt.JobSecurityLimitInformation{SecurityLimitFlags: 0xF,
		JobToken: 0x44, SidsToDisable: wantGroups, PrivilegesToDelete: wantPrivileges,
		RestrictedSids: []token.Group{{SID: staff}}})(m.JobLimitsAt(limits))
	guid := winnt.GUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	at := uint64(l.put(guid[:]))
	check(t, "OBJECT_TYPE_LIST", []access.ObjectTypeEntry{{Level: 0, GUID: guid}, {Level: 3, GUID: guid}})(
		m.ObjectTypesAt(l.words(0, at, 3, at), 2))
	check(t, "pointers to GUIDs", []winnt.GUID{guid, guid})(m.GUIDsAt(l.words(at, 0, at), 3))
	head, name := l.counted("päth")
	text, _ := l.text("päth")
	check(t, "UNICODE_STRING", "päth")(m.StringAt(l.words(head, name)))
	check(t, "text with a terminator", "päth")(m.ZeroTerminatedAt(Address(text)))
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	oa := l.words(48, 0x10, uint64(l.words(head, name)), 0x40, uint64(l.put(d.Binary())), uint64(quality))
	got, st := m.AttributesAt(oa)
	if st != ntstatus.Success || got.RootDirectory != 0x10 || got.ObjectName != "päth" || got.Attributes != 0x40 ||
		got.Unnamed || !got.SecurityDescriptor.Equal(d) || *got.SecurityQualityOfService != *dynamic {
		t.Errorf("OBJECT_ATTRIBUTES: %+v, %v", got, st)
	}
	unnamed, st := m.AttributesAt(l.words(48, 0, 0, 0, 0, 0))
	if want := (&nt.ObjectAttributes{Unnamed: true}); st != ntstatus.Success || !reflect.DeepEqual(unnamed, want) {
		t.Errorf("OBJECT_ATTRIBUTES without a name: %+v, %v", unnamed, st)
	}
}

// Arrays and structures begin at a multiple of their alignment, texts and SIDs anywhere
// (O-3); counts that are too large are refused.
func TestCapturesRefuse(t *testing.T) {
	l := newLayout(t)
	var m Memory
	l.words(0, 0, 0)
	list := l.words(1, l.sid(alice), 7, 0, 0)
	odd := func(p Address) Address { // the same bytes one place further
		b := append([]byte{0}, l.b[p-l.base():p-l.base()+48]...)
		return l.put(b) + 1
	}
	const off = ntstatus.DatatypeMisalignment
	for name, c := range map[string]struct {
		st   func() ntstatus.Status
		want ntstatus.Status
	}{
		"groups":            {func() ntstatus.Status { _, st := m.GroupsFrom(odd(list)+8, 1); return st }, off},
		"privileges":        {func() ntstatus.Status { _, st := m.PrivilegesFrom(odd(list), 1); return st }, off},
		"handles":           {func() ntstatus.Status { _, st := m.HandlesFrom(odd(list), 1); return st }, off},
		"mapping":           {func() ntstatus.Status { _, st := m.MappingAt(odd(list)); return st }, off},
		"object attributes": {func() ntstatus.Status { _, st := m.AttributesAt(odd(list)); return st }, off},
		"object types":      {func() ntstatus.Status { _, st := m.ObjectTypesAt(odd(list), 1); return st }, off},
		"job limits":        {func() ntstatus.Status { _, st := m.JobLimitsAt(odd(list)); return st }, off},
		"port message":      {func() ntstatus.Status { _, st := m.PortMessageAt(odd(list)); return st }, off},
		"token attributes":  {func() ntstatus.Status { _, st := m.TokenAttributesAt(odd(list)); return st }, off},
		"a SID": {func() ntstatus.Status { _, st := m.SIDAt(odd(l.put([]byte(alice.Binary())))); return st },
			ntstatus.Success},
		"GUIDs": {func() ntstatus.Status { _, st := m.GUIDsAt(l.words(0, 0), MaxObjectTypes+1); return st },
			ntstatus.InvalidParameter},
		"object types without a list": {func() ntstatus.Status { _, st := m.ObjectTypesAt(0, 1); return st },
			ntstatus.InvalidParameter},
		"object type without a GUID": {func() ntstatus.Status { _, st := m.ObjectTypesAt(l.words(0, 0), 1); return st },
			ntstatus.InvalidParameter},
		"reserved word of an object type": {func() ntstatus.Status {
			_, st := m.ObjectTypesAt(l.words(1<<16, uint64(list)), 1)
			return st
		}, ntstatus.InvalidParameter},
		"quality of 13 bytes": {func() ntstatus.Status { _, st := m.QualityAt(l.words(13, 0)); return st },
			ntstatus.InvalidParameter},
		"level 4": {func() ntstatus.Status { _, st := m.QualityAt(l.words(12|4<<32, 0)); return st },
			ntstatus.InvalidParameter},
		"attributes of 40 bytes": {func() ntstatus.Status { _, st := m.AttributesAt(l.words(40, 0, 0, 0, 0, 0)); return st },
			ntstatus.InvalidParameter},
		"half a unit": {func() ntstatus.Status { _, st := m.StringAt(l.words(3, uint64(list))); return st },
			ntstatus.ObjectNameInvalid},
		"attributes of version 2": {func() ntstatus.Status { _, st := m.TokenAttributesAt(l.words(2, 0)); return st },
			ntstatus.InvalidParameter},
		"claims of version 2": {func() ntstatus.Status { _, st := m.ClaimsAt(l.words(2, 0)); return st },
			ntstatus.InvalidParameter},
		"a message shorter than its data": {func() ntstatus.Status {
			_, st := m.PortMessageAt(l.words(8|47<<16, 0, 0, 0, 0, 0))
			return st
		}, ntstatus.InvalidParameter},
	} {
		if st := c.st(); st != c.want {
			t.Errorf("%s: %v, want %v", name, st, c.want)
		}
	}
}

// Descriptors that a thread asked about lately are told apart by all their bytes, and
// both forms are captured the same.
func TestCapturedDescriptors(t *testing.T) {
	l := newLayout(t)
	var m Memory
	var all []*sd.Descriptor
	for _, text := range []string{"O:BAG:SYD:(A;;FA;;;WD)", "O:SYG:SYD:(A;;FA;;;WD)", "O:BAG:BAD:(A;;FA;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)", "O:BAG:SYD:(D;;FA;;;WD)", "O:BAG:SYD:P(A;;FA;;;WD)", "O:BAG:SYS:(AU;SA;FA;;;WD)",
		"O:BA", "G:BA", "D:", "S:"} {
		all = append(all, sddl.MustParse(text))
	}
	for _, d := range append(all, all...) {
		relative := l.put(d.Binary())
		var parts [4]uint64
		if s := d.Owner(); !s.IsZero() {
			parts[0] = l.sid(s)
		}
		if s := d.Group(); !s.IsZero() {
			parts[1] = l.sid(s)
		}
		for i, list := range []*sd.ACL{d.SACL(), d.DACL()} {
			if list != nil {
				parts[2+i] = uint64(l.put([]byte(list.Binary())))
			}
		}
		absolute := l.words(1|uint64(d.Control()&^sd.SelfRelative)<<16, parts[0], parts[1], parts[2], parts[3])
		for form, p := range map[string]Address{"self-relative": relative, "absolute": absolute} {
			got, st := m.DescriptorAt(p)
			if st != ntstatus.Success || !got.Equal(d) {
				t.Errorf("%s %x: %x, %v", form, d.Binary(), got.Binary(), st)
			}
		}
		l.used = 0
	}
}

// A list with each type of value comes back from both structures, laid out by hand and
// by the encoder.
func TestAttributeLists(t *testing.T) {
	want := []claims.Attribute{
		{Name: "i", Type: claims.Int64, Flags: 2, Ints: []int64{-1, 5}},
		{Name: "ünits", Type: claims.Uint64, Flags: 0x10, Uints: []uint64{1 << 63}},
		{Name: "b", Type: claims.Boolean, Uints: []uint64{1}},
		{Name: "s", Type: claims.String, Flags: 0x20000, Strings: []string{"a", "bcd"}},
		{Name: "d", Type: claims.SID, SIDs: []sid.SID{alice, staff}},
		{Name: "o", Type: claims.Octets, Octets: [][]byte{{1, 2, 3}, {4}}},
	}
	for _, counted := range []bool{true, false} {
		l := newLayout(t)
		var m Memory
		var entries []uint64
		for _, a := range want {
			var values []uint64
			for _, v := range a.Ints {
				values = append(values, uint64(v))
			}
			values = append(values, a.Uints...)
			for _, s := range a.Strings {
				if head, at := l.counted(s); counted {
					values = append(values, head, at)
				} else {
					values = append(values, at)
				}
			}
			for _, s := range a.SIDs {
				values = append(values, l.sid(s), uint64(s.Len()))
			}
			for _, b := range a.Octets {
				values = append(values, uint64(l.put(b)), uint64(len(b)))
			}
			at := uint64(l.words(values...))
			head, name := l.counted(a.Name)
			if counted {
				entries = append(entries, head, name, uint64(a.Type)|uint64(a.Flags)<<32, uint64(a.Len()), at)
			} else {
				entries = append(entries, name, uint64(a.Type)|uint64(a.Flags)<<32, uint64(a.Len()), at)
			}
		}
		list := l.words(1|uint64(len(want))<<32, uint64(l.words(entries...)))
		read := m.ClaimsAt
		if counted {
			read = m.TokenAttributesAt
		}
		check(t, "laid out by hand", want)(read(list))
		for range 2 { // behind other bytes too
			l.used += 16
			l.used = (l.used + 7) &^ 7
			e := Encoder{Base: l.base() + Address(l.used)}
			if counted {
				e.TokenAttributes(want)
			} else {
				e.Claims(want)
			}
			check(t, "encoded", want)(read(l.put(e.Bytes)))
		}
	}
}

// TOKEN_ACCESS_INFORMATION and TOKEN_GROUPS_AND_PRIVILEGES lead to each list and SID by
// the pointer that ntifs.h and winnt.h name.
func TestTokenStructures(t *testing.T) {
	l := newLayout(t)
	var m Memory
	pkg, trust := sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"), sid.MustParse("S-1-19-512-4096")
	group := func(s sid.SID, a uint32) []token.Group { return []token.Group{{SID: s, Attributes: a}} }
	v := nt.TokenAccessInformation{SIDs: group(alice, 1), RestrictedSIDs: group(staff, 2),
		Capabilities: group(sid.Users, 4),
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
		if st != ntstatus.Success {
			t.Fatal(st)
		}
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
	check(t, "SidHash", v.SIDs)(hashed(0))
	check(t, "RestrictedSidHash", v.RestrictedSIDs)(hashed(8))
	check(t, "Privileges", v.Privileges)(m.PrivilegesAt(word(16)))
	for off, want := range map[Address]uint64{24: 0x3e7, 32: 2 | 3<<32, 40: 3 | 0x2000<<32, 48: 9} {
		if got := number(off); got != want {
			t.Errorf("at %d: %#x, want %#x", off, got, want)
		}
	}
	check(t, "PackageSid", pkg)(m.SIDAt(word(56)))
	check(t, "CapabilitiesHash", v.Capabilities)(hashed(64))
	check(t, "TrustLevelSid", trust)(m.SIDAt(word(72)))
	check(t, "SecurityAttributes", v.SecurityAttributes)(m.TokenAttributesAt(word(80)))

	l.used = 0
	e = Encoder{Base: l.base()}
	v.RestrictedSIDs = group(sid.Users, 2) // a shorter SID
	e.GroupsAndPrivileges(nt.TokenGroupsAndPrivileges{SIDs: v.SIDs, RestrictedSIDs: v.RestrictedSIDs,
		Privileges: v.Privileges, AuthenticationID: 0x3e4})
	p = l.put(e.Bytes)
	for off, want := range map[Address]uint64{0: 1 | uint64(16+alice.Len())<<32, 16: 1 | uint64(16+sid.Users.Len())<<32,
		32: 1 | 12<<32, 48: 0x3e4} {
		if got := number(off); got != want {
			t.Errorf("TOKEN_GROUPS_AND_PRIVILEGES at %d: %#x, want %#x", off, got, want)
		}
	}
	check(t, "Sids", v.SIDs)(m.GroupsFrom(word(8), 1))
	check(t, "RestrictedSids", v.RestrictedSIDs)(m.GroupsFrom(word(24), 1))
	check(t, "Privileges", v.Privileges)(m.PrivilegesFrom(word(40), 1))
}

// A message that was written is read back, and its header is that of ntlpcapi.h.
func TestPortMessages(t *testing.T) {
	l := newLayout(t)
	var m Memory
	want := PortMessage{ClientID: nt.ClientID{UniqueProcess: 8, UniqueThread: 12}, ID: 77, Data: []byte("hello")}
	written := want
	written.Type = 3
	p := l.words(make([]uint64, 6)...)
	if st := m.WritePortMessage(p, &written); st != ntstatus.Success {
		t.Fatal(st)
	}
	check(t, "PORT_MESSAGE", want)(m.PortMessageAt(p))
	for off, word := range map[Address]uint64{0: 5 | 45<<16 | 3<<32, 8: 8, 16: 12, 24: 77, 32: 0} {
		if got, _ := m.ReadU64(p + off); got != word {
			t.Errorf("at %d: %#x, want %#x", off, got, word)
		}
	}
}

// What NtSetInformationToken takes is read by class where the length is that of the
// class or more; the service refuses a shorter one, which is told by a number.
func TestTokenInformation(t *testing.T) {
	l := newLayout(t)
	var m Memory
	user := l.sid(alice)
	list, err := sd.NewACL()
	if err != nil {
		t.Fatal(err)
	}
	prefix, _ := l.text("box")
	head, name := l.counted("a")
	attributes := l.words(1|1<<32, uint64(l.words(head, name, uint64(claims.Int64), 1, uint64(l.words(7)))))
	changes := []token.AttributeChange{{Operation: 3, Attribute: claims.Attribute{Name: "a", Type: claims.Int64,
		Ints: []int64{7}}}}
	policy := make([]byte, 30)
	policy[0], policy[29] = 0x11, 0x21
	for class, c := range map[winnt.TokenInfoClass]struct {
		size uint32
		at   Address
		want any
	}{
		winnt.TokenOwner: {8, l.words(user), alice}, winnt.TokenPrimaryGroup: {8, l.words(user), alice},
		winnt.TokenDefaultDacl:    {8, l.words(uint64(l.put([]byte(list.Binary())))), list},
		winnt.TokenOrigin:         {8, l.words(0x3e7), winnt.LUID(0x3e7)},
		winnt.TokenLinkedToken:    {8, l.words(0x44), winnt.Handle(0x44)},
		winnt.TokenIntegrityLevel: {16, l.words(user, 0x20), token.Group{SID: alice, Attributes: 0x20}},
		winnt.TokenBnoIsolation: {16, l.words(prefix, 1),
			nt.TokenBnoIsolation{IsolationPrefix: "box", IsolationEnabled: true}},
		winnt.TokenSecurityAttributes: {16, l.words(uint64(attributes), uint64(l.words(3))), changes},
		winnt.TokenAuditPolicy:        {30, l.put(policy), policy},
		winnt.TokenSessionId:          {4, l.words(5), uint32(5)},
	} {
		for _, length := range []uint32{c.size, c.size + 8} {
			if got, st := m.TokenInformationAt(class, c.at, length); st != ntstatus.Success || !reflect.DeepEqual(got, c.want) {
				t.Errorf("class %d, %d bytes: %+v, %v, want %+v", class, length, got, st, c.want)
			}
		}
		if got, st := m.TokenInformationAt(class, c.at, c.size-1); st != ntstatus.Success || got != any(uint32(0)) {
			t.Errorf("class %d, one byte less: %+v, %v", class, got, st)
		}
		if got, st := m.TokenInformationAt(class, c.at+1, c.size-1); st != ntstatus.Success || got != any(uint32(0)) {
			t.Errorf("class %d, one byte less at an odd address: %+v, %v", class, got, st)
		}
		if got, st := m.TokenInformationAt(class, c.at, 0); st != ntstatus.Success || got != nil {
			t.Errorf("class %d, nothing: %+v, %v", class, got, st)
		}
	}
}
