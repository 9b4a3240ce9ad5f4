package reach

import (
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sid"
)

// givers returns the hands of a level that have any right. On an account or a group
// each of them takes the hand on.
func (l *level) givers() (all effective.Set) {
	for _, a := range l.answers {
		for len(all) < len(a.set) {
			all = append(all, 0)
		}
		for i, w := range a.set {
			all[i] |= w
		}
	}
	return all
}

// give adds the hands that rights on an object give: the token of an account (B-9),
// or membership in a group (B-8).
func (s *Search) give(l *level) error {
	about := &s.about[l.object]
	if about.user < 0 && !about.group || about.sid.IsZero() {
		return nil
	}
	for h := range l.givers().All() {
		if !about.group { // the same token, by whichever hand
			h := hand{user: about.user, token: s.Directory.Principals[about.user].Token, by: l.edge(h)}
			if !s.known[h.key()] {
				s.add(h)
			}
			return nil
		}
		from := &s.hands[l.start+h]
		user, before, by := from.user, from.joined, l.edge(h)
		for joined := range choices(before, about.sid, s.MaxJoined) {
			if err := s.join(user, joined, by); err != nil {
				return err
			}
		}
	}
	return nil
}

// choices yields the groups that a token has which is put into one more group: that
// one alone, then with some of those before. Which of the earlier ones it keeps is its own
// choice, since tokens from before it joined them still exist.
func choices(before []sid.SID, one sid.SID, most int) func(func([]sid.SID) bool) {
	return func(yield func([]sid.SID) bool) {
		if slices.Contains(before, one) {
			return
		}
		for chosen := range 1 << len(before) {
			joined := []sid.SID{one}
			for i, g := range before {
				if chosen>>i&1 != 0 {
					joined = append(joined, g)
				}
			}
			if len(joined) > most {
				continue
			}
			slices.SortFunc(joined, sid.SID.Compare)
			if !yield(joined) {
				return
			}
		}
	}
}

// join adds the hand of a user in groups.
func (s *Search) join(user int, joined []sid.SID, by *edge) error {
	h := hand{user: user, joined: joined, token: s.Directory.Principals[user].Token, by: by}
	if s.known[h.key()] {
		return nil
	}
	for _, g := range joined {
		var err error
		if h.token, err = s.Directory.Join(h.token, g); err != nil {
			return err
		}
	}
	s.add(h)
	return nil
}
