package token_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// flagged is one entry of an adjustable list, a claim or a device group, with the states that T-75 describes for
// groups.
type flagged struct {
	name                                        string
	mandatory, denyOnly, on, byDefault, changed bool
}

// adjustNaive adjusts a list entry by entry, as T-75 describes.
func adjustNaive(list []flagged, reset bool, names []string, on []bool) ([]flagged, ntstatus.Status) {
	out := slices.Clone(list)
	status := ntstatus.Success
	if reset {
		for i, e := range out {
			if !e.mandatory && !e.denyOnly {
				out[i].on = e.byDefault
			}
		}
		names = nil
	}
	for i, n := range names {
		found := false
		for j, e := range out {
			if e.name != n {
				continue
			}
			found = true
			switch {
			case on[i] && e.denyOnly:
				return list, ntstatus.CantEnableDenyOnly
			case !on[i] && e.mandatory:
				return list, ntstatus.CantDisableMandatory
			}
			out[j].on = on[i]
		}
		if !found {
			status = ntstatus.NotAllAssigned
		}
	}
	for i := range out {
		out[i].changed = out[i].on != list[i].on
	}
	return out, status
}

func (e flagged) claim() claims.Attribute {
	a := attr(e.name, 0, 1)
	for _, f := range []struct {
		set bool
		bit uint32
	}{{e.mandatory, claims.FlagMandatory}, {e.denyOnly, claims.FlagUseForDenyOnly}, {!e.on, claims.FlagDisabled},
		{!e.byDefault, claims.FlagDisabledByDefault}} {
		if f.set {
			a.Flags |= f.bit
		}
	}
	return a
}

func (e flagged) group() token.Group {
	g := token.Group{SID: sid.MustParse("S-1-5-21-7-8-9-" + e.name)}
	for _, f := range []struct {
		set bool
		bit uint32
	}{{e.mandatory, winnt.SE_GROUP_MANDATORY}, {e.denyOnly, winnt.SE_GROUP_USE_FOR_DENY_ONLY},
		{e.on && !e.denyOnly, winnt.SE_GROUP_ENABLED}, {e.byDefault, winnt.SE_GROUP_ENABLED_BY_DEFAULT}} {
		if f.set {
			g.Attributes |= f.bit
		}
	}
	return g
}

// anyList returns up to five entries with random flags. Two entries may have one name.
func anyList(r *rand.Rand, groups bool) (out []flagged) {
	for i := range r.IntN(6) {
		e := flagged{name: string(rune('1' + r.IntN(i+1))), mandatory: r.IntN(3) == 0, denyOnly: r.IntN(3) == 0,
			on: r.IntN(2) == 0, byDefault: r.IntN(2) == 0}
		if groups && e.denyOnly { // a group cannot be both
			e.on = false
		}
		out = append(out, e)
	}
	return out
}

// AdjustClaims and AdjustDeviceGroups follow T-75. They do not change the other lists or the receiver, and return the
// old state of the changed entries.
func TestAdjustListsMatchTwin(t *testing.T) {
	r := newRand(t)
	seen := map[string]int{}
	for range 3000 {
		lists := [3][]flagged{anyList(r, false), anyList(r, false), anyList(r, true)}
		tok := adjustable(t, lists)
		which, reset := r.IntN(3), r.IntN(4) == 0
		var names []string
		var on []bool
		for range r.IntN(4) {
			names, on = append(names, string(rune('1'+r.IntN(6)))), append(on, r.IntN(2) == 0)
		}
		want := lists
		var wanted ntstatus.Status
		want[which], wanted = adjustNaive(lists[which], reset, names, on)
		after, previous, st := adjust(tok, which, reset, names, on)
		seen[st.String()]++
		check.Require(t, st, wanted, "T-75: %v, reset %t, %v %v", lists[which], reset, names, on)
		var before []flagged
		for i, e := range want[which] {
			if e.changed {
				before = append(before, lists[which][i])
			}
		}
		modified := map[bool]winnt.LUID{true: 77, false: 100}[before != nil]
		if (after != tok) != (before != nil) || after.ModifiedID() != modified {
			t.Fatalf("T-75: %v, reset %t, %v %v: %d entries should change; got another token: %t, ModifiedID %v; "+
				"want %t, %v", lists[which], reset, names, on, len(before), after != tok, after.ModifiedID(),
				before != nil, modified)
		}
		if got := texts(before, which == 2); !slices.Equal(previous, got) {
			t.Fatalf("T-75: previous %v, want %v", previous, got)
		}
		seen["changed"] += min(1, len(before))
		for i, tk := range []*token.Token{tok, after} {
			if got, want := state(tk), [2][3][]flagged{lists, want}[i]; got != stateOf(want) {
				t.Fatalf("T-75: list %d, reset %t, %v %v: got\n%s\nwant\n%s", which, reset, names, on, got, stateOf(want))
			}
		}
	}
	for _, what := range []string{"STATUS_SUCCESS", "STATUS_NOT_ALL_ASSIGNED", "STATUS_CANT_DISABLE_MANDATORY",
		"STATUS_CANT_ENABLE_DENY_ONLY", "changed"} {
		if seen[what] < 150 { // one in twenty
			t.Errorf("outcome %s occurred %d times, want at least 150", what, seen[what])
		}
	}
}

// adjustable returns a token with the given user claims, device claims and device groups.
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

// adjust enables or disables entries by name in one of the three lists. It returns the previous state as text.
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
		g := flagged{name: n, on: on[i], byDefault: i == 1, mandatory: i == 2}.group() // only ENABLED is read
		changes = append(changes, g)
	}
	var old []token.Group
	after, old, st = tok.AdjustDeviceGroups(77, reset, changes)
	for _, g := range old {
		previous = append(previous, fmt.Sprintf("%v %#x", g.SID, g.Attributes))
	}
	return after, previous, st
}

// texts formats entries as adjust does.
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

// state formats the three lists of a token, and whether each device group matches allow and deny entries.
func state(tok *token.Token) string {
	out := ""
	for _, set := range []*claims.Set{tok.UserClaims(), tok.DeviceClaims()} {
		for _, a := range set.All() {
			out += fmt.Sprintf("%s %#x, ", a.Name, a.Flags)
		}
		out += "; "
	}
	for _, g := range tok.DeviceGroups() {
		i := tok.DeviceSet().Find(g.SID.Hash(), g.SID)
		out += fmt.Sprintf("%v %#x %t %t, ", g.SID, g.Attributes, tok.DeviceBits().Has(i), tok.DeviceDenyBits().Has(i))
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
		allow, deny := false, false // of two entries of one SID, one is enough
		for _, o := range lists[2] {
			allow = allow || o.name == e.name && o.on
			deny = deny || o.name == e.name && (o.on || o.denyOnly)
		}
		out += fmt.Sprintf("%v %#x %t %t, ", g.SID, g.Attributes, allow, deny)
	}
	return out
}
