package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Defaults and limits of a search.
const (
	DefaultDepth = 256
	DefaultHands = 1 << 16
	// MaxJoined is the most groups that one token may have been put into.
	MaxJoined = 4
)

// Search finds what From can reach. Directory and Objects are required. The zero values of the other fields are the
// defaults.
type Search struct {
	Directory *directory.Directory
	From      int // index of the principal in Directory
	Objects   []objects.Item

	MaxDepth int // most steps of a path; 0: DefaultDepth
	MaxHands int // most tokens that are tried; 0: DefaultHands
	// MaxJoined is how many groups a token may have been put into at once; 0: one. More
	// finds what takes several of them, such as a condition on two groups.
	MaxJoined int
	// BlockOwner takes WRITE_DAC from the owners of computers, as a domain with
	// BlockOwnerImplicitRights does.
	BlockOwner bool
	// People counts entries from 1 in the texts of steps. The JSON form counts them from 0.
	People bool

	about   []subject
	words   map[manner][]kindWord // of manners without an account's SID
	classes map[string]winnt.GUID // of their names
	users   map[sid.SID]int
	roots   []root
	hands   []hand
	known   map[string]bool
	found   []*edge // of each object
	cut     string
}

// Result holds the paths that a search found.
type Result struct {
	Paths []Path // by length, then in the order of the objects
	Hands int    // tokens that were tried
	Cut   string // what ended the search early, "": nothing did
}

// hand is a token that the principal can obtain: a user's token, possibly with additional groups.
type hand struct {
	user   int
	joined []sid.SID // in order
	token  *token.Token
	by     *edge // nil: the principal itself
}

// edge is a step: a right of a hand on an object.
type edge struct {
	hand, object int
	kindWord
	then  kindWord // what the hand has on the object once it owns it; without a word: it need not own it
	depth int
}

// Errors of invalid searches.
var (
	ErrNobody = errors.New("reach: From is not the index of a principal")
	ErrJoined = fmt.Errorf("reach: at most %d groups can be joined at once", MaxJoined)
)

// Do runs the search and returns the paths to every object that From can control, possibly none. A search that a limit
// ends early is not an error: Result.Cut then names the limit. Do returns [ErrNobody] or [ErrJoined] for an invalid
// Search, the error of ctx, or the error of an unreadable object.
func (s *Search) Do(ctx context.Context) (*Result, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	for start, depth := 0, 1; start < len(s.hands); depth++ {
		end := len(s.hands)
		if depth > s.MaxDepth {
			if err := s.lookAhead(ctx, start, end); err != nil {
				return nil, err
			}
			break
		}
		if err := s.level(ctx, start, end, depth); err != nil {
			return nil, err
		}
		start = end
	}
	r := &Result{Hands: len(s.hands), Cut: s.cut}
	return r, s.paths(r)
}

// lookAhead sets cut if the hands from start to end, which are beyond MaxDepth, have a right on an object that was not
// found, or give a new hand, also one that MaxHands drops. It keeps neither. A limit that was reached before remains.
func (s *Search) lookAhead(ctx context.Context, start, end int) error {
	if s.cut != "" {
		return nil
	}
	found := slices.Clone(s.found)
	err := s.level(ctx, start, end, s.MaxDepth+1)
	if len(s.hands) > end || s.cut != "" || !slices.Equal(found, s.found) {
		s.cut = fmt.Sprintf("at a depth of %d", s.MaxDepth)
	}
	s.found, s.hands = found, s.hands[:end]
	return err
}

// begin prepares the search and adds its start, the user From. It returns the error of the preparation.
func (s *Search) begin() error {
	if err := s.prepare(); err != nil {
		return err
	}
	s.add(hand{user: s.From, token: s.tokenOf(s.From)})
	return nil
}

