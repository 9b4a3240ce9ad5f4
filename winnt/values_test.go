package winnt_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Map replaces each generic bit by its rights and keeps every other bit (S-11).
func TestMapReplacesGenericRights(t *testing.T) {
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
		check.Equal(t, m.Map(in), want, "Map(%v)", in)
	}
}

// STANDARD_RIGHTS_READ, _WRITE and _EXECUTE are READ_CONTROL, as in winnt.h (T-6).
func TestStandardRightsMatchHeaders(t *testing.T) {
	for name, c := range map[string]struct{ got, want winnt.AccessMask }{
		"STANDARD_RIGHTS_READ":     {winnt.STANDARD_RIGHTS_READ, 0x20000},
		"STANDARD_RIGHTS_WRITE":    {winnt.STANDARD_RIGHTS_WRITE, 0x20000},
		"STANDARD_RIGHTS_EXECUTE":  {winnt.STANDARD_RIGHTS_EXECUTE, 0x20000},
		"STANDARD_RIGHTS_REQUIRED": {winnt.STANDARD_RIGHTS_REQUIRED, 0xF0000},
		"STANDARD_RIGHTS_ALL":      {winnt.STANDARD_RIGHTS_ALL, 0x1F0000},
		"SPECIFIC_RIGHTS_ALL":      {winnt.SPECIFIC_RIGHTS_ALL, 0xFFFF},
	} {
		check.That(t, c.got == c.want, "%s = %#x, want %#x", name, c.got, c.want)
	}
}

// The first eight of a GUID's sixteen bytes are one 32-bit and two 16-bit little-endian numbers. Its text therefore
// has their bytes in reverse order, and the other eight in order (S-15).
func TestGUIDTextReversesNumbers(t *testing.T) {
	g := winnt.GUID{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF}
	const text = "00112233-4455-6677-8899-aabbccddeeff"
	check.Equal(t, g.String(), text, "String of the GUID")
	if got, err := winnt.ParseGUID(text); got != g || err != nil {
		t.Errorf("ParseGUID(%s) = %x, %v; want %x, nil", text, got[:], err, g[:])
	}
}

// Levels, types and handles print as their documented names, and other values as numbers.
func TestValuesPrintDocumentedNames(t *testing.T) {
	for got, want := range map[string]string{
		winnt.SecurityAnonymous.String():             "SecurityAnonymous",
		winnt.SecurityIdentification.String():        "SecurityIdentification",
		winnt.SecurityImpersonation.String():         "SecurityImpersonation",
		winnt.SecurityDelegation.String():            "SecurityDelegation",
		winnt.SecurityImpersonationLevel(4).String(): "SECURITY_IMPERSONATION_LEVEL(4)",
		winnt.TokenPrimary.String():                  "TokenPrimary", winnt.TokenImpersonation.String(): "TokenImpersonation",
		winnt.TokenType(0).String(): "TOKEN_TYPE(0)", winnt.TokenType(3).String(): "TOKEN_TYPE(3)",
		winnt.NtCurrentProcess.String(): "NtCurrentProcess()", winnt.NtCurrentThread.String(): "NtCurrentThread()",
		winnt.NtCurrentProcessToken.String():   "NtCurrentProcessToken()",
		winnt.NtCurrentThreadToken.String():    "NtCurrentThreadToken()",
		winnt.NtCurrentEffectiveToken.String(): "NtCurrentEffectiveToken()", winnt.Handle(0x1c).String(): "0x1c",
		winnt.Handle(-3).String(): "0xfffffffffffffffd", winnt.SYSTEM_LUID.String(): "0x3e7",
		winnt.LUID(0xFFFFFFFFFFFFFFFF).String(): "0xffffffffffffffff",
	} {
		check.Equal(t, got, want, "String")
	}
	for i, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityAnonymous, winnt.SecurityIdentification,
		winnt.SecurityImpersonation, winnt.SecurityDelegation} {
		check.Equal(t, int(level), i, "number of %v", level)
	}
}

// ParseGUID and ParseLUID reject malformed text, wherever the mistake is.
func TestParseRejectsMalformedText(t *testing.T) {
	const guid = "00112233-4455-6677-8899-aabbccddeeff"
	if g, err := winnt.ParseGUID(strings.ToUpper(guid)); err != nil || g.String() != guid {
		t.Errorf("ParseGUID of capitals: %v, %v; want %v, nil", g, err, guid)
	}
	for i := range len(guid) {
		for _, c := range []string{"g", " ", "", "00"} {
			text := guid[:i] + c + guid[i+1:]
			if g, err := winnt.ParseGUID(text); err == nil || g != (winnt.GUID{}) {
				t.Errorf("ParseGUID(%q) = %v, %v; want the zero GUID, an error", text, g, err)
			}
		}
		if guid[i] == '-' { // a digit for a dash, and a dash for a digit
			for _, text := range []string{guid[:i] + "0" + guid[i+1:35] + "-", "-" + guid[1:i] + "0" + guid[i+1:]} {
				if g, err := winnt.ParseGUID(text); err == nil {
					t.Errorf("ParseGUID(%q) = %v, want an error", text, g)
				}
			}
		}
	}
	for text, want := range map[string]winnt.LUID{"0x3e7": winnt.SYSTEM_LUID, "999": 999, "0": 0,
		"0xFFFFFFFFFFFFFFFF": 1<<64 - 1} {
		if got, err := winnt.ParseLUID(text); err != nil || got != want {
			t.Errorf("ParseLUID(%s) = %v, %v; want %v, nil", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "3e7", "0x10000000000000000"} {
		if got, err := winnt.ParseLUID(text); err == nil || got != 0 {
			t.Errorf("ParseLUID(%q) = %v, %v; want 0, an error", text, got, err)
		}
	}
}
