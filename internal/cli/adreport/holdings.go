package adreport

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Holding is what one principal can do with one object.
type Holding struct {
	Object string
	Mask   winnt.AccessMask // granted on the object as a whole
	Steps  []string         // rights that let it control or use the object, as who-can names them, the strongest first
	Typed  []string         // further rights on one object type that not every user has, such as SW:Validated-SPN
	Words  []string         // the words of package words whose rights it has completely
	// Ordinary reports whether every user of the directory has the same.
	Ordinary bool
	writes   bool // a right changes something, and not every user has it
}

// Holdings returns what the principal with index who can do with each object, one Holding for each element of list. The
// order is by consequence: control of objects from the strongest right on, then rights to write that not every user
// has, then other rights, and last those that every user has (B-54). Equal ones keep the order of list. d does not
// change. It returns the error of ctx, of an unreadable object or of a malformed msDS-GroupMSAMembership.
func Holdings(ctx context.Context, list []objects.Item, d *directory.Directory, who int) ([]Holding, error) {
	both := d.Clone()
	both.Principals = both.Principals[who : who+1]
	if err := addOrdinary(both, d.Principals); err != nil {
		return nil, err
	}
	s := reach.Search{Directory: both, Objects: list}
	out := make([]Holding, len(list))
	_, err := s.Direct(ctx, func(object int, rights []reach.Right) error {
		for _, r := range rights {
			if r.Who.Has(0) && (len(out[object].Steps) == 0 || out[object].Steps[0] != "GenericAll") {
				out[object].Steps = append(out[object].Steps, r.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m := masks{own: both.Principals[0].Token}
	m.tokens = effective.Compile([]*token.Token{m.own, both.Principals[1].Token}, effective.Config{})
	for i := range list {
		if err := m.fill(&out[i], &list[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", list[i].Path, err)
		}
	}
	slices.SortStableFunc(out, func(a, b Holding) int { return cmp.Compare(a.rank(), b.rank()) })
	return out, nil
}

// fill sets the rights of a holding whose Steps are set. On an error the rights are incomplete.
func (m *masks) fill(h *Holding, o *objects.Item) error {
	own, every, err := m.of(o, nil)
	if err != nil {
		return err
	}
	h.Object, h.Mask, h.Words = o.Path, own, words.Granted(own, o.Type)
	h.writes = own&^every&^reading != 0
	h.Ordinary = len(h.Steps) == 0 && own&^every == 0
	if o.Type != winnt.DirectoryServiceObject {
		return nil
	}
	typed, err := m.typed(o, own, every)
	for _, r := range typed {
		if r.ordinary || r.coveredBy(h.Steps) {
			continue
		}
		h.Typed, h.Ordinary = append(h.Typed, r.String()), false
		h.writes = h.writes || r.mask&^reading != 0
	}
	return err
}

// addOrdinary appends an ordinary user to d: one who is in Domain Users and in the groups that all users in all
// share. d's earlier list is not changed.
func addOrdinary(d *directory.Directory, all []directory.Principal) error {
	c := d.Clone()
	c.Principals = nil
	who := sid.AuthenticatedUsers
	if !d.Domain.IsZero() {
		who = d.Domain.WithRID(directory.DomainUsersRID)
	}
	i, _, err := c.FindOrAdd(who.String())
	if err != nil {
		return err
	}
	p := c.Principals[i]
	for _, g := range shared(all) {
		if p.Token, err = c.Join(p.Token, g); err != nil {
			return err
		}
	}
	d.Principals = append(slices.Clone(d.Principals), p)
	return nil
}

// shared returns the groups that every principal with Authenticated Users has, without Administrators (B-17). It
// returns nil if no principal has Authenticated Users. Integrity levels do not count.
func shared(all []directory.Principal) (groups []sid.SID) {
	first := true
	for i := range all {
		t := all[i].Token
		if !t.Member(sid.AuthenticatedUsers, false) {
			continue
		}
		if first {
			first = false
			for _, g := range t.Spec().Groups {
				if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
					groups = append(groups, g.SID)
				}
			}
			continue
		}
		groups = slices.DeleteFunc(groups, func(g sid.SID) bool { return !t.Member(g, false) })
	}
	return slices.DeleteFunc(groups, func(g sid.SID) bool { return g == sid.Administrators })
}

// rank returns the sort key of a holding. A holding with more consequence has a smaller rank.
func (h *Holding) rank() int {
	switch {
	case len(h.Steps) > 0:
		return max(0, slices.IndexFunc(terms, func(t term) bool { return t.Word == h.Steps[0] }))
	case h.Ordinary:
		return len(terms) + 2
	case h.writes:
		return len(terms)
	}
	return len(terms) + 1
}

// Text returns the rights as a cell of a table: rights of steps first, then those on object types, "(nothing)" without
// a right. typ is the type of the object, which names rights without a word.
func (h *Holding) Text(typ *winnt.ObjectType) string {
	all := slices.Concat(h.Steps, h.Typed, h.Words)
	switch {
	case len(all) == 0 && h.Mask == 0:
		return "(nothing)"
	case len(all) == 0:
		return typ.Names(h.Mask)
	}
	return strings.Join(all, ", ")
}

// masks evaluates the rights of two tokens: of the principal, and of an ordinary user.
type masks struct {
	own        *token.Token
	tokens     *effective.Principals
	evaluators map[manner]*effective.Evaluator
}
