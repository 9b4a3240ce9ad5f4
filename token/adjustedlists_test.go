package token_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// adjustable is a token with these user claims, device claims and device groups.
func adjustable(t *testing.T, lists [3][]flagged) *token.Token {
	t.Helper()
	s := setup()
	var sets [2][]claims.Attribute
	for i := range sets {
		for _, e := range lists[i] {
			sets[i] = append(sets[i], e.claim())
		}
	}
	s.UserClaims, s.DeviceClaims = claimsOf(t, sets[0]...), claimsOf(t, sets[1]...)
	for _, e := range lists[2] {
		s.DeviceGroups = append(s.DeviceGroups, e.group())
	}
	return must(t, s)
}

// adjust asks for entries of one of the three lists to be on or off.
func adjust(tok *token.Token, which int, reset bool, names []string, on []bool) (after *token.Token, previous []string,
	st ntstatus.Status) {
	if which < 2 {
		var changes []claims.Attribute
		for i, n := range names {
			changes = append(changes, flagged{name: n, on: on[i], mandatory: i == 1, denyOnly: i == 2}.claim())
		}
		var old []claims.Attribute
		after, old, st = tok.AdjustClaims(77, which == 1, reset, changes)
		for _, a := range old {
			previous = append(previous, fmt.Sprintf("%s %#x", a.Name, a.Flags))
		}
		return after, previous, st
	}
	var changes []token.Group
	for i, n := range names {
		g := flagged{name: n, on: on[i], byDefault: i == 1, mandatory: i == 2}.group() // only ENABLED counts
		changes = append(changes, g)
	}
	var old []token.Group
	after, old, st = tok.AdjustDeviceGroups(77, reset, changes)
	for _, g := range old {
		previous = append(previous, fmt.Sprintf("%v %#x", g.SID, g.Attributes))
	}
	return after, previous, st
}

// texts writes entries as adjust does.
func texts(list []flagged, groups bool) (out []string) {
	for _, e := range list {
		if g := e.group(); groups {
			out = append(out, fmt.Sprintf("%v %#x", g.SID, g.Attributes))
		} else {
			out = append(out, fmt.Sprintf("%s %#x", e.name, e.claim().Flags))
		}
	}
	return out
}

// state writes the three lists of a token, with what the device's groups match.
func state(tok *token.Token) string {
	out := ""
	for _, set := range []*claims.Set{tok.UserClaims(), tok.DeviceClaims()} {
		for _, a := range set.All() {
			out += fmt.Sprintf("%s %#x, ", a.Name, a.Flags)
		}
		out += "; "
	}
	i := 0
	for _, g := range tok.DeviceGroups() {
		out += fmt.Sprintf("%v %#x %t %t, ", g.SID, g.Attributes, tok.DeviceBits().Has(i), tok.DeviceDenyBits().Has(i))
		i++
	}
	return out
}

func stateOf(lists [3][]flagged) string {
	out := ""
	for _, l := range lists[:2] {
		for _, e := range l {
			out += fmt.Sprintf("%s %#x, ", e.name, e.claim().Flags)
		}
		out += "; "
	}
	for _, e := range lists[2] {
		g := e.group()
		out += fmt.Sprintf("%v %#x %t %t, ", g.SID, g.Attributes, e.on, e.on || e.denyOnly)
	}
	return out
}
