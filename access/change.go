package access

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
)

// Change is one or more steps that together turn a denial into a grant. The
// zero value changes nothing.
type Change struct {
	Steps []string // what to do, an English clause each
}

// String joins the steps.
func (c Change) String() string { return strings.Join(c.Steps, ", and ") }

// Limits of the search for changes.
// The limits bound the time of a question: 48 steps, their pairs, and triples of
// half of them are some 3,500 checks.
const (
	maxMoves    = 48 // single steps that are tried
	maxGroups   = 16 // of them memberships
	maxDrops    = 20 // of them entries that are dropped
	maxTogether = 3  // steps of one change
	maxChanges  = 12 // changes that are returned
)

// move is a single step: what it does, and how, in the token or in the lists.
// do and undo are nil for a step of the token, change for one of the lists.
type move struct {
	what     func() string
	change   func(s *token.Spec)
	do, undo func(x *trial)
}

// Changes returns the smallest changes that grant a request that is denied: of
// the token (membership of a group, a privilege, the integrity level, no
// restriction, no AppContainer) or of the descriptor (an entry more or less, or a
// label). Each was tried: the request with the change is granted. All have the
// same number of steps, at most three, and no change of fewer was found; of a
// very long list only some entries are tried, those for the token's SIDs first.
// The result is empty if the request is granted already, or if the rules of the call
// refuse it whatever the token and the descriptor are.
//
// A change says what would grant, not what is wise. The error is that of
// [SeAccessCheck]. The lists are copied once: memory does not grow with what is
// tried.
func Changes(r *Request) ([]Change, error) {
	d, err := SeAccessCheck(r)
	if err != nil || d.Allowed() || r.Descriptor == nil || r.Desired == 0 {
		return nil, err
	}
	// The refusals that no change of token or descriptor mends have returned
	// above: an error, and a request for nothing.
	moves := movesFor(r)
	if len(moves) > maxMoves {
		moves = moves[:maxMoves]
	}
	x := newTrial(r)
	var out []Change
	// Fewer steps first: a pair is only tried when no single step grants, so
	// that no answer holds a step that is not needed.
	for n := 1; n <= maxTogether && len(out) == 0; n++ {
		if n == maxTogether && len(moves) > maxMoves/2 { // a few thousand checks at most
			moves = moves[:maxMoves/2]
		}
		out = x.combinations(moves, nil, n, out)
	}
	return out, nil
}

// combinations tries every choice of n more moves after those chosen.
func (x *trial) combinations(moves []move, chosen []*move, n int, out []Change) []Change {
	if n == 0 {
		// All steps are chosen: make them and ask. The bound on answers also bounds the
		// checks, since no branch is entered once it is reached.
		if len(out) < maxChanges && x.grants(chosen) {
			c := Change{}
			for _, m := range chosen {
				c.Steps = append(c.Steps, m.what())
			}
			out = append(out, c)
		}
		return out
	}
	for i := range moves {
		if len(out) < maxChanges {
			out = x.combinations(moves[i+1:], append(chosen, &moves[i]), n-1, out)
		}
	}
	return out
}

// maxPut is how many entries can be put before a list: for the user, a
// restricting SID and the package.
const maxPut = 3

// blank is an entry that does nothing.
var blank = sd.Entry{Flags: sd.InheritOnly, Aux: -1}

// trial is a request whose token and lists are changed for a check and then are
// as before. It is owned by one search.
type trial struct {
	r          Request
	dacl, sacl []sd.Entry // the object's, after maxPut places in the DACL for entries put before
	changed    bool       // one of them is not the object's

	token   *token.Token // the request's
	made    *token.Token // of the token's moves of the last trial; nil: they make none
	madeFor []*move
}

// newTrial copies the lists of a request.
func newTrial(r *Request) *trial {
	x := &trial{r: *r, token: r.Subject.Effective()}
	for range maxPut {
		x.dacl = append(x.dacl, blank)
	}
	x.dacl = append(x.dacl, r.Descriptor.DACL().Entries()...)
	x.sacl = slices.Clone(r.Descriptor.SACL().Entries())
	return x
}

// grants makes the changes, asks again, and takes them back.
func (x *trial) grants(moves []*move) bool {
	// A combination may contradict itself, such as a level that no token may
	// have beside a flag; it grants nothing.
	t := x.tokenOf(moves)
	if t == nil {
		return false
	}
	if x.r.Subject.Client != nil {
		x.r.Subject.Client = t
	} else {
		x.r.Subject.Primary = t
	}
	// The effective token is the client's while one is impersonated, and the
	// process's otherwise.
	x.changed = false
	for _, m := range moves {
		if m.do != nil {
			m.do(x)
			x.changed = true
		}
	}
	q := query{who: new(identity), r: &x.r}
	d, err := q.answer(x)
	for _, m := range moves {
		if m.undo != nil {
			m.undo(x)
		}
	}
	return err == nil && d.Allowed()
}

// tokenOf returns the token as the moves change it, nil if there is no such
// token.
//
// The last token made is kept: combinations that differ in their entries only
// share it, and making a token costs more than a check.
func (x *trial) tokenOf(moves []*move) *token.Token {
	var of [maxTogether]*move
	n := 0
	for _, m := range moves {
		if m.change != nil {
			of[n] = m
			n++
		}
	}
	if n == 0 {
		return x.token
	}
	if slices.Equal(of[:n], x.madeFor) {
		return x.made
	}
	spec := x.token.Spec()
	for _, m := range of[:n] {
		m.change(&spec)
	}
	made, err := token.New(spec)
	if err != nil {
		made = nil
	}
	x.made, x.madeFor = made, append(x.madeFor[:0], of[:n]...)
	return made
}

// lists makes a question about the changed lists.
func (x *trial) lists(q *query) {
	if !x.changed {
		return
	}
	if q.dacl.present {
		q.dacl.entries, q.dacl.facts = x.dacl, sd.FactsOf(x.dacl)
	}
	q.sacl.entries, q.sacl.facts = x.sacl, sd.FactsOf(x.sacl)
}
