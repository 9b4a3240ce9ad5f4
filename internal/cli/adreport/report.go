package adreport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// State is a directory at one time: its objects, and its users and groups. Both are required.
type State struct {
	Objects   []objects.Item // also the unreadable ones, with Err
	Directory *directory.Directory
}

// Report describes the page. Title and Now are required.
type Report struct {
	Title  string
	Now    State
	Before *State // the baseline; nil: the page has no changes
	// Important adds objects to those that are important in every directory; nil: none.
	Important  []*objects.Name
	BlockOwner bool // as in reach.Search
	MaxDepth   int  // as in reach.Search
	// Notes are lines about omissions that the caller knows of; they come first among the page's notes.
	Notes []string
}

// ErrNoObjects means that no object of a state could be read.
var ErrNoObjects = errors.New("no object could be read")

// side is the analysis of one state of the directory: the baseline or the present one. Indexes refer to
// search.Objects and to the directory's principals.
type side struct {
	search   *reach.Search
	survey   *reach.Survey
	failed   []objects.Item
	admins   effective.Set
	classes  map[string]int // of lower-case paths: the index of the object
	targets  []target
	rights   []objectRights   // of every object with a right for someone else than administrators
	everyone int              // principals that are not administrators
	vacant   map[sid.SID]bool // the accounts that a side of findVacant is about; nil: every account

	empty       *side // the same state for accounts that no principal has
	unevaluated int   // entries for such accounts that are not evaluated
	others      entryList
}

// details adds the report's less important sections to s: the accounts without members, and the entries that open no
// attack path.
func (s *side) details(ctx context.Context) (err error) {
	if err := s.findVacant(ctx); err != nil {
		return err
	}
	s.others, err = s.otherEntries()
	return err
}

// objectRights is the rights on one object, by its index, of principals that are not administrators.
type objectRights struct {
	object int
	rights []reach.Right
}

// Do evaluates both states and returns the page. An unreadable object is in no answer and has a line on the page. Do
// returns the error of ctx, or [ErrNoObjects] if a state has no readable object. Without a baseline the page has no
// changes. Errors of the baseline begin with "baseline:".
func (r *Report) Do(ctx context.Context) (*Page, error) {
	now, err := r.side(ctx, &r.Now)
	if err != nil {
		return nil, err
	}
	p := &Page{Title: r.Title, Notes: slices.Clone(r.Notes)}
	p.count(now, &r.Now)
	if err := p.important(now); err != nil {
		return nil, err
	}
	if p.Direct, err = now.grants(now.rights); err != nil {
		return nil, err
	}
	if err := now.details(ctx); err != nil {
		return nil, err
	}
	p.noteUnevaluated(now, "")
	if p.Vacant, err = now.empty.grants(now.empty.rights); err != nil {
		return nil, err
	}
	p.Entries, p.steps, p.byDesign = now.others.rowsOf(now, nil), now.others.steps, now.others.byDesign
	if r.Before != nil {
		before, err := r.side(ctx, r.Before)
		if err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		if err := before.details(ctx); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		p.noteUnevaluated(before, "In the baseline: ")
		if p.Changes, err = compare(before, now); err != nil {
			return nil, err
		}
	}
	p.notes(now, &r.Now)
	return p, nil
}

// side analyses one state: it finds administrators and important objects and searches the attack paths of all
// principals. It leaves unreadable objects out and lists them in failed. It returns [ErrNoObjects] if no object is
// left.
func (r *Report) side(ctx context.Context, state *State) (*side, error) {
	s := &side{classes: map[string]int{}}
	s.search = &reach.Search{Directory: state.Directory, People: true, BlockOwner: r.BlockOwner, MaxDepth: r.MaxDepth}
	for _, o := range state.Objects {
		if o.Err == nil && o.Entry != nil && o.Entry.Managed != nil {
			if _, err := sd.Decode(o.Entry.Managed); err != nil { // one object does not stop the report
				o.Err = fmt.Errorf("msDS-GroupMSAMembership: %w", err)
			}
		}
		if o.Err != nil {
			s.failed = append(s.failed, o)
			continue
		}
		s.classes[strings.ToLower(o.Path)] = len(s.search.Objects)
		s.search.Objects = append(s.search.Objects, o)
	}
	if len(s.search.Objects) == 0 {
		if len(s.failed) > 0 {
			first := s.failed[0]
			return nil, fmt.Errorf("%w; the first: %w", ErrNoObjects, objects.AddPath(first.Path, first.Err))
		}
		return nil, ErrNoObjects
	}
	s.administrators()
	s.findImportant(r.Important)
	var targets []int
	for _, t := range s.targets {
		targets = append(targets, t.object)
	}
	var err error
	s.survey, err = s.search.Survey(ctx, targets, func(object int, rights []reach.Right) error {
		s.keep(object, rights)
		return nil
	})
	return s, err
}

// administrators records the principals that control the directory by design, in s.admins: SYSTEM, members of
// Administrators, and domain controllers (B-48). s.everyone counts all other principals.
func (s *side) administrators() {
	d := s.search.Directory
	s.admins = make(effective.Set, (len(d.Principals)+63)/64)
	for i := range d.Principals {
		t := d.Principals[i].Token
		if t.IsAdmin() || t.User().SID == sid.LocalSystem ||
			!d.Domain.IsZero() && t.Member(d.Domain.WithRID(domainControllers), false) {
			s.admins[i/64] |= 1 << (i % 64)
		} else {
			s.everyone++
		}
	}
}

// keep records the noteworthy rights on an object: those of principals other than administrators and the object's own
// account (B-47). object is an index into the search's objects. For a principal with all rights it leaves out the
// weaker ones.
func (s *side) keep(object int, rights []reach.Right) {
	self := -1
	o := &s.search.Objects[object]
	if o.Entry.Account() {
		self = s.search.Directory.Find(o.Entry.SID.String())
	}
	kept := objectRights{object: object}
	var all effective.Set
	for _, x := range rights {
		set := without(x.Who, s.admins)
		if self >= 0 && set.Has(self) {
			set[self/64] &^= 1 << (self % 64)
		}
		if x.Name == "GenericAll" {
			all = set
		} else {
			set = without(set, all)
		}
		if x.Who = set; set.Count() > 0 {
			kept.rights = append(kept.rights, x)
		}
	}
	if len(kept.rights) > 0 {
		s.rights = append(s.rights, kept)
	}
}

// without returns a copy of a without the members of b. b may be shorter or nil.
func without(a, b effective.Set) effective.Set {
	out := slices.Clone(a)
	for i := range out {
		if i < len(b) {
			out[i] &^= b[i]
		}
	}
	return out
}

// name returns the name of a principal.
func (s *side) name(i int) string { return s.search.Directory.Principals[i].Name }
