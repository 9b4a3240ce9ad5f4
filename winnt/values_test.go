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

// Levels, types, handles and uses of SIDs print as their documented names, and other values as numbers.
func TestValuesPrintDocumentedNames(t *testing.T) {
	for i, want := range strings.Fields("SID_NAME_USE(0) SidTypeUser SidTypeGroup SidTypeDomain SidTypeAlias " +
		"SidTypeWellKnownGroup SidTypeDeletedAccount SidTypeInvalid SidTypeUnknown SidTypeComputer SidTypeLabel " +
		"SidTypeLogonSession SID_NAME_USE(12)") {
		check.Equal(t, winnt.SIDNameUse(i).String(), want, "String of use %d", i)
	}
	for got, want := range map[string]string{
		winnt.TokenPrimary.String(): "TokenPrimary", winnt.TokenImpersonation.String(): "TokenImpersonation",
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
	levels := strings.Fields("SecurityAnonymous SecurityIdentification SecurityImpersonation SecurityDelegation " +
		"SECURITY_IMPERSONATION_LEVEL(4)")
	for i, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityAnonymous, winnt.SecurityIdentification,
		winnt.SecurityImpersonation, winnt.SecurityDelegation, 4} {
		check.That(t, int(level) == i && level.String() == levels[i], "level %d: %v, want %d, %s", level, level, i, levels[i])
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
		if i > 0 { // two dashes for two digits
			text := guid[:i-1] + "--" + guid[i+1:]
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
