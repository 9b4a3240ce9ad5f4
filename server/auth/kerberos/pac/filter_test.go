package pac

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// The recorded reasons for dropped SIDs.
const (
	ofComputer  = "a well-known SID of this computer"
	ofNoDomain  = "no account of a domain"
	ofMachine   = "a group of this computer"
	ofOwnDomain = "a SID of the own domain from another issuer"
	ofThird     = "a well-known group of a third domain"
	asserted    = "an asserted identity of another issuer"
	controllers = "Enterprise Domain Controllers of another issuer"
	label       = "a label or a package"
	unixHost    = "a user or group of a Unix host"
)

// everyKind has SIDs of each kind with the rule that drops them if they come from our own KDC, and from another
// issuer; "" if they pass (K-22, K-23, K-25, K-27, K-28). [filterCases] adds domain SIDs.
var everyKind = []struct{ sid, own, other string }{
	{"S-1-0-0", ofComputer, ofComputer}, {"S-1-1-0", ofComputer, ofComputer}, {"S-1-2-0", ofComputer, ofComputer},
	{"S-1-3-4", ofComputer, ofComputer}, {"S-1-4-1", "", ""}, {"S-1-5-2", ofComputer, ofComputer},
	{"S-1-5-9", "", controllers}, {"S-1-5-9-1", ofComputer, ofComputer}, {"S-1-5-15", "", ""},
	{"S-1-5-15-1", ofComputer, ofComputer}, {"S-1-5-18", ofComputer, ofComputer},
	{"S-1-5-32-544", ofComputer, ofComputer}, {"S-1-5-80-1-2-3-4-5", ofComputer, ofComputer},
	{"S-1-5-999", ofComputer, ofComputer}, {"S-1-5-1000", "", ""}, {"S-1-5-1000-7", "", ""},
	{"S-1-5-21", ofNoDomain, ofNoDomain}, {"S-1-5-21-1", ofNoDomain, ofNoDomain},
	{"S-1-5-21-0-0-0-495", ofNoDomain, ofNoDomain}, {"S-1-5-21-0-0-0-496", "", ""},
	{"S-1-5-21-0-0-0-497", "", ""}, {"S-1-5-21-0-0-7-1000", "", ""}, {"S-1-5-21-0-7-0-1000", "", ""},
	{"S-1-5-21-0-0-0-498", ofNoDomain, ofNoDomain},
	{"S-1-6-1", ofComputer, ofComputer}, {"S-1-9-1", ofComputer, ofComputer}, {"S-1-10-1", "", ""},
	{"S-1-11-1", ofComputer, ofComputer}, {"S-1-15-2-1", label, label}, {"S-1-16-12288", label, label},
	{"S-1-17-1", ofComputer, ofComputer}, {"S-1-18-1", "", asserted}, {"S-1-18-2", "", asserted},
	{"S-1-19-1", ofComputer, ofComputer}, {"S-1-22-1-0", unixHost, unixHost}, {"S-1-22-2-7", unixHost, unixHost},
	{"S-1-23-1", ofComputer, ofComputer}, {machine, ofNoDomain, ofNoDomain}, {machine + "-999", ofMachine, ofMachine},
	{machine + "-1000", ofMachine, ofMachine}, {machine + "-1001", ofMachine, ofMachine},
	{machine + "-544", ofMachine, ofMachine}, {"S-1-2-1", ofComputer, ofComputer}, {"S-1-3-0", ofComputer, ofComputer},
	{"S-1-5-4", ofComputer, ofComputer}, {"S-1-5-5-1-2", ofComputer, ofComputer}, {"S-1-5-6", ofComputer, ofComputer},
	{"S-1-5-7", ofComputer, ofComputer}, {"S-1-5-11", ofComputer, ofComputer}, {"S-1-5-20", ofComputer, ofComputer},
	{"S-1-5-32", ofComputer, ofComputer}, {"S-1-5-64-10", ofComputer, ofComputer},
	{"S-1-5-65-1", ofComputer, ofComputer}, {"S-1-5-113", ofComputer, ofComputer}, {"S-1-5-1001-7", "", ""},
	{"S-1-5-21-10", ofNoDomain, ofNoDomain}, {"S-1-5-21-10-20-30-1-2", ofNoDomain, ofNoDomain},
	{"S-1-7-1", ofComputer, ofComputer}, {"S-1-16-16384", label, label}, {"S-1-22-2-0", unixHost, unixHost},
	{"S-1-99-1", ofComputer, ofComputer},
}

