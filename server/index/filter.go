package index

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Filter lists the classes on which a user has a right, in one of three forms. The user may find
// the documents whose rows name one of them. The zero value matches nothing.
type Filter struct {
	Right string `json:"right"`
	// Classes are the class IDs, sorted.
	Classes []string `json:"classes,omitempty"`
	// Bitmap has bit n%8 of byte n/8 for class number n. Classes are numbered from 0 in the order
	// of the log. The numbers are valid for one value of Until, that of the start event.
	Bitmap []byte `json:"bitmap,omitempty"`
	Until  uint64 `json:"until,omitempty"`
	// SIDs are the terms for documents that list their readers, as bulk lines do.
	SIDs []string `json:"sids,omitempty"`

	Directory string    `json:"directory"` // version
	Seq       uint64    `json:"seq"`
	Time      time.Time `json:"time"` // all trees are complete up to this time
}

// Form is a form of a [Filter].
type Form string

// Forms.
const (
	FormList   Form = "list"
	FormBitmap Form = "bitmap"
	FormSIDs   Form = "sids" // only for a token: an index does not store group memberships
)

// Classes returns the sorted IDs of the classes on which a person has a right. The errors are those of
// [Index.Filter].
func (x *Index) Classes(who, right string) ([]string, error) {
	f, err := x.Filter(who, right, FormList)
	return f.Classes, err
}

// Filter returns the filter of a person, by name or SID. It returns an error if any source is stale, the person is
// unknown or the right is not indexed, and for FormSIDs. The right must be named.
func (x *Index) Filter(who, right string, form Form) (Filter, error) {
	if form == FormSIDs {
		return Filter{}, errors.New("terms are those of a token: an index does not keep who is in which group")
	}
	return x.filter(right, form, func(s *State) (func(*kind) (bool, error), error) {
		number, known := s.number(who)
		if !known {
			return nil, errors.New("the directory has no such person")
		}
		return func(k *kind) (bool, error) { return k.members.Has(number), nil }, nil
	})
}

// FilterOf returns the filter of a token, which may be restricted or have deny-only groups. It decides each class
// for the token (N-19). The errors are those of [Index.Filter]. For FormSIDs it also returns an error if the SIDs
// would match a class on which the token has no right.
func (x *Index) FilterOf(t *token.Token, right string, form Form) (Filter, error) {
	out, err := x.filter(right, form, func(*State) (func(*kind) (bool, error), error) {
		d := deciderOf(t)
		return func(k *kind) (bool, error) { return d.grants(&k.Class) }, nil
	})
	if err == nil && form == FormSIDs {
		out.SIDs, err = x.terms(t, out.Classes, right)
		out.Classes = nil
	}
	if err != nil {
		return Filter{}, err
	}
	return out, nil
}

// filter collects the classes of a right for which by's predicate holds, as a bitmap for FormBitmap and else as a
// list. It fails if the right is not indexed or a source is stale.
func (x *Index) filter(right string, form Form, by func(*State) (func(*kind) (bool, error), error)) (Filter, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	watermark, err := x.follow()
	if err != nil {
		return Filter{}, err
	}
	s := x.state
	if !slices.Contains(s.start.Rights, right) {
		return Filter{}, fmt.Errorf("the index is not about the right %s", right)
	}
	out := Filter{Right: right, Directory: s.version, Seq: s.seq, Until: s.start.Until}
	for source, m := range watermark.Sources {
		if why := x.stale(watermark, source); why != "" {
			return Filter{}, errors.New(why)
		}
		if out.Time.IsZero() || m.Time.Before(out.Time) {
			out.Time = m.Time
		}
	}
	has, err := by(s)
	if err != nil {
		return Filter{}, err
	}
	if out.Classes = make([]string, 0, len(s.classes)); form == FormBitmap {
		out.Classes, out.Bitmap = nil, make([]byte, (len(s.classes)+7)/8)
	}
	for _, k := range s.inOrder() {
		if k.Right != right || k.Passing {
			continue
		}
		may, err := has(k)
		switch {
		case err != nil:
			return Filter{}, err
		case may && form == FormBitmap:
			out.Bitmap[k.number/8] |= 1 << (k.number % 8)
		case may:
			out.Classes = append(out.Classes, k.ID)
		}
	}
	return out, nil
}

// terms returns the user and enabled group SIDs of a token. It fails if these SIDs would match a
// class on which the token has no right (N-20).
func (x *Index) terms(t *token.Token, own []string, right string) ([]string, error) {
	sids := []string{t.User().SID.String()}
	for _, g := range t.Groups() {
		if g.Attributes&winnt.SE_GROUP_ENABLED != 0 && g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0 {
			sids = append(sids, g.SID.String())
		}
	}
	slices.Sort(sids)
	sids = slices.Compact(sids)
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, k := range x.state.classes {
		if k.Right != right || k.Passing || k.rows == 0 {
			continue
		}
		found := slices.ContainsFunc(slices.Concat(k.event.Allow, k.event.Expand), func(s string) bool {
			_, has := slices.BinarySearch(sids, s)
			return has
		})
		if _, has := slices.BinarySearchFunc(own, id, strings.Compare); found && !has {
			return nil, fmt.Errorf("lists of SIDs would give this token class %s, which it has not: take a list of classes", id)
		}
	}
	return sids, nil
}

// CanReadAs reports whether a token has a right on a document, as [Index.CanRead] does for a person (N-19).
func (x *Index) CanReadAs(path string, t *token.Token, right string) Answer {
	return x.answer(path, right, func(_ *State, k *kind) (bool, string) {
		may, err := deciderOf(t).grants(&k.Class)
		if err != nil {
			return false, err.Error()
		}
		return may, ""
	})
}

// deciderOf returns a decider for one token.
func deciderOf(t *token.Token) *decider {
	dir := &directory.Directory{Principals: []directory.Principal{{Token: t}}}
	return deciderFor(dir)
}
