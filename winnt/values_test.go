package winnt_test

import (
	"testing"

	"github.com/refmon/refmon/winnt"
)

// Each set of generic bits stands for the sum of what its bits stand for, the four
// bits go, and every other bit stays (S-11).
func TestMapping(t *testing.T) {
	m := &winnt.GenericMapping{Read: 1, Write: 2, Execute: 4, All: 8}
	const other = winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY | winnt.READ_CONTROL | 0x100
	for set := range winnt.AccessMask(16) {
		in, want := other, other
		for i, generic := range []winnt.AccessMask{
			winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_EXECUTE, winnt.GENERIC_ALL,
		} {
			if set>>i&1 != 0 {
				in, want = in|generic, want|1<<i
			}
		}
		if got := m.Map(in); got != want {
			t.Errorf("%v maps to %v, want %v", in, got, want)
		}
	}
}

// STANDARD_RIGHTS_READ, _WRITE and _EXECUTE are READ_CONTROL, as winnt.h has them (T-6).
func TestStandardRights(t *testing.T) {
	for name, c := range map[string]struct{ got, want winnt.AccessMask }{
		"STANDARD_RIGHTS_READ":     {winnt.STANDARD_RIGHTS_READ, 0x20000},
		"STANDARD_RIGHTS_WRITE":    {winnt.STANDARD_RIGHTS_WRITE, 0x20000},
		"STANDARD_RIGHTS_EXECUTE":  {winnt.STANDARD_RIGHTS_EXECUTE, 0x20000},
		"STANDARD_RIGHTS_REQUIRED": {winnt.STANDARD_RIGHTS_REQUIRED, 0xF0000},
		"STANDARD_RIGHTS_ALL":      {winnt.STANDARD_RIGHTS_ALL, 0x1F0000},
		"SPECIFIC_RIGHTS_ALL":      {winnt.SPECIFIC_RIGHTS_ALL, 0xFFFF},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#x, want %#x", name, c.got, c.want)
		}
	}
}

// Of a GUID's sixteen bytes in memory the first eight are one 32-bit and two 16-bit
// little-endian numbers, so that they print turned round, and the rest as they stand (S-15).
func TestGUID(t *testing.T) {
	g := winnt.GUID{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF}
	const text = "00112233-4455-6677-8899-aabbccddeeff"
	if got := g.String(); got != text {
		t.Errorf("it prints as %s, want %s", got, text)
	}
	if got, err := winnt.ParseGUID(text); got != g || err != nil {
		t.Errorf("%s is read as %x, %v", text, got[:], err)
	}
}
