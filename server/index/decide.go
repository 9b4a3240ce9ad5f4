package index

import (
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// decider computes which people each class of documents admits, for one version of the directory. It caches what
// several classes need. The worker owns it.
type decider struct {
	directory  *directory.Directory
	compiled   *effective.Principals
	guarded    bool  // the configuration of a share applies
	numbers    []int // the person's number for each principal of the directory
	people     int   // the number of people; each number in numbers is less
	version    string
	evaluators map[question]*effective.Evaluator
	having     map[holding]effective.Set // of SIDs of the directory, because an expression has no other
	passes     map[string]*passed
	passBytes  int // size of passes
}

// question is the key of an evaluator.
type question struct {
	t    *winnt.ObjectType
	mask winnt.AccessMask
}

// holding is the key of the members who hold a SID.
type holding struct {
	e *effective.Evaluator
	s sid.SID
}

// deciderFor returns a decider that only answers grants for the single token in d. Its people have no numbers, so it
// computes no member sets.
func deciderFor(d *directory.Directory) *decider {
	return newDecider(d, "", func(sid.SID) int { return 0 }, 1)
}

// grants reports whether the only token of the decider has a class's right: an access check of the share, the folders
// above and the document. It returns false if one of the three refuses. A class without a share is not limited by one.
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

// newDecider returns a decider for a directory version. number returns the number of each person by SID, which must be
// less than count.
func newDecider(d *directory.Directory, version string, number func(s sid.SID) int, count int) *decider {
	numbers := make([]int, len(d.Principals))
	for i := range d.Principals {
		numbers[i] = number(d.Principals[i].SID())
	}
	return openDecider(d, version, numbers, count, effective.Compile(d.Tokens(), effective.Config{}))
}

// openDecider returns a decider for a compiled directory with empty caches. numbers has the person's number for each
// principal, and people is the count of numbers.
func openDecider(d *directory.Directory, version string, numbers []int, people int, p *effective.Principals) *decider {
	return &decider{directory: d, compiled: p, numbers: numbers, people: people, version: version,
		evaluators: map[question]*effective.Evaluator{}, having: map[holding]effective.Set{}, passes: map[string]*passed{}}
}

// samePeople reports whether directory o can take the decider's person numbers unchanged: it has the same people in the
// same order, with the same decisions of a share's configuration. Their groups may differ. A nil decider returns false.
func (d *decider) samePeople(o *directory.Directory) bool {
	if d == nil || len(d.directory.Principals) != len(o.Principals) {
		return false
	}
	for i := range o.Principals {
		a, b := &d.directory.Principals[i], &o.Principals[i]
		if a.Token != b.Token && a.SID() != b.SID() || a.Who != b.Who || a.Withheld != b.Withheld || a.Root != b.Root {
			return false
		}
	}
	return true
}

// replace returns the decider for a directory version in which only groups or privileges changed, and that difference,
// so that the caller recomputes the affected classes alone. Call samePeople first.
func (d *decider) replace(o *directory.Directory, version string) (*decider, *effective.Difference) {
	compiled, f := d.compiled.Replace(o.Tokens())
	out := openDecider(o, version, d.numbers, d.people, compiled)
	out.guarded = d.guarded
	return out, f
}

// affected reports whether a class must be computed again after a directory change: whether the difference f can change
// the result for its share, folders or documents.
func (c *Class) affected(f *effective.Difference) bool {
	through := func(t Class) bool { return t.affected(f) }
	return f.Affects(c.Descriptor) || f.Affects(c.Share) || slices.ContainsFunc(c.Through, through)
}

// evaluator returns the evaluator for an object type and a mask. It builds and caches one on first use. An error is
// not cached.
func (d *decider) evaluator(t *winnt.ObjectType, mask winnt.AccessMask) (*effective.Evaluator, error) {
	q := question{t, mask}
	if e := d.evaluators[q]; e != nil {
		return e, nil
	}
	e, err := effective.NewEvaluator(d.compiled, effective.Question{Type: t, Rights: []winnt.AccessMask{mask}})
	if err == nil {
		d.evaluators[q] = e
	}
	return e, err
}

// decided is the result of a class.
type decided struct {
	members       effective.Set // numbers of people
	expression    effective.Expression
	exact         bool // expression is exact
	allow, expand []sid.SID
}

// decide computes the members of a class. The share must grant members the right (N-2), and each folder above the
// traverse right (N-15). In an exact class, members are listed by SID where sound allows that, and the others
// individually. The caller owns the result. A mask that cannot be evaluated is an error.
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
	out.expression, out.exact = e.Expression(c.Descriptor, 0)
	if c.Share != nil {
		and(allowed, e.Allowed(c.Share)[0])
		x, exact := e.Expression(c.Share, 0)
		out.expression, out.exact = append(slices.Clone(out.expression), x...), out.exact && exact
	}
	for i := range c.Through {
		p, err := d.pass(&c.Through[i])
		if err != nil {
			return nil, err
		}
		and(allowed, p.allowed)
		out.expression, out.exact = append(slices.Clone(out.expression), p.expression...), out.exact && p.exact
	}
	if d.guarded {
		d.guard(allowed, c.Mask)
		out.expression, out.exact = nil, false // they describe the tokens of the file check, not the users who log on
	}
	out.members = d.numbered(allowed)
	for i := range allowed.All() { // list a person's SID only if all principals with this SID are allowed (N-4)
		if !out.members.Has(d.numbers[i]) {
			allowed[i/64] &^= 1 << (i % 64)
		}
	}
	if out.exact {
		out.allow = d.sound(out.expression, allowed, e, c)
	}
	left := slices.Clone(allowed)
	for _, s := range out.allow {
		andNot(left, d.have(s, e, c))
	}
	for i := range left.All() {
		out.expand = append(out.expand, d.directory.Principals[i].SID())
	}
	return out, nil
}

