package reach

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/refmon/refmon/effective"
)

// Survey holds what one pass over all objects found: the rights of every principal, and the tokens that follow from
// them. Whom asks it about one object at a time. It belongs to one goroutine.
type Survey struct {
	in   inbound
	of   map[int][]int // of a target: the hands with a right on it
	base *asker        // of the principals
}

// Right is a right that can be a step on one object, and the principals that have it.
type Right struct {
	Name string
	Who  effective.Set // by index in Directory
	word kindWord
	then map[int]kindWord
}

// Survey evaluates all objects for all principals. It calls direct for each object on which any principal has a right
// of a step, with the rights from the strongest to the weakest. direct may be nil; an error of it ends the survey.
// targets are the indexes of the objects that [Survey.Whom] may be called for. Survey ignores From. It returns the
// errors of [Search.Do] and of direct.
func (s *Search) Survey(ctx context.Context, targets []int, direct func(object int, rights []Right) error) (*Survey,
	error) {
	v := &Survey{in: inbound{Search: s, targets: targets}, of: map[int][]int{}}
	in := &v.in
	in.accounts, in.groups, in.direct = map[int][]int{}, map[int]map[int][]int{}, map[int]int{}
	if err := s.prepareAll(); err != nil {
		return nil, err
	}
	principals := len(s.hands)
	v.base = s.newAsker(0, principals)
	for start := 0; start < len(s.hands); {
		end := len(s.hands)
		a := v.base
		if start > 0 {
			a, direct = s.newAsker(start, end), nil
		}
		reached := map[int]int{} // by hand of this level: the number of targets on which it has a right
		for _, object := range targets {
			if err := v.target(ctx, a, start, object, reached); err != nil {
				return nil, err
			}
		}
		for h, n := range reached {
			if n == len(targets) { // a right on every target: no path is shorter
				in.direct[h] = targets[0]
			}
		}
		for object := range s.Objects {
			if err := v.object(ctx, a, start, object, direct); err != nil {
				return nil, err
			}
		}
		start = end
	}
	return v, nil
}

// Direct evaluates all objects for all principals and calls direct as [Search.Survey] does. It follows no step, so Whom
// of its result returns nobody. It returns the errors of Survey. It returns the error of ctx if that has ended.
func (s *Search) Direct(ctx context.Context, direct func(object int, rights []Right) error) (*Survey, error) {
	v := &Survey{in: inbound{Search: s}}
	if err := s.prepareAll(); err != nil {
		return nil, err
	}
	v.base = s.newAsker(0, len(s.hands))
	for object := range s.Objects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		answers, err := v.base.ask(object)
		if err != nil {
			return nil, err
		}
		if err := report(object, answers, direct); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// report calls direct with the rights that any principal has on the object itself. If no principal has one, it does
// not call direct. Derived rights are ignored.
func report(object int, answers []answer, direct func(object int, rights []Right) error) error {
	var rights []Right
	for _, x := range answers {
		if !Derived(x.name) && x.set.Count() > 0 {
			rights = append(rights, Right{x.name, x.set, x.kindWord, x.then})
		}
	}
	if len(rights) == 0 {
		return nil
	}
	return direct(object, rights)
}

// prepareAll prepares a search from all principals at once: their tokens become the first hands, at the indexes of
// the principals. They do not count for MaxHands. It sets From to 0, and a Directory without principals is ErrNobody.
func (s *Search) prepareAll() error {
	s.From = 0
	if err := s.prepare(); err != nil {
		return err
	}
	s.MaxHands += len(s.Directory.Principals)
	for i := range s.Directory.Principals {
		s.add(hand{user: i, token: s.tokenOf(i)})
	}
	return nil
}

// target records in v.of which tokens (hands) have a right on a target. It also adds 1 in reached for each of these
// tokens. The evaluator a checks the tokens of one level; start is the index of the first. The end of ctx is an
// error.
func (v *Survey) target(ctx context.Context, a *asker, start, object int, reached map[int]int) error {
	return v.in.holders(ctx, a, start, object, func(h int) error {
		v.of[object] = append(v.of[object], h)
		reached[h]++
		return nil
	})
}

// object records which tokens of a level have rights on an object, and adds the tokens obtained through these rights.
// start is the index of the first token. direct receives the rights and may be nil. Without direct, only accounts and
// groups with a SID are evaluated. An error ends the evaluation; rights may have been reported before.
func (v *Survey) object(ctx context.Context, a *asker, start, object int, direct func(int, []Right) error) error {
	about := &v.in.about[object]
	gives := (about.user >= 0 || about.group) && !about.sid.IsZero()
	if !gives && direct == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	answers, err := a.ask(object)
	if err != nil {
		return err
	}
	if direct != nil {
		if err := report(object, answers, direct); err != nil {
			return err
		}
	}
	if gives {
		l := level{answers: answers}
		for h := range l.givers().All() {
			if err := v.in.through(object, start+h); err != nil {
				return err
			}
		}
	}
	return nil
}

// Cut returns the limit that ended the survey early, "" if none did. Paths can then be missing.
func (v *Survey) Cut() string { return v.in.cut }

// Why returns the accounts that grant the principal with index who the right r on an object. r must be a right that the
// survey reported for this object. Why returns an error if the principal does not have the right. It panics for an
// index out of range.
func (v *Survey) Why(object int, r *Right, who int) ([]Grant, error) {
	_, grants, err := v.in.stepWith(&edge{hand: who, object: object, kindWord: r.word, then: r.then[who]})
	return grants, err
}

// Inbound is the principals that reach one object, with the lengths of their paths. It is valid until the next call
// of Whom.
type Inbound struct {
	Order []int       // the principals by their index, the nearest first
	Steps map[int]int // of each principal: the length of its shortest path
	in    *inbound
}

// Whom returns the principals that reach a target. target is one of the indexes that Survey got; nobody reaches another
// object. An account does not reach itself (B-25).
func (v *Survey) Whom(target int) Inbound {
	in := &v.in
	in.targets, in.order, in.direct = []int{target}, nil, map[int]int{}
	for _, h := range v.of[target] {
		in.direct[h] = target
	}
	in.walk()
	found := Inbound{Steps: map[int]int{}, in: in}
	self := in.themselves()
	for _, h := range in.order {
		if h < len(in.Directory.Principals) && !slices.Contains(self, h) {
			found.Order = append(found.Order, h)
			found.Steps[h] = in.next[h].left
		}
	}
	slices.SortFunc(found.Order, func(a, b int) int {
		return cmp.Or(cmp.Compare(found.Steps[a], found.Steps[b]), cmp.Compare(a, b))
	})
	return found
}

// Path returns a shortest path of a principal in Order, by its index. It is an error for any other principal.
func (i *Inbound) Path(who int) (Path, error) {
	if _, ok := i.Steps[who]; !ok {
		return Path{}, fmt.Errorf("principal %d has no path", who)
	}
	return i.in.path(who)
}
