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

// Holding is the effective access of one principal to one object.
type Holding struct {
	Object string
	Mask   winnt.AccessMask // granted on the object as a whole
	Steps  []string         // rights that let it control or use the object, as who-can names them, the strongest first
	Typed  []string         // further rights on one object type that not every user has, such as SW:Validated-SPN
	Words  []string         // the words of Mask and names of its other bits, without those that are in Steps
	// Ordinary reports whether every user of the directory has the same.
	Ordinary bool
	writes   bool // a right changes something, and not every user has it
}

// Holdings returns what the principal with index who can do with each object, one Holding for each element of list. The
// order is by consequence: control of objects from the strongest right on, then rights to write that not every user
// has, then other rights, and last those that every user has (B-54). Equal ones keep the order of list. d does not
// change. It returns the error of ctx, of an unreadable object or of a malformed msDS-GroupMSAMembership.
func Holdings(ctx context.Context, list []objects.Item, d *directory.Directory, who int) ([]Holding, error) {
	h, err := NewHolder(d, who)
	if err != nil {
		return nil, err
	}
	out := make([]Holding, len(list))
	for i := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if out[i], err = h.Of(&list[i]); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b Holding) int { return cmp.Compare(a.rank(), b.rank()) })
	return out, nil
}

// Holder finds what one principal can do with an object of a directory. It keeps no object, and belongs to one
// goroutine.
type Holder struct {
	direct *reach.Direct
	masks  masks
}

// NewHolder returns a Holder for the principal with index who. d does not change. It fails if a token cannot hold the
// groups of an ordinary user.
func NewHolder(d *directory.Directory, who int) (*Holder, error) {
	both := d.Clone()
	both.Principals = both.Principals[who : who+1]
	err := addOrdinary(both, d.Principals)
	if err != nil {
		return nil, err
	}
	h := &Holder{masks: masks{own: both.Principals[0].Token}}
	tokens := []*token.Token{h.masks.own, both.Principals[1].Token}
	h.masks.tokens = effective.Compile(tokens, effective.Config{})
	h.direct, err = reach.NewDirect(both)
	return h, err
}

// Of returns what the principal can do with an object. An unreadable object and a malformed msDS-GroupMSAMembership are
// errors. GenericAll, as the first step, hides the others.
func (h *Holder) Of(o *objects.Item) (held Holding, err error) {
	rights, err := h.direct.Rights(o)
	if err != nil {
		return held, err
	}
	for _, r := range rights {
		if r.Who.Has(0) && (len(held.Steps) == 0 || held.Steps[0] != "GenericAll") {
			held.Steps = append(held.Steps, r.Name)
		}
	}
	if err := h.masks.fill(&held, o); err != nil {
		return held, fmt.Errorf("%s: %w", o.Path, err)
	}
	return held, nil
}

// fill computes a holding's mask, words and rights on object types. h.Steps must be set; rights in it have no second
// word (B-118). The holding is ordinary if every user has the same rights. Only directory objects have rights on
// types. An error may leave h partly filled.
func (m *masks) fill(h *Holding, o *objects.Item) error {
	own, every, err := m.of(o, nil)
	if err != nil {
		return err
	}
	h.Object, h.Mask = o.Path, own
	h.Words = slices.DeleteFunc(words.Rights(own, o.Type), func(w string) bool { return slices.Contains(h.Steps, w) })
	h.writes = own&^every&^reading != 0
	h.Ordinary = len(h.Steps) == 0 && own&^every == 0
	if o.Type != winnt.DirectoryServiceObject {
		return nil
	}
	typed, err := m.typed(o, own)
	for _, r := range typed {
		if r.ordinary || r.coveredBy(h.Steps) {
			continue
		}
		h.Typed, h.Ordinary = append(h.Typed, r.String()), false
		h.writes = h.writes || r.mask&^reading != 0
	}
	return err
}

// addOrdinary appends an ordinary user to d, as a reference for rights that everybody has. The user is in Domain
// Users and in the groups that all users of all share. d's earlier list is not changed. An error leaves d as it was.
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

// shared returns the groups that every user of the directory is in, without Administrators (B-17). A user is a
// principal with Authenticated Users in its token. Integrity levels are ignored. The order is that of the first
// user. Without users it returns nil.
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

// rank returns the sort key of a holding. A holding with more consequence has a smaller rank. A holding with steps has
// the rank of its first step's term, then one that writes, then others, and ordinary ones are last.
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

// Rights returns all rights: those of steps first, then those on object types, then the words of the mask. It returns
// nil without a right.
func (h *Holding) Rights() []string { return slices.Concat(h.Steps, h.Typed, h.Words) }

// Text returns the rights as a cell of a table, "(nothing)" without a right.
func (h *Holding) Text() string {
	if all := h.Rights(); len(all) > 0 {
		return strings.Join(all, ", ")
	}
	return "(nothing)"
}

// masks computes the access masks of two tokens on an object: of the principal (own) and of an ordinary user. It
// caches an evaluator for each object type and object type list.
type masks struct {
	own        *token.Token
	tokens     *effective.Principals
	evaluators map[manner]*effective.Evaluator
}
