package token_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// flagged is one entry of a list that is adjusted: a claim or a device group,
// written as T-75 speaks of groups.
type flagged struct {
	name                                        string
	mandatory, denyOnly, on, byDefault, changed bool
}

// adjustNaive does what T-75 says, entry by entry.
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

// anyList draws up to five entries with every combination of flags.
func anyList(r *rand.Rand, groups bool) (out []flagged) {
	for i := range r.IntN(6) {
		e := flagged{name: string(rune('1' + i)), mandatory: r.IntN(3) == 0, denyOnly: r.IntN(3) == 0,
			on: r.IntN(2) == 0, byDefault: r.IntN(2) == 0}
		if groups && e.denyOnly { // no group is both
			e.on = false
		}
		out = append(out, e)
	}
	return out
}

// TestAdjustedBesideATwin: claims of the user and of the device, and groups of
// the device, in every state, are adjusted and reset as T-75 says; the other lists
// stay, the receiver stays, and previous has what changed as it was.
func TestAdjustedBesideATwin(t *testing.T) {
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
		if st != wanted {
			t.Fatalf("T-75: %v, reset %t, %v %v: %v, want %v", lists[which], reset, names, on, st, wanted)
		}
		var before []flagged
		for i, e := range want[which] {
			if e.changed {
				before = append(before, lists[which][i])
			}
		}
		modified := map[bool]winnt.LUID{true: 77, false: 100}[before != nil]
		if (after != tok) != (before != nil) || after.ModifiedID() != modified {
			t.Fatalf("T-75: %v: %d changed, reset %t, %v %v, yet the token is another: %t, ModifiedId %v", lists[which],
				len(before), reset, names, on, after != tok, after.ModifiedID())
		}
		if got := texts(before, which == 2); !slices.Equal(previous, got) {
			t.Fatalf("T-75: previous %v, want %v", previous, got)
		}
		seen["changed"] += min(1, len(before))
		for i, tk := range []*token.Token{tok, after} {
			if got, want := state(tk), [2][3][]flagged{lists, want}[i]; got != stateOf(want) {
				t.Fatalf("T-75: list %d, reset %t, %v %v:\n%s, want\n%s", which, reset, names, on, got, stateOf(want))
			}
		}
	}
	for _, what := range []string{"STATUS_SUCCESS", "STATUS_NOT_ALL_ASSIGNED", "STATUS_CANT_DISABLE_MANDATORY",
		"STATUS_CANT_ENABLE_DENY_ONLY", "changed"} {
		if seen[what] < 150 { // a twentieth
			t.Errorf("%s came %d times", what, seen[what])
		}
	}
}
