package index

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Filter lists the classes on which a user has a right, in one form of [Form]. The user may find the documents whose
// rows name one of them. The zero value matches nothing.
type Filter struct {
	Right string `json:"right"`
	// Classes are the class IDs, sorted; not nil in FormList (N-136).
	Classes []string `json:"classes,omitzero"`
	// Bitmap has bit n%8 of byte n/8 for class number n.
	Bitmap []byte `json:"bitmap,omitempty"`
	Until  uint64 `json:"until,omitempty"`
	// Numbers are the sorted numbers of the classes, as bulk lines have them. They mean these classes in this Index
	// only. Not nil in FormNumbers (N-136).
	Numbers []int  `json:"numbers,omitzero"`
	Index   string `json:"index,omitempty"`
	// SIDs are the terms for documents that list their readers, as bulk lines do.
	SIDs []string `json:"sids,omitempty"`

	Directory string    `json:"directory"` // version of the directory
	Seq       uint64    `json:"seq"`       // number of the last event
	Time      time.Time `json:"time"`      // all trees are complete up to this time
}

// Form is a form of a [Filter].
type Form string

// Forms. FormNumbers is the filter for the integer classes of bulk lines.
const (
	FormList    Form = "list"
	FormBitmap  Form = "bitmap"
	FormNumbers Form = "numbers"
	FormSIDs    Form = "sids" // not for a person in an index that is read from its folder, which has no memberships
)

// Classes returns the sorted IDs of the classes on which a person has a right; an empty list if there are none. The
// errors are those of [Index.Filter].
func (x *Index) Classes(who, right string) ([]string, error) {
	f, err := x.Filter(who, right, FormList)
	return f.Classes, err
}

// Filter returns the filter of a person, by name or SID, for a named right; "" is not one. It returns an error if any
// source is stale, the person is unknown, several people have the name, or the right is not indexed. For FormSIDs it
// also returns an error unless the index is that of a run in this process, which knows the groups of the person
// (N-97). A person without the right gets a filter that matches nothing. The caller owns the result.
func (x *Index) Filter(who, right string, form Form) (Filter, error) {
	return x.FilterFor(Query{Who: who, Right: right}, form)
}

// FilterOf returns the filter of a token, which may be restricted or have deny-only groups. It decides each class for
// the token (N-19). t must not be nil. The errors are those of [Index.Filter] for the right and stale sources. It also
// returns an error if a share's configuration decides too, and for FormSIDs if the SIDs would match a class on which
// the token has no right.
func (x *Index) FilterOf(t *token.Token, right string, form Form) (Filter, error) {
	return x.FilterFor(Query{Token: t, Right: right}, form)
}

// FilterFor returns the filter for a query, with the query's limit for the age of heartbeats. It equals
// [Index.FilterOf] for a query with a token, and [Index.Filter] for one without. An unknown person, an empty right, and
// a token in an index with a share, are errors. With FormSIDs the filter has SIDs and no classes. They are those of
// Query.Token, or else of the token that the index's run has for the person. Without a run the index has no token,
// which is an error. With an error it returns an empty filter.
func (x *Index) FilterFor(q Query, form Form) (Filter, error) {
	var terms []string
	if form == FormSIDs {
		holder, err := q.Token, error(nil)
		if holder == nil {
			holder, err = x.tokenOf(q.Who)
		}
		if err != nil {
			return Filter{}, err
		}
		terms = termsOf(holder)
	}
	out, err := x.filter(q, form, terms, func(s *State) (func(*kind) (bool, error), error) {
		if q.Token != nil && s.start.Guard != "" {
			return nil, errGuarded
		}
		if q.Token != nil {
			d := deciderOf(q.Token)
			return func(k *kind) (bool, error) { return d.grants(&k.Class) }, nil
		}
		number, known := s.number(q.Who)
		if !known {
			return nil, errNobody
		}
		return func(k *kind) (bool, error) { return k.members.Has(number), nil }, nil
	})
	if err != nil {
		return Filter{}, err
	}
	return out, nil
}

var errNobody = errors.New("the directory has no such person")

// filter builds a search filter from the classes of q's right that admit the user. by takes the index's state and
// returns the test of a class for this user. Classes of folders are omitted. An unindexed right, a stale source, and a
// failed test are errors. Without classes each form is empty, not nil:
//
//   - FormBitmap: a bitmap, with a bit for each class number so far
//   - FormNumbers: the class numbers
//   - FormSIDs: terms, which are the sorted SIDs of the user. A class with documents that does not admit the user, but
//     lists one of them, is an error (N-20).
//   - any other form: the sorted class IDs
func (x *Index) filter(q Query, form Form, terms []string,
	by func(*State) (func(*kind) (bool, error), error)) (Filter, error) {
	out, made, has, classes, err := x.begin(q, by)
	if err != nil {
		return Filter{}, err
	}
	switch out.Classes = make([]string, 0, len(classes)); form {
	case FormBitmap:
		out.Classes, out.Bitmap = nil, make([]byte, made/8+1)
	case FormNumbers:
		// A program might leave out the condition of a missing list, and the user would find every document (N-136).
		out.Classes, out.Numbers = nil, []int{}
	case FormSIDs:
		out.Classes, out.SIDs, out.Index = nil, terms, ""
	default:
		out.Index = ""
	}
	err = x.each(classes, func(k *kind) error {
		if k.Right != q.Right || k.Passing {
			return nil
		}
		may, err := has(k)
		switch {
		case err != nil:
			return err
		case form == FormSIDs && !may && k.rows > 0 && k.listsAny(terms):
			return fmt.Errorf("a list of SIDs would give this token class %s, which it does not have: use classes",
				k.ID)
		case form == FormSIDs: // the terms stand for all classes
		case may && form == FormBitmap && k.number > made: // an event renumbered the class after the bitmap was made
		case may && form == FormBitmap:
			out.Bitmap[k.number/8] |= 1 << (k.number % 8)
		case may && form == FormNumbers:
			out.Numbers = append(out.Numbers, k.number)
		case may:
			out.Classes = append(out.Classes, k.ID)
		}
		return nil
	})
	if err != nil {
		return Filter{}, err
	}
	slices.Sort(out.Numbers)
	return out, nil
}