// prepare checks the Search, sets defaults and computes the facts that no principal changes. It drops earlier
// results. Limits that are not positive become the defaults. Without a principal From the error is ErrNobody, and for
// too large a MaxJoined it is ErrJoined. A malformed object is an error.
func (s *Search) prepare() error {
	if s.Directory == nil || s.From < 0 || s.From >= len(s.Directory.Principals) {
		return ErrNobody
	}
	if s.MaxJoined > MaxJoined {
		return ErrJoined
	}
	for _, n := range []struct {
		value *int
		or    int
	}{{&s.MaxDepth, DefaultDepth}, {&s.MaxHands, DefaultHands}, {&s.MaxJoined, 1}} {
		if *n.value <= 0 {
			*n.value = n.or
		}
	}
	s.users, s.words, s.classes = map[sid.SID]int{}, map[manner][]kindWord{}, map[string]winnt.GUID{}
	for i, p := range s.Directory.Principals {
		if who := p.Token.User().SID; !has(s.users, who) {
			s.users[who] = i
		}
	}
	s.about = make([]subject, len(s.Objects))
	for i := range s.Objects {
		if err := s.Objects[i].Err; err != nil {
			return fmt.Errorf("%s: %w", s.Objects[i].Path, err)
		}
		var err error
		if s.about[i], err = s.subject(&s.Objects[i]); err != nil {
			return err
		}
	}
	if err := s.findRoots(); err != nil {
		return err
	}
	s.found = make([]*edge, len(s.Objects))
	s.known = map[string]bool{}
	s.hands, s.cut = nil, ""
	return nil
}

// has reports whether m has the key; false for a nil map.
func has(m map[sid.SID]int, k sid.SID) bool { _, ok := m[k]; return ok }

// level advances the search by one depth, for the tokens from start to end. It records the first right on each
// object, and adds the tokens obtained through these rights. An object that is found and gives no new token is
// skipped. After an error the tokens already added stay.
func (s *Search) level(ctx context.Context, start, end, depth int) error {
	a := s.newAsker(start, end)
	for i := range s.Objects {
		if err := ctx.Err(); err != nil {
			return err
		}
		about := &s.about[i]
		if s.found[i] != nil && !about.group && (about.user < 0 || s.known[hand{user: about.user}.key()]) {
			continue // already found, and it gives no new token
		}
		answers, err := a.ask(i)
		if err != nil {
			return err
		}
		l := level{start, depth, i, answers}
		s.note(&l)
		if err := s.give(&l); err != nil {
			return err
		}
	}
	return nil
}

// level holds the rights on one object of the hands of one depth. start is the index of the first of these hands.
type level struct {
	start, depth, object int
	answers              []answer
}

// answer is one right on an object with the hands that have it, by their index in the level.
type answer struct {
	kindWord
	set  effective.Set
	then map[int]kindWord // of WriteOwner: what each has as the owner
}

// edge returns the strongest right of one hand on the level's object as a step, nil if it has none. h is the hand's
// index in the level.
func (l *level) edge(h int) *edge {
	for _, a := range l.answers {
		if a.set.Has(h) {
			return &edge{hand: l.start + h, object: l.object, kindWord: a.kindWord, then: a.then[h], depth: l.depth}
		}
	}
	return nil
}

// note records the first step to the object of a level, which is its shortest. It does nothing for an object that was
// reached before. The first hand of the level counts. A level without hands records nothing.
func (s *Search) note(l *level) {
	if s.found[l.object] != nil {
		return
	}
	first := -1
	for _, a := range l.answers {
		for h := range a.set.All() {
			if first < 0 || h < first {
				first = h
			}
			break
		}
	}
	if first >= 0 {
		s.found[l.object] = l.edge(first)
	}
}

// key returns a text that identifies a hand: the user and the joined groups.
func (h hand) key() string { return fmt.Sprint(h.user, h.joined) }

// add adds a new hand. If MaxHands is reached, it drops the hand and sets cut. It does not check whether the hand is
// known.
func (s *Search) add(h hand) {
	if len(s.hands) >= s.MaxHands {
		s.cut = fmt.Sprintf("after %d tokens", s.MaxHands)
		return
	}
	s.known[h.key()] = true
	s.hands = append(s.hands, h)
}

// owned returns a copy of a descriptor with another owner.
func owned(d *sd.Descriptor, owner sid.SID) *sd.Descriptor {
	p := d.Parts()
	p.Owner = owner
	return sd.New(p)
}
