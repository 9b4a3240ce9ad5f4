package token_test

import (
	"iter"
	"slices"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A mandatory group is enabled, and enabled by default (T-2).
func TestMandatoryGroupIsEnabled(t *testing.T) {
	a, _ := attributes(t, must(t, setup()), sid.Users)
	check.That(t, a == token.GroupDefault, "Users has attributes %#x, want 0x7", a)
}

// Integrity levels have names. A token has at most one integrity entry, and a Spec cannot give two (T-4).
func TestTokenHasOneIntegrityEntry(t *testing.T) {
	for name, rid := range map[string]uint32{"Untrusted": 0, "Low": 0x1000, "Medium": 0x2000, "MediumPlus": 0x2100,
		"High": 0x3000, "System": 0x4000, "Protected": 0x5000, "S-1-16-9000": 9000} {
		s, ok := token.ParseIntegrityLevel(name)
		check.That(t, ok && s.RID() == rid && token.IntegrityName(rid) == name,
			"ParseIntegrityLevel(%s) = %v, IntegrityName of its value = %s", name, s, token.IntegrityName(rid))
	}
	entry := token.Group{SID: sid.MediumLevel, Attributes: 0x60}
	tok := must(t, setup(entry))
	check.That(t, tok.GroupCount() == 4 && tok.Integrity() == 0x2000,
		"%d groups, integrity %#x; want 4, 0x2000: the given entry is the integrity entry", tok.GroupCount(), tok.Integrity())
}

// A Token header stays small, because a kernel keeps many.
func TestTokenHeaderStaysSmall(t *testing.T) {
	n := unsafe.Sizeof(token.Token{})
	check.That(t, n <= 96, "size of Token is %d bytes, want at most 96", n)
}

// IsSandboxed is true for AppContainers, write-restricted tokens and LUA tokens only. OnlyUserSide is false for
// AppContainers and restricted tokens only.
func TestIsSandboxedForLimitedTokensOnly(t *testing.T) {
	tok := must(t, token.Administrator(userU))
	check.That(t, tok.PrivilegeCount() == 24, "administrator has %d privileges, want 24", tok.PrivilegeCount())
	for _, c := range []struct {
		name            string
		tok             *token.Token
		sandboxed, user bool
	}{
		{"administrator", tok, false, true},
		{"restricted", filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users)}), false, false},
		{"write-restricted", filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users),
			Flags: winnt.WRITE_RESTRICTED}), true, false},
		{"LUA", filter(t, tok, token.FilterSpec{Flags: winnt.LUA_TOKEN}), true, true},
		{"AppContainer", lowbox(t, tok, "S-1-15-2-1-2-3"), true, false},
	} {
		check.Equal(t, c.tok.IsSandboxed(), c.sandboxed, "IsSandboxed of %s", c.name)
		check.Equal(t, c.tok.OnlyUserSide(), c.user, "OnlyUserSide of %s", c.name)
	}
}

// The built-in tokens hold and enable the documented privileges.
func TestProfilesHoldDocumentedPrivileges(t *testing.T) {
	for _, c := range []struct {
		name          string
		spec          token.Spec
		held, enabled []int
	}{
		{"system", token.LocalSystem(),
			[]int{2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 28, 29, 30, 31, 32, 33, 34,
				35, 36},
			[]int{4, 7, 11, 13, 14, 15, 16, 20, 21, 23, 29, 30, 33, 34, 35, 36}},
		{"administrator", token.Administrator(userU),
			[]int{5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 22, 23, 24, 25, 28, 29, 30, 33, 34, 35, 36},
			[]int{23, 29, 30}},
		{"limited", token.LimitedAdministrator(userU), []int{19, 23, 25, 33, 34}, []int{23}},
		{"user", token.StandardUser(userU), []int{19, 23, 25, 33, 34}, []int{23}},
		{"local service", token.LocalService(), []int{3, 5, 12, 21, 23, 29, 30, 33, 34}, []int{23, 29, 30}},
		{"network service", token.NetworkService(), []int{3, 5, 21, 23, 29, 30, 33}, []int{23, 29, 30}},
		{"anonymous", token.Anonymous(true), nil, nil},
	} {
		tok := must(t, c.spec)
		var held, enabled []int
		for p := range tok.Privileges() {
			held = append(held, int(p))
			if tok.Has(p) {
				enabled = append(enabled, int(p))
			}
		}
		check.That(t, slices.Equal(held, c.held) && slices.Equal(enabled, c.enabled),
			"%s: held %v, enabled %v; want %v, %v", c.name, held, enabled, c.held, c.enabled)
	}
	anon := must(t, token.Anonymous(false))
	check.That(t, anon.GroupCount() == 1 && anon.AuthenticationID() == 0x3E6 && anon.Source().Name == "*SYSTEM*",
		"Anonymous(false): %d groups, authentication id %v, source %q; want 1, 0x3e6, *SYSTEM*", anon.GroupCount(),
		anon.AuthenticationID(), anon.Source().Name)
}

// A caller may leave the loop over any of a token's lists.
func TestListsEndWhereCallerStops(t *testing.T) {
	two := []token.Group{{SID: sid.Everyone}, {SID: sid.Users}}
	caps := []token.Group{{SID: sid.MustParse("S-1-15-3-1")}, {SID: sid.MustParse("S-1-15-3-2")}}
	tok := must(t, token.Spec{User: token.Group{SID: userU}, Groups: two, Restricted: two, DeviceGroups: two,
		RestrictedDeviceGroups: two, Package: sid.MustParse("S-1-15-2-1"), Capabilities: caps})
	for name, list := range map[string]iter.Seq2[int, token.Group]{"Groups": tok.Groups(), "Restricted": tok.Restricted(),
		"Capabilities": tok.Capabilities(), "DeviceGroups": tok.DeviceGroups(),
		"RestrictedDeviceGroups": tok.RestrictedDeviceGroups()} {
		n := 0
		for range list {
			n++
			break
		}
		check.Equal(t, n, 1, "%s, entries before the caller stops", name)
	}
}
