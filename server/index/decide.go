package index

import (
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// decider answers classes for the people of one version of the directory. Owned by the
// worker; each version has its own.
type decider struct {
	compiled *effective.Principals
	numbers  []int // of each principal of the directory: that of the person
	people   int   // how many numbers there are
	version  string
	asked    map[question]*effective.Evaluator
	having   map[holding]effective.Set
	passes   map[string]*passed
}

// question tells evaluators apart.
type question struct {
	t    *winnt.ObjectType
	mask winnt.AccessMask
}

// holding is a SID that allows what an evaluator asks.
type holding struct {
	e *effective.Evaluator
	s sid.SID
}

// deciderFor makes a decider that only grants: its people have no numbers.
func deciderFor(d *people.Directory) *decider {
	return newDecider(d, "", func(sid.SID) int { return 0 }, 1)
}

// grants reports whether the one token of a decider is allowed a class.
func (d *decider) grants(c *Class) (bool, error) {
	e, err := d.evaluator(c.Type, c.Mask)
	if err != nil {
		return false, err
	}
	if !e.Allowed(c.Descriptor)[0].Has(0) || c.Share != nil && !e.Allowed(c.Share)[0].Has(0) {
		return false, nil
	}
	for i := range c.Through {
		p, err := d.pass(&c.Through[i])
		if err != nil || !p.allowed.Has(0) {
			return false, err
		}
	}
	return true, nil
}

// newDecider makes a decider. number gives each person its own.
func newDecider(d *people.Directory, version string, number func(s sid.SID) int, count int) *decider {
	out := &decider{version: version, people: count, asked: map[question]*effective.Evaluator{},
		having: map[holding]effective.Set{}, passes: map[string]*passed{}}
	var tokens []*token.Token
	for i := range d.Principals {
		tokens = append(tokens, d.Principals[i].Token)
		out.numbers = append(out.numbers, number(d.Principals[i].SID()))
	}
	out.compiled = effective.Compile(tokens, effective.Config{})
	return out
}

func (d *decider) evaluator(t *winnt.ObjectType, mask winnt.AccessMask) (*effective.Evaluator, error) {
	q := question{t, mask}
	if e := d.asked[q]; e != nil {
		return e, nil
	}
	e, err := effective.NewEvaluator(d.compiled, effective.Question{Type: t, Rights: []winnt.AccessMask{mask}})
	if err == nil {
		d.asked[q] = e
	}
	return e, err
}

// decided is the answer of a class.
type decided struct {
	members       effective.Set // numbers of people
	expression    effective.Expression
	told          bool // the expression says all of it
	allow, expand []sid.SID
}

// decide answers a class: the share denies all that it does not grant (N-2), and a folder on
// the way denies to those who may not pass it (N-15).
func (d *decider) decide(c *Class) (*decided, error) {
	if c.Passing {
		p, err := d.pass(c)
		if err != nil {
			return nil, err
		}
		return &decided{members: d.numbered(p.allowed)}, nil
	}
	e, err := d.evaluator(c.Type, c.Mask)
	if err != nil {
		return nil, err
	}
	allowed := slices.Clone(e.Allowed(c.Descriptor)[0])
	out := &decided{}
	out.expression, out.told = e.Expression(c.Descriptor, 0)
	if c.Share != nil {
		and(allowed, e.Allowed(c.Share)[0])
		x, told := e.Expression(c.Share, 0)
		out.expression, out.told = append(slices.Clone(out.expression), x...), out.told && told
	}
	for i := range c.Through {
		p, err := d.pass(&c.Through[i])
		if err != nil {
			return nil, err
		}
		and(allowed, p.allowed)
		out.expression, out.told = append(slices.Clone(out.expression), p.expression...), out.told && p.told
	}
	out.members = d.numbered(allowed)
	if out.told {
		out.allow = d.sound(out.expression, allowed, e, c)
	}
	left := slices.Clone(allowed)
	for _, s := range out.allow {
		andNot(left, d.have(s, e, c))
	}
	for i := range left.All() {
		out.expand = append(out.expand, d.compiled.Token(i).User().SID)
	}
	return out, nil
}

// numbered turns the principals of the directory into numbers of people. Of two principals
// who are one person both must have the right (N-2).
func (d *decider) numbered(allowed effective.Set) effective.Set {
	out, not := make(effective.Set, (d.people+63)/64), make(effective.Set, (d.people+63)/64)
	for i, n := range d.numbers {
		if allowed.Has(i) {
			out[n/64] |= 1 << (n % 64)
		} else {
			not[n/64] |= 1 << (n % 64)
		}
	}
	andNot(out, not)
	return out
}

// and leaves in a what is in b, too.
func and(a, b effective.Set) {
	for i := range a {
		a[i] &= b[i]
	}
}

// andNot takes out of a what is in b.
func andNot(a, b effective.Set) {
	for i := range a {
		a[i] &^= b[i]
	}
}

// sound returns the SIDs by which one has the right whatever else one has: in every clause
// they allow before anything refuses, or everybody is allowed first. Each principal with one of
// them has the right (N-4).
func (d *decider) sound(x effective.Expression, allowed effective.Set, e *effective.Evaluator, c *Class) []sid.SID {
	out := []sid.SID{everyone}
	free := true // all clauses so far begin by allowing everybody
	for _, clause := range x {
		here := leading(clause)
		switch {
		case slices.Contains(here, everyone):
		case free:
			out, free = here, false
		default:
			out = slices.DeleteFunc(out, func(s sid.SID) bool { return !slices.Contains(here, s) })
		}
	}
	return slices.DeleteFunc(out, func(s sid.SID) bool {
		without := slices.Clone(d.have(s, e, c))
		andNot(without, allowed)
		return without.Count() > 0
	})
}

// leading returns the SIDs that a clause allows before it refuses any.
func leading(c effective.Clause) (out []sid.SID) {
	for _, t := range c {
		if !t.Allow {
			break
		}
		s := t.SID
		if s.IsZero() { // everybody, of whom Everyone are all but the anonymous
			s = everyone
		}
		out = append(out, s)
	}
	return out
}

var everyone = sid.MustParse("S-1-1-0")

// have returns the principals that have a SID and to whom it can allow.
func (d *decider) have(s sid.SID, e *effective.Evaluator, c *Class) effective.Set {
	if known, ok := d.having[holding{e, s}]; ok {
		return known
	}
	ace, err := sd.NewACE(sd.AccessAllowed, 0, c.Mask, s)
	if err != nil {
		return make(effective.Set, (len(d.numbers)+63)/64)
	}
	list, err := sd.NewACL(ace)
	if err != nil {
		return make(effective.Set, (len(d.numbers)+63)/64)
	}
	only := sd.New(sd.Parts{Owner: noOne, Group: noOne, DACL: list, Control: sd.DACLPresent})
	set := slices.Clone(e.Allowed(only)[0])
	d.having[holding{e, s}] = set
	return set
}
