package reach

import (
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sid"
)

// givers returns the hands that have at least one right on the object of a level, by their index in the level. It
// returns nil if the level has no answers.
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

// give adds the tokens that a level of tokens obtains through rights on an object. For an account that is the
// account's token (B-9). For a group it is the same token with the group added (B-8). Any other object, and one
// without a SID, adds nothing. Known tokens are not added.
func (s *Search) give(l *level) error {
	about := &s.about[l.object]
	if about.user < 0 && !about.group || about.sid.IsZero() {
		return nil
	}
	for h := range l.givers().All() {
		if !about.group { // every hand obtains the same token
			h := hand{user: about.user, token: s.tokenOf(about.user), by: l.edge(h)}
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

// choices yields the memberships that a token can have after joining the group one. The groups in before were joined
// earlier. Each subset of them is possible, because tokens from before a membership change still exist. Sets of more
// than most groups are left out. If before contains one, nothing is yielded.
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

// join adds the hand of a user with additional groups, unless it is known. by is the step that leads to it. It fails if
// a token cannot hold the groups.
func (s *Search) join(user int, joined []sid.SID, by *edge) error {
	h := hand{user: user, joined: joined, token: s.tokenOf(user), by: by}
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
