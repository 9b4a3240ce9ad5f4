//go:build linux

package marshal

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestStructuresHaveDocumentedBytes checks TOKEN_STATISTICS, TOKEN_PRIVILEGES, TOKEN_BNO_ISOLATION_INFORMATION and
// UNICODE_STRING, byte by byte, in the order of winnt.h.
func TestStructuresHaveDocumentedBytes(t *testing.T) {
	e := Encoder{Base: 0x1000}
	e.TokenInformation(winnt.TokenStatistics, nt.TokenStatistics{TokenID: 1, AuthenticationID: 2, ExpirationTime: -3,
		TokenType: 4, ImpersonationLevel: 5, DynamicCharged: 6, DynamicAvailable: 7, GroupCount: 8, PrivilegeCount: 9,
		ModifiedID: 10})
	if want := words(1, 2, 1<<64-3, 4|5<<32, 6|7<<32, 8|9<<32, 10); !bytes.Equal(e.Bytes, want) {
		t.Errorf("statistics %x, want %x", e.Bytes, want)
	}
	e = Encoder{Base: 0x1000}
	e.TokenInformation(winnt.TokenPrivileges, []nt.LUIDAndAttributes{{LUID: 23, Attributes: 3},
		{LUID: 1 << 33}})
	if want := halves(2, 23, 0, 3, 0, 2, 0); !bytes.Equal(e.Bytes, want) {
		t.Errorf("privileges %x, want %x", e.Bytes, want)
	}
	e = Encoder{Base: 0x1000}
	e.PrivilegeSet(&nt.PrivilegeSet{Control: 7, Privilege: []nt.LUIDAndAttributes{{LUID: 20, Attributes: 2}}})
	if want := halves(1, 7, 20, 0, 2); !bytes.Equal(e.Bytes, want) {
		t.Errorf("privilege set %x, want %x", e.Bytes, want)
	}
	for prefix, want := range map[string][]byte{"": words(0, 0), "a": join(words(0x1010, 1), utf("a"))} {
		e = Encoder{Base: 0x1000}
		e.TokenInformation(winnt.TokenBnoIsolation, nt.TokenBnoIsolation{IsolationPrefix: prefix,
			IsolationEnabled: prefix != ""})
		check.That(t, bytes.Equal(e.Bytes, want), "isolation %q: %x, want %x", prefix, e.Bytes, want)
	}
	e = Encoder{Base: 0x1000}
	e.Claims(nil)
	e.TokenAttributes(nil)
	if want := words(1, 0, 1, 0); !bytes.Equal(e.Bytes, want) {
		t.Errorf("two empty lists of attributes %x, want %x", e.Bytes, want)
	}
	e = Encoder{Base: 0x1000}
	at := e.Reserve(16)
	e.Counted(at, "a\U0001F600")
	if want := join(words(6|6<<16, 0x1010), []byte{'a', 0, 0x3D, 0xD8, 0, 0xDE}); !bytes.Equal(e.Bytes, want) {
		t.Errorf("a string %x, want %x", e.Bytes, want)
	}
	for units, want := range map[int]uint64{1<<15 - 1: 0xFFFE, 1 << 15: 0xFFFE, 1<<15 + 1: 0xFFFE} {
		e = Encoder{Base: 0x1000}
		e.Counted(e.Reserve(16), strings.Repeat("a", units))
		check.That(t, bytes.Equal(e.Bytes[:16], words(want|want<<16, 0x1010)), "string of %d units: %x, want length %#x",
			units, e.Bytes[:16], want)
	}
	for units, want := range map[int]uint64{1<<15 - 2: 0xFFFC, 1<<15 - 1: 0xFFFC, 1 << 15: 0xFFFC, 1<<15 + 1: 0xFFFC} {
		e = Encoder{Base: 0x1000}
		e.Unicode(e.Reserve(16), strings.Repeat("a", units))
		check.That(t, bytes.Equal(e.Bytes[:16], words(want|(want+2)<<16, 0x1010)) && len(e.Bytes) == 16+0xFFFE &&
			e.Bytes[len(e.Bytes)-2] == 0, "string of %d units with its NUL: %x and %d bytes, want length %#x", units,
			e.Bytes[:16], len(e.Bytes)-16, want)
	}
}

// TestNumbersHaveTheirSize checks that each kind of number has its size and its bytes.
func TestNumbersHaveTheirSize(t *testing.T) {
	for name, c := range map[string]struct {
		value any
		want  []byte
	}{
		"a type":   {winnt.TokenImpersonation, halves(2)},
		"a level":  {winnt.SecurityDelegation, halves(3)},
		"32 bits":  {uint32(0x12345678), halves(0x12345678)},
		"a LUID":   {winnt.LUID(0x1_0000_0002), words(0x1_0000_0002)},
		"no SID":   {sid.SID{}, words(0)},
		"a handle": {winnt.Handle(0x44), words(0x44)},
		"bytes":    {[]byte{1, 2, 3}, []byte{1, 2, 3}},
	} {
		e := Encoder{Base: 0x1000}
		if e.TokenInformation(winnt.TokenUser, c.value); !bytes.Equal(e.Bytes, c.want) {
			t.Errorf("%s: %x, want %x", name, e.Bytes, c.want)
		}
	}
}
