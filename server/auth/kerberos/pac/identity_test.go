package pac

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// third is a domain of neither the user nor this computer; machine is the domain of this computer's accounts.
const (
	third   = "S-1-5-21-70-80-90"
	machine = "S-1-5-21-1-1-1"
)

// TestSIDsCountOnlyWithTheirFlag checks that SIDs and resource groups do not count without their own flag, whatever
// other flags are set (K-5).
func TestSIDsCountOnlyWithTheirFlag(t *testing.T) {
	for _, flags := range []uint32{0, 0x20, 0x200, 0x220, 0xFFFFFFFF, 0xFFFFFFDF, 0xFFFFFDFF, 0xFFFFFDDF} {
		data := replaceBuffer(forge.LogonInfo, func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[136:], flags) // behind the groups' count and pointer (MS-PAC 2.5)
			return b
		})
		p := check.Must(Open(data, key(18)))
		l := &p.Logon
		check.That(t, l.UserFlags == flags && len(l.ExtraSIDs) > 0 == (flags&0x20 != 0),
			"K-5: flags %#x: %#x, %d SIDs", flags, l.UserFlags, len(l.ExtraSIDs))
		if there := flags&0x200 != 0; len(l.ResourceGroups) > 0 != there || l.ResourceDomain.IsZero() == there {
			t.Errorf("K-5: flags %#x: %d groups of %v", flags, len(l.ResourceGroups), l.ResourceDomain)
		}
	}
}

func opened(t testing.TB, w forge.PAC) *PAC {
	t.Helper()
	return check.Must(Open(forge.Seal(w.Buffers(), key(18)), key(18)))
}

func identityOf(t testing.TB, w forge.PAC, at Place) Identity {
	t.Helper()
	return check.Must(opened(t, w).Identity(at))
}

func texts(groups []token.Group) (out []string) {
	for _, g := range groups {
		out = append(out, fmt.Sprintf("%v %#x", g.SID, g.Attributes))
	}
	return out
}

// TestIdentityHasGroupsInOrder checks a user's groups: their order and attributes, without duplicates (K-18). Claims
// and the device count only if the KDC says so (K-19, K-20, K-21).
func TestIdentityHasGroupsInOrder(t *testing.T) {
	w := alice()
	w.Primary = 520
	w.Groups = []forge.Group{{RID: 2001, Attributes: 0x10}, {RID: 520, Attributes: 0x20000007}, {RID: 2002,
		Attributes: 0},
		{RID: 2001, Attributes: 7}, {RID: 2003, Attributes: 0xFFFFFFFF}}
	id := identityOf(t, w, Place{})
	want := []string{"S-1-5-21-10-20-30-520 0x20000007", "S-1-5-21-10-20-30-2001 0x10", "S-1-5-21-10-20-30-2002 0x0",
		"S-1-5-21-10-20-30-2003 0x2000001f", "S-1-18-1 0x7", "S-1-5-21-0-0-0-497 0x7",
		"S-1-5-21-10-20-30-3001 0x20000007"}
	if got := texts(id.Groups); !slices.Equal(got, want) {
		t.Errorf("K-18: groups\n%q, want\n%q", got, want)
	}
	if id.User != domain.WithRID(1104) || id.PrimaryGroup != domain.WithRID(520) || len(id.Dropped) != 0 {
		t.Errorf("K-18: %+v, want the user %v, the primary group %v, and no dropped SID", id, domain.WithRID(1104),
			domain.WithRID(520))
	}
	w.Primary = 521 // in no list
	check.Equal(t, texts(identityOf(t, w, Place{}).Groups)[0], "S-1-5-21-10-20-30-521 0x7", "K-18: the primary group")
	w.Primary = 2001 // of the list, without the attributes of an enabled group
	check.Equal(t, texts(identityOf(t, w, Place{}).Groups)[0], "S-1-5-21-10-20-30-2001 0x10", "K-18: the primary group")
	for bits := range 64 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		w, group := alice(), func(s sid.SID) token.Group { return token.Group{SID: s, Attributes: 7} }
		w.Extra, w.Device.Extra = nil, nil
		if on(0) {
			w.Extra = append(w.Extra, group(ClaimsValid))
		}
		if on(1) {
			w.Extra = append(w.Extra, group(Compounded))
		}
		if on(2) {
			w.Device.Extra = append(w.Device.Extra, group(ClaimsValid))
		}
		if !on(3) {
			w.Claims = nil
		}
		if !on(4) {
			w.DeviceClaims = nil
		}
		device := on(5)
		if !device {
			w.Device = nil
		}
		id := identityOf(t, w, Place{})
		got := id.UserClaims.Len() > 0
		check.That(t, got == (on(0) && on(3)), "K-19: %06b: claims of the user %t", bits, got)
		got = len(id.DeviceGroups) > 0
		check.That(t, got == (on(1) && device), "K-20: %06b: groups of the device %t", bits, got)
		got = id.DeviceClaims.Len() > 0
		check.That(t, got == (on(1) && on(2) && on(4) && device), "K-21: %06b: claims of the device %t", bits, got)
	}
	w = alice()
	w.Extra, w.ResourceDomain = nil, ClaimsValid.Prefix()
	w.Resources = []forge.Group{{RID: ClaimsValid.RID(), Attributes: 7}}
	check.Equal(t, identityOf(t, w, Place{}).UserClaims.Len(), 0, "K-19: claims by a resource group")
	w = alice()
	w.Extra = append(w.Extra, token.Group{SID: Compounded, Attributes: 7})
	w.Device.Others = map[sid.SID][]forge.Group{sid.MustParse(third): {{RID: 77, Attributes: 7}}}
	got := texts(identityOf(t, w, Place{Domain: other}).DeviceGroups)
	want = []string{"S-1-5-21-40-50-60-515 0x7", "S-1-5-21-0-0-0-497 0x7", third + "-77 0x7"}
	check.That(t, slices.Equal(got, want), "K-20: groups of the device %q, want %q", got, want)
}

