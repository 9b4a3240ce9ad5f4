package refusals

import "github.com/refmon/refmon/nt"

// Pair is two refusals of one service that can hold at once. First must decide the status.
type Pair struct {
	Service       string
	Profile       nt.Profile
	First, Second *Refusal
}

// Matrix returns the test cases about simultaneous failures of a service: all pairs of refusals that can hold
// together, in the order of the service's tests. It includes pairs of refusals of one condition. It leaves out pairs
// in which neither decides, and returns nil for an unknown service.
func Matrix(name string, profile nt.Profile) []Pair {
	list := Of(name, profile)
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

// Winner predicts which of several simultaneous failures decides the status of a call: of those that apply, the one
// with the earliest condition. It returns nil if the call succeeds with all of them.
func Winner(profile nt.Profile, set ...*Refusal) *Refusal {
	var first *Refusal
	for _, f := range set {
		if f.effective(profile) && !f.lifted(profile, set) && (first == nil || f.condition < first.condition) {
			first = f
		}
	}
	return first
}

// lifted reports whether another failure in the set prevents f's, as recorded on Windows. That happens only in the
// Observed profile. A refusal of several parameters is never lifted.
func (f *Refusal) lifted(profile nt.Profile, set []*Refusal) bool {
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

// Check calls the service on a new kernel with both refusals in force. It returns an error if First does not decide, or
// if the call breaks another rule of [Call].
func (p Pair) Check() (Outcome, error) { return Call(p.Service, p.Profile, p.First, p.Second) }
