package main

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var aDescriptor = func() *sd.Descriptor {
	d, err := sddl.Parse("O:SYG:BAD:(A;;FR;;;WD)")
	if err != nil {
		panic(err)
	}
	return d
}()

// The structures have the layout of the headers of 64-bit Windows, with a distinct value in each member, and NULL for
// missing ones.
func TestStructuresEqualHeaders(t *testing.T) {
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: 2, ContextTrackingMode: true}
	for _, c := range []struct {
		name string
		add  func(k *packer)
		want string
	}{
		{"a handle", func(k *packer) { k.handle(-2) }, "fffffffffffffffe"},
		{"a mask", func(k *packer) { k.mask(0x80000001) }, "80000001"},
		{"a number", func(k *packer) { k.u32(0xFFFFFFFF) }, "ffffffff"},
		{"TRUE and FALSE", func(k *packer) { k.flag(true); k.flag(false) }, "1,0"},
		{"a handle to come", func(k *packer) { k.out() }, "OUT"},
		{"no SID", func(k *packer) { k.ptr(k.sidBuffer(sid.SID{})) }, "0"},
		{"a SID", func(k *packer) { k.ptr(k.sidBuffer(system)) }, "<SYSTEM>"},
		{"a pointer to a SID", func(k *packer) { k.ptr(k.sidPointer(world)) }, "<<WORLD>>"},
		{"a NULL pointer to a SID", func(k *packer) { k.ptr(k.sidPointer(sid.SID{})) }, "<0000000000000000>"},
		{"no descriptor", func(k *packer) { k.ptr(k.descriptor(nil)) }, "0"},
		{"a descriptor", func(k *packer) { k.ptr(k.descriptor(aDescriptor)) }, "<DESCRIPTOR>"},
		{"no ACL", func(k *packer) { k.ptr(k.acl(nil)) }, "0"},
		{"an ACL", func(k *packer) { k.ptr(k.acl(aDescriptor.DACL())) }, "<LIST>"},
		{"a pointer to an ACL", func(k *packer) { k.ptr(k.aclPointer(aDescriptor.DACL())) }, "<<LIST>>"},
		{"a NULL pointer to an ACL", func(k *packer) { k.ptr(k.aclPointer(nil)) }, "<0000000000000000>"},
		{"no quality of service", func(k *packer) { k.ptr(k.sqos(nil)) }, "0"},
		{"dynamic tracking", func(k *packer) { k.ptr(k.sqos(qos)) }, "<0c000000 02000000 01 00 0000>"},
		{"effective only", func(k *packer) {
			k.ptr(k.sqos(&nt.SecurityQualityOfService{ImpersonationLevel: 3, EffectiveOnly: true}))
		}, "<0c000000 03000000 00 01 0000>"},
		{"no attributes", func(k *packer) { k.ptr(k.attributes(nil)) }, "0"},
		{"empty attributes", func(k *packer) { k.ptr(k.attributes(&nt.ObjectAttributes{})) },
			"<30000000 00000000 0000000000000000 0000000000000000 0000000000000000 ZERO16>"},
		{"attributes", func(k *packer) {
			k.ptr(k.attributes(&nt.ObjectAttributes{RootDirectory: 0x1234, ObjectName: "ab", Attributes: 0x42,
				SecurityDescriptor: aDescriptor, SecurityQualityOfService: qos}))
		}, "<30000000 00000000 3412000000000000 <0400 0400 00000000 <6100 6200 0000>> 42000000 00000000 <DESCRIPTOR>" +
			"<0c000000 02000000 01 00 0000>>"},
		{"a string outside the first plane", func(k *packer) { k.ptr(k.unicode("ä\U0001F600")) },
			"<0600 0600 00000000 <e400 3dd8 00de 0000>>"},
		{"no client id", func(k *packer) { k.ptr(k.clientID(nil)) }, "0"},
		{"a client id", func(k *packer) { k.ptr(k.clientID(&nt.ClientID{UniqueProcess: 0x104, UniqueThread: 0x208})) },
			"<0401000000000000 0802000000000000>"},
		{"a mapping", func(k *packer) {
			k.ptr(k.mapping(winnt.GenericMapping{Read: 1, Write: 2, Execute: 3, All: 0x1F01FF}))
		}, "<01000000 02000000 03000000 ff011f00>"},
		{"NULL groups", func(k *packer) { k.ptr(k.groups(nil)) }, "0"},
		{"no groups", func(k *packer) { k.ptr(k.groups([]token.Group{})) }, "<00000000 00000000 ZERO16>"},
		{"groups", func(k *packer) {
			k.ptr(k.groups([]token.Group{{SID: system, Attributes: 7}, {SID: world, Attributes: 0xC0000000}}))
		}, "<02000000 00000000 <SYSTEM> 07000000 00000000 <WORLD> 000000c0 00000000>"},
		{"NULL privileges", func(k *packer) { k.ptr(k.privileges(nil)) }, "0"},
		{"no privileges", func(k *packer) { k.ptr(k.privileges([]nt.LUIDAndAttributes{})) }, "<00000000 ZERO12>"},
		{"privileges", func(k *packer) { k.ptr(k.privileges(two)) },
			"<02000000 8877665544332211 02000000 0900000000000000 01000080 ZERO12>"},
		{"NULL privilege set", func(k *packer) { k.ptr(k.privilegeSet(nil)) }, "0"},
		{"an empty privilege set", func(k *packer) { k.ptr(k.privilegeSet(&nt.PrivilegeSet{Control: 1})) },
			"<00000000 01000000 ZERO12>"},
		{"a privilege set", func(k *packer) { k.ptr(k.privilegeSet(&nt.PrivilegeSet{Control: 5, Privilege: two})) },
			"<02000000 05000000 8877665544332211 02000000 0900000000000000 01000080 ZERO12>"},
		{"NULL object types", func(k *packer) { k.ptr(k.objectTypes(nil)) }, "0"},
		{"no object types", func(k *packer) { k.ptr(k.objectTypes([]access.ObjectTypeEntry{})) }, "<ZERO16>"},
		{"object types", func(k *packer) {
			k.ptr(k.objectTypes([]access.ObjectTypeEntry{{Level: 0, GUID: node1}, {Level: 0x102, GUID: node2}}))
		}, "<0000 0000 00000000 <a1 0000000000000000000000000000 af>" +
			"0201 0000 00000000 <b1 0000000000000000000000000000 bf>>"},
		{"no source", func(k *packer) { k.ptr(k.source(nil)) }, "0"},
		{"a source", func(k *packer) { k.ptr(k.source(&token.Source{Name: "abc", ID: 0x1122334455667788})) },
			"<6162630000000000 8877665544332211>"},
		{"a source of eight letters", func(k *packer) { k.ptr(k.source(&token.Source{Name: "abcdefgh", ID: 1})) },
			"<6162636465666768 0100000000000000>"},
		{"no security attributes", func(k *packer) { k.ptr(k.securityAttributes(nil)) }, "0"},
		{"security attributes", func(k *packer) {
			k.ptr(k.securityAttributes(&win32.SecurityAttributes{InheritHandle: true, SecurityDescriptor: aDescriptor}))
		}, "<18000000 00000000 <DESCRIPTOR> 01000000 00000000>"},
		{"plain security attributes", func(k *packer) { k.ptr(k.securityAttributes(&win32.SecurityAttributes{})) },
			"<18000000 00000000 0000000000000000 00000000 00000000>"},
		{"a name", func(k *packer) { k.name(good("ab")) }, "<6100 6200 0000>"},
		{"a name that is not there", func(k *packer) { k.name(nt.Captured[string]{Status: ntstatus.AccessViolation}) },
			"0"},
		{"attributes that must be there", func(k *packer) { k.addAttributes(good[*nt.ObjectAttributes](nil)) },
			"<30000000 00000000 0000000000000000 0000000000000000 0000000000000000 ZERO16>"},
		{"attributes as they are given", func(k *packer) { k.addAttributes(good(&nt.ObjectAttributes{Attributes: 2})) },
			"<30000000 00000000 0000000000000000 0000000000000000 02000000 00000000 ZERO16>"},
		{"a captured value", func(k *packer) { captured(k, good(system), k.sidBuffer) }, "<SYSTEM>"},
		{"a captured NULL", func(k *packer) { captured(k, good(sid.SID{}), k.sidBuffer) }, "0"},
		{"what cannot be touched", func(k *packer) {
			captured(k, nt.Captured[sid.SID]{Status: ntstatus.AccessViolation}, k.sidBuffer)
		}, "BAD"},
		{"nothing wanted before", func(k *packer) { k.previous(64, false) }, "0,0,0"},
		{"room for the previous state", func(k *packer) { k.previous(18, true) },
			"12,<000000000000000000000000000000000000>,<00000000>"},
		{"the least room for the previous state", func(k *packer) { k.previous(3, true) }, "3,<ZERO16>,<00000000>"},
		{"room for privileges used", func(k *packer) { k.privilegeRoom(21) },
			"<000000000000000000000000000000000000000000>,<15000000>"},
		{"the least room for privileges used", func(k *packer) { k.privilegeRoom(19) }, "<ZERO16 00000000>,<13000000>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := pack("x")
			c.add(k)
			if got := drawn(k.request); got != spelled(c.want) || k.err != nil {
				t.Errorf("%s: got %s, %v, want %s", c.name, got, k.err, spelled(c.want))
			}
		})
	}
}

