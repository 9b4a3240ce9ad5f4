package effective

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Term is a SID that allows or refuses the principals that have it. A principal
// with the SID as deny-only has it in a refusing term.
type Term struct {
	SID   sid.SID
	Allow bool
}

// Clause is an ordered list of terms. The first term whose SID a principal has
// decides. A principal without any of the SIDs is refused. A clause without terms
// refuses everybody.
type Clause []Term

// Expression describes the allowed principals by SIDs alone. It is for a caller such as a search engine, which has a
// list of SIDs instead of a token. A principal is allowed if there are clauses and each of them allows it. The zero
// value refuses everybody, and [Everybody] allows everybody.
type Expression []Clause

// everybody is the term that every principal matches. It has the zero SID.
var everybody = Term{Allow: true}

// Everybody returns the expression that allows everybody, "+*".
func Everybody() Expression { return Expression{{everybody}} }

// Expression returns a short expression for one right of the question on a
// descriptor. For the evaluator's principals, and only for them, it gives the
// same result as [Evaluator.Allowed]. It omits SIDs that none of them has, and
// clauses that the other clauses imply. ok is false if SIDs alone do not decide:
// for conditions, sandboxed tokens, labels above a principal, and rights that
// privileges grant. right is an index into Question.Rights. Expression panics if
// it is out of range. A nil descriptor refuses everybody.
func (e *Evaluator) Expression(d *sd.Descriptor, right int) (x Expression, ok bool) {
	r := &e.rights[right]
	if d == nil || r.none {
		return Expression{{}}, true
	}
	e.begin(d, r.requested)
	if r.any || r.requested&ungranted != 0 || !e.rare.empty() ||
		e.low != nil && r.requested&^(e.lowMost[0]&e.lowMost[1]) != 0 ||
		r.requested&winnt.WRITE_OWNER != 0 && !e.p.ownership.empty() {
		return nil, false
	}
	if !d.HasDACL() {
		return Everybody(), true // There is no DACL, so everything is granted.
	}
	e.parts = append(e.parts[:0], r.requested)
	if e.owner != nil {
		e.split(e.ownBits)
	}
	for i := range e.entries {
		e.split(e.entries[i].mask)
	}
	var sets []Set
	for _, m := range e.parts {
		if m != 0 {
			c, s := e.clause(m)
			x, sets = append(x, c), append(sets, s)
		}
	}
	if len(x) == 0 { // the right maps to no bits, which everybody has
		return Everybody(), true
	}
	return minimize(x, sets, e.plain), true
}

// clause returns the clause, a list of SIDs in the order of the DACL, that decides the rights m, and the tokens that it
// allows. The clause is empty if no token is allowed. An entry that no remaining token matches has no term.
func (e *Evaluator) clause(m winnt.AccessMask) (Clause, Set) {
	var out Clause
	left, granted := slices.Clone(e.plain), newSet(len(e.p.tokens))
	term := func(s sid.SID, r *row, allow bool) {
		v := &r.deny
		if allow {
			v = &r.allow
		}
		hit := make(Set, len(left)) // as many words, not as many principals
		v.addTo(hit, left)
		if hit.empty() {
			return
		}
		left.andNot(hit)
		if allow {
			granted.or(hit)
		}
		out = append(out, Term{s, allow})
	}
	if e.owner != nil && m&e.ownBits != 0 {
		term(e.d.Owner(), e.owner, true)
	}
	for i := range e.entries {
		if x := &e.entries[i]; x.mask&m != 0 {
			term(x.sid, x.row, x.allow)
		}
	}
	for len(out) > 0 && !out[len(out)-1].Allow { // a final refusal is redundant
		out = out[:len(out)-1]
	}
	return out.ordered(), granted
}

// ordered returns the clause with adjacent terms of equal effect sorted, because their order does not matter. It
// sorts c in place.
func (c Clause) ordered() Clause {
	for i := 0; i < len(c); {
		j := i
		for j < len(c) && c[j].Allow == c[i].Allow {
			j++
		}
		slices.SortFunc(c[i:j], func(a, b Term) int { return a.SID.Compare(b.SID) })
		i = j
	}
	return c
}

// minimize shortens an expression without changing its result for the tokens in all. sets are the tokens that each
// clause of x allows. Clauses that the others imply are dropped; the rest is sorted by text. One clause always stays,
// because an empty expression would allow other tokens. If no token satisfies every clause, the result is one empty
// clause, which allows nobody. The array of x is reused.
func minimize(x Expression, sets []Set, all Set) Expression {
	result := slices.Clone(all)
	for _, s := range sets {
		result.and(s)
	}
	if result.empty() {
		return Expression{{}}
	}
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(x[b]) - len(x[a]) })
	dropped, left := make([]bool, len(x)), len(x)
	for _, i := range order {
		if left == 1 {
			break
		}
		without := slices.Clone(all)
		for j, s := range sets {
			if j != i && !dropped[j] {
				without.and(s)
			}
		}
		if without.Equal(result) {
			dropped[i] = true
			left--
		}
	}
	out := x[:0]
	for i, c := range x {
		if !dropped[i] {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Clause) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// Allows reports whether the expression allows a principal. has reports whether the principal has a SID enabled or,
// with deny set, also as deny-only.
func (x Expression) Allows(has func(s sid.SID, deny bool) bool) bool {
	for _, c := range x {
		if !c.allows(has) {
			return false
		}
	}
	return len(x) > 0
}

// allows returns the verdict of the first term whose SID a token has. has reports the token's SIDs. Without such a term
// the clause refuses.
func (c Clause) allows(has func(s sid.SID, deny bool) bool) bool {
	for _, t := range c {
		if t == everybody || has(t.SID, !t.Allow) {
			return t.Allow
		}
	}
	return false
}

// String returns the terms in order, "-S-1-5-32-546 +S-1-1-0". The empty clause is "".
func (c Clause) String() string {
	var b strings.Builder
	for i, t := range c {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// String returns the SID after + if the term allows, or after - if it refuses.
// It returns "+*" for everybody.
func (t Term) String() string {
	if t == everybody {
		return "+*"
	}
	if t.Allow {
		return "+" + t.SID.String()
	}
	return "-" + t.SID.String()
}
