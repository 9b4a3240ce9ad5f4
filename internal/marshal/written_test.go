//go:build linux

package marshal

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestWrittenStructures: TOKEN_STATISTICS, TOKEN_PRIVILEGES and UNICODE_STRING, byte by byte, in the order of winnt.h.
func TestWrittenStructures(t *testing.T) {
	e := Encoder{Base: 0x1000}
	e.TokenInformation(winnt.TokenStatistics, nt.TokenStatistics{TokenID: 1, AuthenticationID: 2, ExpirationTime: -3,
		TokenType: 4, ImpersonationLevel: 5, DynamicCharged: 6, DynamicAvailable: 7, GroupCount: 8, PrivilegeCount: 9,
		ModifiedID: 10})
	if want := words(1, 2, 1<<64-3, 4|5<<32, 6|7<<32, 8|9<<32, 10); !bytes.Equal(e.Bytes, want) {
		t.Errorf("statistics %x, want %x", e.Bytes, want)
	}
	e = Encoder{Base: 0x1000}
	e.TokenInformation(winnt.TokenPrivileges, []nt.LUIDAndAttributes{{LUID: 23, Attributes: 3},
		{LUID: 1 << 33, Attributes: 2}})
	if want := halves(2, 23, 0, 3, 0, 2, 2); !bytes.Equal(e.Bytes, want) {
		t.Errorf("privileges %x, want %x", e.Bytes, want)
	}
	e = Encoder{Base: 0x1000}
	at := e.Reserve(16)
	e.Counted(at, "añ")
	if want := join(words(4|4<<16, 0x1010), []byte{'a', 0, 0xF1, 0}); !bytes.Equal(e.Bytes, want) {
		t.Errorf("a string %x, want %x", e.Bytes, want)
	}
}

// TestBlocks: an array is copied whole, however many parts that takes.
func TestBlocks(t *testing.T) {
	from := make([]byte, 3*chunk+100)
	for i := range from {
		from[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	at := Address(unsafe.Pointer(&from[0]))
	var m Memory
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2*chunk + 7, 3*chunk + 100} {
		if got, st := m.Block(at, n, 1); st != ntstatus.Success || !bytes.Equal(got, from[:n]) {
			t.Errorf("%d bytes: %d, %v", n, len(got), st)
		}
	}
	if _, st := m.Block(0, chunk+1, 1); st != ntstatus.AccessViolation {
		t.Errorf("from NULL: %v", st)
	}
}

// TestPointersInStructures: a NULL in a structure stands for nothing where that may be left out, and cannot be read
// elsewhere.
func TestPointersInStructures(t *testing.T) {
	l := newLayout(t)
	var m Memory
	none := l.words(0)
	check(t, "no owner", sid.SID{})(m.OwnerAt(none))
	check(t, "no structure of an owner", sid.SID{})(m.OwnerAt(0))
	for name, at := range map[string]Address{"no primary group": none, "no structure of one": 0} {
		if s, st := m.PrimaryGroupAt(at); st != ntstatus.AccessViolation || !s.IsZero() {
			t.Errorf("%s: %v, %v", name, s, st)
		}
	}
	if list, st := m.DefaultDACLAt(none); list != nil || st != ntstatus.Success {
		t.Errorf("no DACL: %v, %v", list, st)
	}
}

// TestFrames: the caller's frames are the last ones named, from the first byte to the last.
func TestFrames(t *testing.T) {
	var m Memory
	if low, high := m.Frames(0x20000, 0x30000); low != 0 || high != 0 {
		t.Errorf("before: %#x to %#x", low, high)
	}
	if low, high := m.Frames(0x40000, 0x50000); low != 0x20000 || high != 0x30000 {
		t.Errorf("the first: %#x to %#x", low, high)
	}
	for _, c := range []struct {
		p    Address
		n    uintptr
		want bool
	}{{0x3ffff, 1, false}, {0x40000, 1, true}, {0x40000, 0x10000, true}, {0x40000, 0x10001, false}, {0x4ffff, 1, true},
		{0x4ffff, 2, false}, {0x50000, 0, false}, {0x20000, 1, false}} {
		if got := m.framed(c.p, c.n); got != c.want {
			t.Errorf("%d bytes at %#x: framed %t, want %t", c.n, c.p, got, c.want)
		}
	}
}

// TestWrittenNumbers: each kind of number has its size and its bytes.
func TestWrittenNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		value any
		want  []byte
	}{
		"a type":   {winnt.TokenImpersonation, halves(2)},
		"a level":  {winnt.SecurityDelegation, halves(3)},
		"32 bits":  {uint32(0x12345678), halves(0x12345678)},
		"a LUID":   {winnt.LUID(0x1_0000_0002), words(0x1_0000_0002)},
		"a handle": {winnt.Handle(0x44), words(0x44)},
		"bytes":    {[]byte{1, 2, 3}, []byte{1, 2, 3}},
	} {
		e := Encoder{Base: 0x1000}
		if e.TokenInformation(winnt.TokenUser, c.value); !bytes.Equal(e.Bytes, c.want) {
			t.Errorf("%s: %x, want %x", name, e.Bytes, c.want)
		}
	}
}

// TestNothingIsCaptured: NULL for what may be left out is nothing, and no failure.
func TestNothingIsCaptured(t *testing.T) {
	var m Memory
	id, idSt := m.ClientIDAt(0)
	guid, guidSt := m.GUIDAt(0)
	policy, policySt := m.PolicyAt(0)
	list, listSt := m.TokenAttributesAt(0)
	if id != nil || guid != nil || policy != nil || list != nil {
		t.Errorf("a client %v, a GUID %v, a policy %v, attributes %v", id, guid, policy, list)
	}
	for name, st := range map[string]ntstatus.Status{"client": idSt, "GUID": guidSt, "policy": policySt,
		"attributes": listSt} {
		if st != ntstatus.Success {
			t.Errorf("%s: %v", name, st)
		}
	}
}
