package reach

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/refmon/refmon/sid"
)

// Reacher is a principal that reaches an object, with one of its shortest paths.
type Reacher struct {
	Who string `json:"who"`
	Path
}

// Inbound returns every principal of Directory that reaches one of the objects with the given indexes, each with a
// shortest path. The nearest come first, then in the order of Directory. It ignores From. An account does not reach
// itself. cut says what ended the search early, "" if nothing did; there may then be more, or shorter paths. It returns
// the errors of [Search.Do]. An index outside Objects panics.
func (s *Search) Inbound(ctx context.Context, targets []int) (list []Reacher, cut string, err error) {
	in := inbound{Search: s, targets: targets}
	if err := in.collect(ctx); err != nil {
		return nil, "", err
	}
	in.walk()
	slices.SortFunc(in.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(in.next[a].left, in.next[b].left), cmp.Compare(a, b))
	})
	for _, h := range in.order {
		if h >= len(s.Directory.Principals) || slices.Contains(in.themselves(), h) {
			continue // an intermediate token, or the target account itself
		}
		r := Reacher{Who: s.Directory.Principals[h].Name}
		if r.Path, err = in.path(h); err != nil {
			return nil, "", err
		}
		list = append(list, r)
	}
	return list, s.cut, nil
}

// inbound is a search backwards from target objects. It first collects which tokens have rights on accounts and
// groups, and then walks from the targets to the principals. The first tokens are those of the principals, by their
// index.
type inbound struct {
	*Search
	targets []int
	direct  map[int]int // of a hand with a right on a target: that target
	// accounts has, for an account, the hands with a right on it; groups the same of each user for a group. Hands with
	// a right on a target are left out, because no way is shorter.
	accounts map[int][]int
	groups   map[int]map[int][]int
	next     map[int]hop // of a hand that reaches a target
	order    []int       // the hands in next, the nearest first
}

// hop is the first step of a hand's shortest path: a right on an object, which gives it the next hand.
type hop struct {
	object, hand, left int // hand is what the step leads to; left is the number of steps from here
}

// collect finds all rights that the backward search needs. It examines the principals' tokens and the tokens with
// joined groups. Earlier results are dropped. It stops at the first error and at the end of ctx. in.hands grows while
// it runs. Of several targets, a token keeps the first.
func (in *inbound) collect(ctx context.Context) error {
	in.direct, in.accounts, in.groups = map[int]int{}, map[int][]int{}, map[int]map[int][]int{}
	if err := in.prepareAll(); err != nil {
		return err
	}
	for start := 0; start < len(in.hands); {
		end := len(in.hands)
		a := in.newAsker(start, end)
		for _, object := range in.targets {
			if err := in.holders(ctx, a, start, object, func(h int) error {
				if _, ok := in.direct[h]; !ok {
					in.direct[h] = object
				}
				return nil
			}); err != nil {
				return err
			}
		}
		for object := range in.Objects {
			if about := &in.about[object]; about.user < 0 && !about.group || about.sid.IsZero() ||
				slices.Contains(in.targets, object) {
				continue // control of this object gives no token
			}
			if err := in.holders(ctx, a, start, object, func(h int) error { return in.through(object, h) }); err != nil {
				return err
			}
		}
		start = end
	}
	return nil
}

// holders calls f with each token (hand) that has a right on an object. The evaluator a checks the tokens of one
// level; start is the index of the first. It stops at the first error of f. The end of ctx is an error.
func (in *inbound) holders(ctx context.Context, a *asker, start, object int, f func(hand int) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	answers, err := a.ask(object)
	if err != nil {
		return err
	}
	l := level{answers: answers}
	for h := range l.givers().All() {
		if err := f(start + h); err != nil {
			return err
		}
	}
	return nil
}

