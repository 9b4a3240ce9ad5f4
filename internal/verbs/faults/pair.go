package faults

import (
	"fmt"

	"github.com/refmon/refmon/nt"
)

// Pair is two faults of one service that can hold at once. First is the one
// that must win.
type Pair struct {
	Service       string
	Profile       nt.Profile
	First, Second *Fault
}

// Matrix lists the pairs of simultaneous faults of a service, in the order of
// the tests. Two faults of one condition are a pair too where both can hold.
func Matrix(name string, profile nt.Profile) []Pair {
	list := Faults(name, profile)
	var pairs []Pair
	for i, a := range list {
		for _, b := range list[i+1:] {
			switch first := Winner(profile, a, b); {
			case a.Excludes(b):
			case first == a:
				pairs = append(pairs, Pair{name, profile, a, b})
			case first == b:
				pairs = append(pairs, Pair{name, profile, b, a})
			}
		}
	}
	return pairs
}

// Winner returns the fault of a set that the order of the conditions lets win; nil
// if the call succeeds with all of them.
func Winner(profile nt.Profile, set ...*Fault) *Fault {
	var first *Fault
	for _, f := range set {
		if f.effective(profile) && !f.lifted(profile, set) && (first == nil || f.condition < first.condition) {
			first = f
		}
	}
	return first
}

// lifted reports whether another fault of the set makes f none.
func (f *Fault) lifted(profile nt.Profile, set []*Fault) bool {
	if profile != nt.Observed {
		return false
	}
	for _, g := range set {
		for _, l := range g.lifts {
			if len(f.takes) == 1 && f.takes[0] == l {
				return true
			}
		}
	}
	return false
}

// Check calls the service with both faults in force. The error says what came
// back instead of what First promises.
func (p Pair) Check() (Outcome, error) { return Call(p.Service, p.Profile, p.First, p.Second) }

// String returns "NtClose: O-40 no such handle + …".
func (p Pair) String() string { return fmt.Sprintf("%s: %s + %s", p.Service, p.First, p.Second) }