// begin starts a query for the classes that a user may read. begin reads the log to its end and checks that the data is
// current. begin locks x.mu during this.
//
//   - out is a filter without classes, with the time of the oldest heartbeat.
//   - made is the highest class number so far.
//   - has is the test that by returns.
//   - classes are the classes to test.
//
// Errors are an unindexed right, a source without a current heartbeat, an unreadable log, and an error of by.
func (x *Index) begin(q Query, by func(*State) (func(*kind) (bool, error), error)) (out Filter, made int,
	has func(*kind) (bool, error), classes []*kind, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	watermark, err := x.follow()
	if err != nil {
		return out, 0, nil, nil, err
	}
	s := x.state
	if !slices.Contains(s.start.Rights, q.Right) {
		return out, 0, nil, nil, otherRight(q.Right)
	}
	out = Filter{Right: q.Right, Directory: s.version, Seq: s.seq, Until: s.start.Until, Index: s.start.Index}
	g := age{watermark, x.within(q), x.clock(), x.boot}
	for source := range x.sources(watermark) {
		if why := g.stale(source); why != "" {
			return out, 0, nil, nil, errors.New(why)
		}
		if m := watermark.Sources[source]; out.Time.IsZero() || m.Time.Before(out.Time) {
			out.Time = m.Time
		}
	}
	has, err = by(s)
	return out, s.nextNumber() - 1, has, s.inOrder(), err
}

// each calls f with each class under the index's lock. each releases the lock after each chunk, so that updates of a
// run wait for one chunk at most. each returns f's first error. f must not call methods of x.
func (x *Index) each(classes []*kind, f func(k *kind) error) error {
	for part := range slices.Chunk(classes, chunk) {
		if err := x.chunk(part, f); err != nil {
			return err
		}
	}
	return nil
}

// chunk calls f with each class of part while it holds the index's lock. It stops at f's first error and returns it.
func (x *Index) chunk(part []*kind, f func(k *kind) error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range part {
		if err := f(k); err != nil {
			return err
		}
	}
	return nil
}

// termsOf returns the SIDs by which a search engine finds a token's documents: the user's SID and the enabled group
// SIDs, sorted.
func termsOf(t *token.Token) []string {
	sids := []string{t.User().SID.String()}
	for _, g := range t.Groups() {
		if g.Attributes&winnt.SE_GROUP_ENABLED != 0 { // a group for deny only is never enabled
			sids = append(sids, g.SID.String())
		}
	}
	slices.Sort(sids)
	return slices.Compact(sids)
}

// listsAny reports whether the class lists one of the sorted SIDs as a reader.
func (k *kind) listsAny(sids []string) bool {
	in := func(s string) bool {
		_, has := slices.BinarySearch(sids, s)
		return has
	}
	return slices.ContainsFunc(k.event.Allow, in) || slices.ContainsFunc(k.event.Expand, in)
}

// CanReadAs reports whether a token has a right on a document (N-19). t must not be nil. It decides the token's access
// itself, so the token's user need not be in the directory. Everything else is as for [Index.CanRead]. If a share's
// configuration decides too, the answer is no, with the reason in Because.
func (x *Index) CanReadAs(path string, t *token.Token, right string) Answer {
	return x.CanReadAll(nil, []string{path}, Query{Token: t, Right: right})[0]
}

// byToken returns a test whether a class admits token t, by an access check. The test's text is "" if the result is
// known, else the reason why not: a share's configuration decides too, or the check failed.
func byToken(t *token.Token) func(*State, *kind) (bool, string) {
	d := deciderOf(t)
	return func(s *State, k *kind) (bool, string) {
		if s.start.Guard != "" {
			return false, errGuarded.Error()
		}
		may, err := d.grants(&k.Class)
		if err != nil {
			return false, err.Error()
		}
		return may, ""
	}
}

// deciderOf returns a decider that tests classes for one token, which need not be in the directory. Use only its grants
// method.
func deciderOf(t *token.Token) *decider {
	dir := &directory.Directory{Principals: []directory.Principal{{Token: t}}}
	return deciderFor(dir)
}
