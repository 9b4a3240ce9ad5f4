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
	Steps []string // the steps, an English clause each
}

// String returns the steps, joined by ", and ".
func (c Change) String() string { return strings.Join(c.Steps, ", and ") }

// Limits of the search for changes.
// The limits bound the time of a question: 48 steps, their pairs, and triples of
// half of them are some 3,500 checks.
const (
	maxMoves    = 48 // single steps that are tried
	maxGroups   = 16 // of them memberships
	maxDrops    = 20 // of them entries of the DACL that are dropped
	maxDropped  = 23 // of them entries of both lists that are dropped
	maxTogether = 3  // steps of one change
	maxChanges  = 12 // changes that are returned
)

// move is one step that [Changes] tries, with its text. A step either changes the token (change), or an ACE of the
// DACL or SACL (do, reverted by undo). The functions of the other kind are nil.
type move struct {
	what     func() string
	change   func(s *token.Spec)
	do, undo func(x *trial)
}

// Changes returns the smallest changes that make a denied request succeed. A step changes one of two objects:
//   - the token: membership of a group, a privilege, the integrity level, no restriction, no AppContainer
//   - the descriptor: one entry more or less, or a label
//
// Changes has checked that the request is granted with each result. All results have the same number of steps, at most
// three, and it found no smaller one. It returns at most 12. In a very long list it tries only some entries, first
// those for the token's SIDs.
//
// The result is empty if the request is already granted, has no descriptor or no rights, or if Changes finds no
// change. A change shows what would grant access. It is not a recommendation. The error is that of [SeAccessCheck].
// Changes copies the lists once, so memory does not grow with the number of changes that it tries.
func Changes(r *Request) ([]Change, error) {
	d, err := SeAccessCheck(r)
	if err != nil || d.Allowed() || r.Descriptor == nil || r.mapping().Map(r.Desired) == 0 {
		return nil, err
	}
	// The refusals that no change of token or descriptor mends have returned
	// above: an error, and a request for nothing.
	moves, put := movesFor(r)
	if len(moves) > maxMoves {
		moves = moves[:maxMoves]
	}
	x := newTrial(r, put)
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

// combinations searches for changes that make the request succeed. It checks the request with the chosen steps and
// each combination of more steps from moves. It appends each combination that grants the request to found, up to
// maxChanges, and returns found.
func (x *trial) combinations(moves []move, chosen []*move, more int, found []Change) []Change {
	if more == 0 {
		// All steps are chosen: apply them and check. Once there are maxChanges results,
		// no further branch runs a check.
		if len(found) < maxChanges && x.grants(chosen) {
			c := Change{}
			for _, m := range chosen {
				c.Steps = append(c.Steps, m.what())
			}
			found = append(found, c)
		}
		return found
	}
	for i := range moves {
		if len(found) < maxChanges {
			found = x.combinations(moves[i+1:], append(chosen, &moves[i]), more-1, found)
		}
	}
	return found
}

// maxTypes is the number of object types of a request up to which a step inserts an entry for each.
const maxTypes = 16

// blank is an ACE that has no effect. It fills the place of a dropped ACE, and of one that is not inserted yet.
var blank = sd.Entry{Flags: sd.InheritOnly, Aux: -1}

// trial is the working copy of a denied request with which [Changes] tests steps. Each check changes its token and
// its ACLs, and restores the ACLs afterwards. It is owned by one search.
type trial struct {
	r          Request
	acl        *sd.ACL    // what the entries of dacl are compiled from
	put, own   []sd.Entry // the entries that steps insert, and the object's
	dacl, sacl []sd.Entry // copies of put and own, and of the object's SACL; the entries of put are blank at first
	changed    bool       // a move of the current check changes one of them

	token   *token.Token // the request's
	made    *token.Token // of the token's moves of the last trial; nil: they make none
	madeFor []*move
}

// newTrial returns a trial with copies of the request's DACL and SACL. insertable has all ACEs that steps can insert.
// The trial's DACL starts with a blank ACE for each of them. Entry i of the descriptor therefore has index
// len(insertable)+i.
func newTrial(r *Request, insertable []sd.ACE) *trial {
	x := &trial{r: *r, token: r.Subject.Effective(), acl: r.Descriptor.DACL()}
	x.put, x.own = newList(insertable).Entries(), x.acl.Entries()
	if slices.ContainsFunc(x.put, func(e sd.Entry) bool { return e.Aux != -1 }) {
		// The types of entries are in their list: the object's entries must be in the same one.
		all := slices.Clone(insertable)
		for _, a := range x.acl.All() {
			all = append(all, a)
		}
		x.acl = newList(all)
		x.put, x.own = x.acl.Entries()[:len(insertable)], x.acl.Entries()[len(insertable):]
	}
	x.dacl = make([]sd.Entry, len(insertable), len(insertable)+len(x.own))
	for i := range x.dacl {
		x.dacl[i] = blank
	}
	x.dacl = append(x.dacl, x.own...)
	x.sacl = slices.Clone(r.Descriptor.SACL().Entries())
	return x
}

// newList returns an ACL of ACEs that are known to fit in one. It panics if they do not.
func newList(aces []sd.ACE) *sd.ACL {
	l, err := sd.NewACL(aces...)
	if err != nil {
		panic("access: the entries of insertMoves do not fit: " + err.Error())
	}
	return l
}

// grants reports whether the access check grants the request with all the moves. It changes the trial's token and
// ACLs, runs the check, and then reverts the changes of the ACLs. It returns false for moves that no token can have
// together.
func (x *trial) grants(moves []*move) bool {
	// A combination may be contradictory, such as a level that excludes a flag. It grants nothing.
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

// tokenOf returns the request's token with the changes of the moves, or nil if no valid token has all of them.
// Without a move that changes the token, the result is the request's token. tokenOf caches the last token that it
// built.
func (x *trial) tokenOf(moves []*move) *token.Token {
	// Combinations that differ only in ACEs share a token, and building a token costs more than a check.
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

// lists makes the query read the trial's DACL and SACL instead of the descriptor's. It does nothing if no move of the
// current check changes an ACE. A query without a DACL stays without one.
func (x *trial) lists(q *query) {
	if !x.changed {
		return
	}
	if q.dacl.present {
		q.dacl.entries, q.dacl.acl, q.dacl.facts = x.dacl, x.acl, sd.FactsOf(x.dacl)
	}
	q.sacl.entries, q.sacl.facts = x.sacl, sd.FactsOf(x.sacl)
}