// filterCases returns groups of each kind with different attributes, and which of them pass and which are dropped.
// another means that the issuer is not our own KDC.
func filterCases(at Place, issuer sid.SID, another bool) (sent, pass []token.Group, dropped []Dropped) {
	add := func(s sid.SID, why string) {
		g := token.Group{SID: s, Attributes: []uint32{7, 0, 0x17, 0x20000007, 0xf}[len(sent)%5]}
		sent = append(sent, g)
		if why == "" {
			pass = append(pass, g)
		} else {
			dropped = append(dropped, Dropped{s, why})
		}
	}
	for _, k := range everyKind {
		if another {
			add(sid.MustParse(k.sid), k.other)
		} else {
			add(sid.MustParse(k.sid), k.own)
		}
	}
	for _, d := range []sid.SID{domain, other, sid.MustParse(third)} {
		add(d, ofNoDomain)
		for _, rid := range []uint32{0, 500, 512, 999, 1000, 1001, 1 << 31} {
			why := ""
			switch {
			case !another || d == issuer: // an issuer may assert SIDs of its own domain (K-26)
			case d == at.Domain:
				why = ofOwnDomain // a foreign issuer may not assert it (K-24)
			case rid < 1000:
				why = ofThird // nor of a third domain (K-26)
			}
			add(d.WithRID(rid), why)
		}
	}
	return sent, pass, dropped
}

// TestIssuerDeterminesAcceptedSIDs checks which SIDs pass at each place of a PAC for each issuer. An issuer of another
// realm is foreign, and so is one of another domain if our own domain is known (K-22 to K-29).
func TestIssuerDeterminesAcceptedSIDs(t *testing.T) {
	bare, _ := sid.New(5)
	for _, s := range []sid.SID{bare, {}} { // without a sub-authority
		check.Equal(t, (&Place{}).dropReason(s, domain, false), ofComputer, "K-22: %v", s)
	}
	for _, foreign := range []bool{false, true} {
		for _, own := range []sid.SID{{}, domain, other} {
			for _, issuer := range []sid.SID{domain, other} {
				at := Place{Domain: own, Machine: sid.MustParse(machine), Foreign: foreign}
				t.Run(fmt.Sprintf("domain %v, foreign %t, issuer %v", own, foreign, issuer), func(t *testing.T) {
					another := foreign
					if own == domain && issuer == other || own == other && issuer == domain {
						another = true
					}
					check.Equal(t, at.foreignTo(issuer), another, "K-24: another issuer")
					sent, pass, dropped := filterCases(at, issuer, another)
					got, gone, err := at.Filter(issuer.WithRID(1104), sent)
					if refused := foreign && (own.IsZero() || own == issuer); refused { // not a user of our domain (K-29)
						check.That(t, errors.Is(err, ErrInvalid) && got == nil && gone == nil,
							"K-29: %v, %v, %v, want a refusal alone", got, gone, err)
						return
					}
					check.That(t, err == nil && slices.Equal(got, pass) && slices.Equal(gone, dropped),
						"%v: pass\n%v, want\n%v; dropped\n%v, want\n%v", err, got, pass, gone, dropped)
				})
			}
		}
	}
}

// TestDeviceGroupsAreFilteredByDeviceDomain checks that a device's groups are filtered by the device's own domain. If
// the client is of another realm, the filter for foreign issuers applies, even to a device of our domain (K-20,
// K-22 to K-28).
func TestDeviceGroupsAreFilteredByDeviceDomain(t *testing.T) {
	for _, c := range []struct {
		at           Place
		user, device sid.SID
		another      bool
	}{
		{Place{}, domain, domain, false}, {Place{}, domain, other, false}, {Place{Domain: domain}, domain, domain, false},
		{Place{Domain: domain}, domain, other, true}, {Place{Domain: domain}, other, domain, false},
		{Place{Domain: domain}, other, other, true}, {Place{Domain: domain, Foreign: true}, other, domain, true},
		{Place{Domain: domain, Foreign: true}, other, other, true},
	} {
		t.Run(fmt.Sprintf("%v, user of %v, device of %v", c.at, c.user, c.device), func(t *testing.T) {
			c.at.Machine = sid.MustParse(machine)
			sent, pass, dropped := filterCases(c.at, c.device, c.another)
			w := alice()
			w.Domain, w.UPNSID, w.Requestor, w.Resources = c.user, sid.SID{}, sid.SID{}, nil
			w.Extra = []token.Group{{SID: Compounded, Attributes: 7}}
			w.Device = &forge.Device{Domain: c.device, User: 1200, Primary: 515, Extra: sent}
			id := identityOf(t, w, c.at)
			primary := []token.Group{{SID: c.device.WithRID(515), Attributes: token.GroupDefault}}
			want := append(primary, pass...)
			check.That(t, slices.Equal(id.DeviceGroups, want), "K-20: groups\n%v, want\n%v", id.DeviceGroups, want)
			check.That(t, slices.Equal(id.Dropped, dropped), "K-20: dropped\n%v, want\n%v", id.Dropped, dropped)
		})
	}
}