// through records that a token has a right on an account or group. The account or group is not a target; h is the
// token's index. For a group it also adds the tokens that follow from joining the group. A token with a right on a
// target is ignored.
func (in *inbound) through(object, h int) error {
	if _, ok := in.direct[h]; ok {
		return nil
	}
	about := &in.about[object]
	if !about.group {
		in.accounts[object] = append(in.accounts[object], h)
		return nil
	}
	user := in.hands[h].user
	if in.groups[object] == nil {
		in.groups[object] = map[int][]int{}
	}
	in.groups[object][user] = append(in.groups[object][user], h)
	for joined := range choices(in.hands[h].joined, about.sid, in.MaxJoined) {
		if err := in.join(user, joined, nil); err != nil {
			return err
		}
	}
	return nil
}

// walk finds a shortest path from each hand to a target, by a breadth-first search backwards from the targets. It
// stores the first steps in next and the hands in order. If a principal is farther away than MaxDepth, it sets cut.
func (in *inbound) walk() {
	in.next = map[int]hop{}
	byUser, byGroup := map[int][]int{}, map[sid.SID][]int{}
	for object := range in.Objects {
		about := &in.about[object]
		switch {
		case about.group:
			byGroup[about.sid] = append(byGroup[about.sid], object)
		case about.user >= 0:
			byUser[about.user] = append(byUser[about.user], object)
		}
	}
	for h := range in.hands {
		if object, ok := in.direct[h]; ok {
			in.visit(h, hop{object, -1, 1})
		}
	}
	for i := 0; i < len(in.order); i++ {
		to := in.order[i]
		left := in.next[to].left + 1
		h := &in.hands[to]
		if len(h.joined) == 0 { // visit those who can act as this user
			for _, object := range byUser[h.user] {
				for _, from := range in.accounts[object] {
					in.visit(from, hop{object, to, left})
				}
			}
			continue
		}
		for _, g := range h.joined { // visit the user's hand before it joined the last group
			for _, object := range byGroup[g] {
				for _, from := range in.groups[object][h.user] {
					if leadsTo(in.hands[from].joined, g, h.joined) {
						in.visit(from, hop{object, to, left})
					}
				}
			}
		}
	}
}

// visit records x as the first step of hand h, unless an earlier, shorter path was found. A path longer than MaxDepth
// sets cut instead, if it is the shortest of a principal that Inbound lists.
func (in *inbound) visit(h int, x hop) {
	if _, ok := in.next[h]; ok {
		return
	}
	if x.left > in.MaxDepth {
		// The user of a hand with joined groups can obtain it, so a shorter path of that user is enough.
		user := in.hands[h].user
		if _, ok := in.next[user]; !ok && !slices.Contains(in.themselves(), user) {
			in.cut = fmt.Sprintf("at a depth of %d", in.MaxDepth)
		}
		return
	}
	in.next[h] = x
	in.order = append(in.order, h)
}

// leadsTo reports whether a token with the groups in before can turn into one with the groups in after by joining the
// group one. Any of the earlier groups may be missing in after.
func leadsTo(before []sid.SID, one sid.SID, after []sid.SID) bool {
	return !slices.Contains(before, one) && !slices.ContainsFunc(after, func(g sid.SID) bool {
		return g != one && !slices.Contains(before, g)
	})
}

// themselves returns the users whose own accounts are targets, by their index. Groups are not users. It returns nil
// for none.
func (in *inbound) themselves() (list []int) {
	for _, object := range in.targets {
		if who := in.about[object].user; who >= 0 && !in.about[object].group {
			list = append(list, who)
		}
	}
	return list
}

// path returns the steps from a hand to the target. It evaluates each step again, to find the entries that grant it.
// A negative h gives a path without steps. It is an error if the check does not confirm a step.
func (in *inbound) path(h int) (p Path, err error) {
	for h >= 0 {
		x := in.next[h]
		answers, err := in.newAsker(h, h+1).ask(x.object)
		if err != nil {
			return p, err
		}
		e := (&level{start: h, object: x.object, answers: answers}).edge(0)
		if e == nil {
			return p, fmt.Errorf("%s: the check does not grant what the search found", in.Objects[x.object].Path)
		}
		step, err := in.step(e)
		if err != nil {
			return p, err
		}
		p.Steps = append(p.Steps, step)
		p.Object, h = step.Object, x.hand
	}
	return p, nil
}
