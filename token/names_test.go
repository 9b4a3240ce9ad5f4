package token_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// A name of two bits, LogonId, needs both (winnt.h, SE_GROUP_*). Bits without a name are left out.
func TestGroupAttributeNamesNeedAllBits(t *testing.T) {
	for bits, want := range map[uint32]string{
		0: "", 7: "Mandatory EnabledByDefault Enabled", 0x18: "Owner UseForDenyOnly", 0x60: "Integrity IntegrityEnabled",
		0x40000000: "", 0x80000000: "", 0xC0000000: "LogonId", 0xE0000000: "Resource LogonId", 0x1FFFFF80: "",
	} {
		names := token.GroupAttributeNames(bits)
		check.That(t, names != nil && strings.Join(names, " ") == want, "names of %#x: %q, want %q", bits, names, want)
	}
}

// A level between two named ones keeps its number. Only names and SIDs S-1-16-x are levels (T-4).
func TestIntegrityLevelsHaveNames(t *testing.T) {
	for rid, want := range map[uint32]string{0: "Untrusted", 0x1000: "Low", 0x2000: "Medium", 0x2100: "MediumPlus",
		0x3000: "High", 0x4000: "System", 0x5000: "Protected", 0x2001: "S-1-16-8193", 1 << 31: "S-1-16-2147483648"} {
		check.Equal(t, token.IntegrityName(rid), want, "name of level %#x", rid)
		level, ok := token.ParseIntegrityLevel(want)
		check.That(t, ok && level == sid.IntegrityLevel(rid), "ParseIntegrityLevel(%s) = %v, %t; want level %#x", want,
			level, ok, rid)
	}
	for _, text := range []string{"", "medium", "BA", "S-1-16", "S-1-16-1-2", "S-1-1-0", "S-1-5-8192"} {
		_, ok := token.ParseIntegrityLevel(text)
		check.That(t, !ok, "ParseIntegrityLevel(%q) accepts it", text)
	}
}