// TestForeignClientIsNotOfOurDomain checks that a client of another realm is neither a user of our domain nor of this
// computer, and is rejected unless our own domain is known (K-29). Only our KDC may assign groups of our domain (K-24).
func TestForeignClientIsNotOfOurDomain(t *testing.T) {
	ours := Place{Domain: domain, Machine: sid.MustParse(machine)}
	for name, c := range map[string]struct {
		of    sid.SID
		at    Place
		valid bool
	}{
		"ours":                             {domain, ours, true},
		"another domain in our realm":      {other, ours, true},
		"of another realm":                 {other, Place{Domain: domain, Foreign: true}, true},
		"of another realm, ours unknown":   {other, Place{Foreign: true}, false},
		"of another realm, as one of ours": {domain, Place{Domain: domain, Foreign: true}, false},
		"of this computer":                 {sid.MustParse(machine), ours, false},
		"of another realm, as of this computer": {sid.MustParse(machine),
			Place{Domain: domain, Machine: sid.MustParse(machine), Foreign: true}, false},
	} {
		w := alice()
		w.Domain, w.UPNSID, w.Requestor = c.of, sid.SID{}, sid.SID{}
		if _, err := opened(t, w).Identity(c.at); (err == nil) != c.valid || err != nil && !errors.Is(err,
			ErrInvalid) {
			t.Errorf("K-29: %s: %v", name, err)
		}
	}
	w := alice()
	w.Domain, w.UPNSID, w.Requestor = other, sid.SID{}, sid.SID{}
	w.Resources = []forge.Group{{RID: 3001, Attributes: 0x20000007}, {RID: 512, Attributes: 7}}
	w.Extra = []token.Group{{SID: domain.WithRID(512), Attributes: 7}, {SID: domain.WithRID(3002), Attributes: 7}}
	id := identityOf(t, w, ours)
	got := texts(id.Groups)
	want := []string{"S-1-5-21-40-50-60-513 0x7", "S-1-5-21-40-50-60-2001 0x7", "S-1-5-21-10-20-30-3001 0x20000007"}
	check.That(t, slices.Equal(got, want) && len(id.Dropped) == 2,
		"K-24: groups %q, want %q; dropped %v", got, want, id.Dropped)
	// An issuer that also sends a resource group's SID does not remove the group: deny entries may name it.
	w.Extra = []token.Group{{SID: domain.WithRID(3001), Attributes: 7}}
	if id = identityOf(t, w, ours); !slices.Equal(texts(id.Groups), want) || len(id.Dropped) != 2 {
		t.Errorf("K-24: groups %q, want %q; dropped %v", texts(id.Groups), want, id.Dropped)
	}
	// Of the domain's resource groups only those that administrators created count, not well-known ones (K-24), with
	// attributes that a KDC may assign (K-18).
	w.Extra = nil
	w.Resources = []forge.Group{{RID: 512, Attributes: 7}, {RID: 999, Attributes: 7}, {RID: 1000, Attributes: 0xFFFFFFFF},
		{RID: 1000, Attributes: 15}} // a repeated group counts once
	got = texts(identityOf(t, w, ours).Groups)
	want = []string{"S-1-5-21-40-50-60-513 0x7", "S-1-5-21-40-50-60-2001 0x7", "S-1-5-21-10-20-30-1000 0x2000001f"}
	check.That(t, slices.Equal(got, want), "K-24: groups %q, want %q", got, want)
	w.Extra = []token.Group{{SID: domain.WithRID(512), Attributes: 7}, {SID: domain.WithRID(3002), Attributes: 7}}
	w.ResourceDomain = sid.MustParse("S-1-5-32") // no resource group is Administrators of this computer (K-22)
	w.Resources = []forge.Group{{RID: 544, Attributes: 7}, {RID: 1544, Attributes: 7}}
	id = identityOf(t, w, ours)
	check.Equal(t, len(id.Dropped), 4, "K-22: dropped %v: their number", id.Dropped)
}

func BenchmarkThousandGroups(b *testing.B) {
	w := alice()
	w.Groups = nil
	for i := range 1000 {
		w.Groups = append(w.Groups, forge.Group{RID: uint32(2000 + i), Attributes: 7})
	}
	data := forge.Seal(w.Buffers(), key(18))
	f := check.Must(split(data))
	b.ReportAllocs()
	for b.Loop() {
		p := check.Must(f.read())
		if id, err := p.Identity(Place{Domain: domain}); err != nil || len(id.Groups) < 1000 {
			b.Fatal(err)
		}
	}
}