// A length given by a program is passed on unchanged, but the allocated room is limited.
func TestBufferSizeIsLimited(t *testing.T) {
	k := pack("x")
	k.previous(0xFFFFFFFF, true)
	k.privilegeRoom(0x10001)
	for i, want := range []int{1 << 16, 4, 1 << 16, 4} {
		check.Equal(t, len(k.Buffers[i]), want, "buffer %d: bytes", i)
	}
	n := k.Args[0].N
	check.That(t, n == 0xFFFFFFFF, "the length is %#x, want 0xFFFFFFFF", n)
}

// A value without a unique representation in bytes skips the call, with the first such value as the reason.
func TestAmbiguousValueSkipsCall(t *testing.T) {
	bad := nt.Captured[sid.SID]{Status: ntstatus.InvalidSID}
	for _, c := range []struct {
		name string
		add  func(k *packer)
		want string
	}{
		{"a malformed SID", func(k *packer) { captured(k, bad, k.sidBuffer) },
			"a structure that is malformed (STATUS_INVALID_SID) has no one spelling in bytes"},
		{"a group without a SID", func(k *packer) { k.groups([]token.Group{{Attributes: 7}}) },
			"a SID that is malformed has no one spelling in bytes"},
		{"the first of two", func(k *packer) {
			captured(k, nt.Captured[sid.SID]{Status: ntstatus.InvalidACL}, k.sidBuffer)
			captured(k, bad, k.sidBuffer)
		}, "a structure that is malformed (STATUS_INVALID_ACL) has no one spelling in bytes"},
		{"no integrity level", func(k *packer) { k.information(winnt.TokenIntegrityLevel, sid.SID{}) },
			"a SID that is malformed has no one spelling in bytes"},
		{"a value of another kind", func(k *packer) { k.information(winnt.TokenOwner, "text") },
			"NtSetInformationToken: class TokenOwner is not written by this recorder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := pack("x")
			c.add(k)
			var why *skipError
			check.That(t, errors.As(k.err, &why) && why.Error() == c.want, "%s: %v, want %s", c.name, k.err, c.want)
		})
	}
}