// guard applies a share's access settings to allowed, in place. The share's administrators get every right without a
// check of the file. Nobody keeps a right that the share withholds (N-100). allowed has principals of the directory,
// and mask is the class's right.
func (d *decider) guard(allowed effective.Set, mask winnt.AccessMask) {
	for i := range d.directory.Principals {
		switch p := &d.directory.Principals[i]; {
		case p.Withheld&mask != 0:
			allowed[i/64] &^= 1 << (i % 64)
		case p.Root:
			allowed[i/64] |= 1 << (i % 64)
		}
	}
}

// numbered converts principals to a new set of person numbers. allowed is indexed by position in the directory; person
// numbers stay the same in later directories. Of a person with two principals, both must be allowed (N-2). A person
// without a principal is not in the result.
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

// and intersects two sets in place: it removes from a what is not in b. b must have at least the length of a.
func and(a, b effective.Set) {
	for i := range a {
		a[i] &= b[i]
	}
}

// andNot subtracts set b from set a in place. b must have at least the length of a.
func andNot(a, b effective.Set) {
	for i := range a {
		a[i] &^= b[i]
	}
}

// sound returns the SIDs that may stand for members of class c. Each of these SIDs grants the right, whatever other
// SIDs a token has. In every clause of the expression x the SID is allowed before any denial, or everybody is allowed
// first. Every principal with such a SID is in allowed, the members of c (N-4).
func (d *decider) sound(x effective.Expression, allowed effective.Set, e *effective.Evaluator, c *Class) []sid.SID {
	out := []sid.SID{everyone}
	free := true // every clause so far starts by allowing everybody
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

// leading returns the SIDs that a clause allows before its first denial. A clause that starts with a denial returns
// nil. A term without a SID matches everybody and counts as Everyone.
func leading(c effective.Clause) (out []sid.SID) {
	for _, t := range c {
		if !t.Allow {
			break
		}
		s := t.SID
		if s.IsZero() { // everybody; the SID Everyone includes all but anonymous
			s = everyone
		}
		out = append(out, s)
	}
	return out
}

var everyone = sid.MustParse("S-1-1-0")

// have returns the principals to whom an allow entry for SID s would grant the right of class c. It caches the result
// for the next call. If no such entry can be built, it returns an empty set, which is not cached.
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
