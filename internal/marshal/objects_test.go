//go:build linux

package marshal

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// halves returns 32-bit words, little endian.
func halves(list ...uint32) (b []byte) {
	for _, n := range list {
		b = le.AppendUint32(b, n)
	}
	return b
}

// utf returns a text in UTF-16 with a terminator.
func utf(s string) (b []byte) {
	for _, c := range s + "\x00" {
		b = append(b, byte(c), 0)
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Each field of a result has the offset of winternl.h and ntobapi.h for 64 bits; all values are distinct.
func TestObjectStructuresHaveDocumentedOffsets(t *testing.T) {
	const base = 0x7000_0000
	mapping := winnt.GenericMapping{Read: 2, Write: 3, Execute: 4, All: 5}
	kind := nt.TypeInformation{TypeName: "Key", InvalidAttributes: 1, GenericMapping: mapping, ValidAccessMask: 6,
		SecurityRequired: true}
	other := nt.TypeInformation{TypeName: "Port", ValidAccessMask: 7}
	// form is OBJECT_TYPE_INFORMATION with the name behind it, at an address.
	form := func(name string, at uint64, required byte, invalid, read, write, execute, all, valid uint32) []byte {
		n := uint64(2 * len(name))
		return join(words(n|(n+2)<<16, at+104), make([]byte, 48),
			halves(invalid, read, write, execute, all, valid), []byte{required}, make([]byte, 15), utf(name))
	}
	for name, c := range map[string]struct {
		encode func(*Encoder, any)
		value  any
		want   []byte
	}{
		"OBJECT_BASIC_INFORMATION": {(*Encoder).ObjectInformation, nt.BasicInformation{Attributes: 1,
			GrantedAccess: 2,
			HandleCount:   3, PointerCount: 4, PagedPoolCharge: 5, NonPagedPoolCharge: 6, NameInfoSize: 7,
			TypeInfoSize:           8,
			SecurityDescriptorSize: 9, CreationTime: 10}, join(halves(1, 2, 3, 4, 5, 6, 0, 0, 0, 7, 8, 9),
			words(10))},
		"OBJECT_NAME_INFORMATION": {(*Encoder).ObjectInformation, `\a`, join(words(4|6<<16, base+16),
			utf(`\a`))},
		"OBJECT_NAME_INFORMATION, no name": {(*Encoder).ObjectInformation, "", words(0, 0)},
		"OBJECT_TYPE_INFORMATION": {(*Encoder).ObjectInformation, kind, form("Key", base, 1, 1, 2, 3, 4, 5,
			6)},
		"OBJECT_TYPE_INFORMATION, no demand": {(*Encoder).ObjectInformation, other, form("Port", base, 0, 0, 0, 0, 0,
			0, 7)},
		"OBJECT_TYPES_INFORMATION": {(*Encoder).ObjectInformation, []nt.TypeInformation{kind, other, kind},
			join(words(3),
				form("Key", base+8, 1, 1, 2, 3, 4, 5, 6), // 112 bytes: the next one begins behind them
				form("Port", base+120, 0, 0, 0, 0, 0, 0, 7), make([]byte, 6),
				form("Key", base+240, 1, 1, 2, 3, 4, 5, 6))},
		"OBJECT_HANDLE_FLAG_INFORMATION, inherited": {(*Encoder).ObjectInformation,
			nt.HandleFlagInformation{Inherit: true}, []byte{1, 0}},
		"OBJECT_HANDLE_FLAG_INFORMATION, kept": {(*Encoder).ObjectInformation,
			nt.HandleFlagInformation{ProtectFromClose: true}, []byte{0, 1}},
		"PROCESS_BASIC_INFORMATION": {(*Encoder).ProcessInformation, nt.ProcessBasic{ExitStatus: 1,
			UniqueProcessID:              2,
			InheritedFromUniqueProcessID: 3}, words(1, 0, 0, 0, 2, 3)},
		"THREAD_BASIC_INFORMATION": {(*Encoder).ProcessInformation, nt.ThreadBasic{ExitStatus: 1,
			ClientID: nt.ClientID{UniqueProcess: 2, UniqueThread: 3}}, words(1, 0, 2, 3, 0, 0)},
		"KERNEL_USER_TIMES": {(*Encoder).ProcessInformation, nt.KernelUserTimes{CreateTime: 1, ExitTime: 2,
			KernelTime: 3,
			UserTime:   4}, words(1, 2, 3, 4)},
		"a ULONG": {(*Encoder).ProcessInformation, uint32(5), halves(5)},
		"PROCESS_HANDLE_SNAPSHOT_INFORMATION": {(*Encoder).ProcessInformation, []nt.ProcessHandle{
			{HandleValue: 1, HandleCount: 2, PointerCount: 3, GrantedAccess: 4, ObjectTypeIndex: 5,
				HandleAttributes: 6},
			{HandleValue: 7}}, join(words(2, 0, 1, 2, 3), halves(4, 5, 6, 0), words(7, 0, 0, 0, 0))},
		"a process's name": {(*Encoder).ProcessInformation, `\a`, join(words(4|6<<16, base+16), utf(`\a`))},
	} {
		e := Encoder{Base: base}
		if c.encode(&e, c.value); !bytes.Equal(e.Bytes, c.want) {
			t.Errorf("%s:\n got % x\nwant % x", name, e.Bytes, c.want)
		}
	}
}
