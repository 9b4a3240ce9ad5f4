package words_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// A GUID is printed by its name. If it has several names, the mask decides which.
func TestEntryIsNamedByGUIDAndMask(t *testing.T) {
	for text, want := range map[string]string{
		"(A;;WP;;;WD)":  "",
		"(OA;;WP;;;WD)": "",
		"(OA;;WP;00000000-0000-0000-0000-000000000000;;WD)": "",
		"(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)": "on member",
		"(OA;;SW;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)": "on Self-Membership",
		"(OD;;CR;00299570-246d-11d0-a768-00aa006e0529;;WD)": "on User-Force-Change-Password",
		"(OA;;CC;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)": "on user",
		"(OA;CI;RP;12345678-0000-0000-0000-000000000001;bf967aba-0de6-11d0-a285-00aa003049e2;WD)": "on " +
			"12345678-0000-0000-0000-000000000001, for children of class user",
		"(OA;CI;GA;;bf967a9c-0de6-11d0-a285-00aa003049e2;WD)": "for children of class group",
	} {
		for _, a := range sddl.MustParse("D:" + text).DACL().All() {
			check.Equal(t, words.Entry(a), want, "%s", text)
		}
	}
}

// An entry for an object type that does not exist, which only bytes can express, applies to nothing.
func TestUnknownTypeLimitsEntryToNothing(t *testing.T) {
	const everyone = "010100000000000100000000"
	zeros := strings.Repeat("00", 16)
	for _, ace := range []string{"05002800" + "20000000" + "01000000" + zeros + everyone,
		"05002800" + "20000000" + "02000000" + zeros + everyone} {
		b := check.Must(hex.DecodeString("01000480" + strings.Repeat("00", 12) + "14000000" + "0400300001000000" + ace))
		d := check.Must(sd.Decode(b))
		for _, a := range d.DACL().All() {
			got := words.Entry(a)
			check.That(t, got == "", `%s: %q, want ""`, ace, got)
		}
	}
}
