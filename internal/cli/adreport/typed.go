package adreport

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// typedRights is the rights of the principal on one object type, such as a property set, beyond its rights on the
// whole object.
type typedRights struct {
	guid     winnt.GUID
	mask     winnt.AccessMask
	ordinary bool // the second token has them too
}

// String returns the rights as who-can reads them, such as SW:Validated-SPN. An unknown type is given by its GUID.
func (r typedRights) String() string {
	name := adrights.Name(r.guid, r.mask)
	if name == "" {
		name = r.guid.String()
	}
	return sddl.FormatRights(r.mask) + ":" + name
}

// typed returns the principal's rights on the object types that matching DACL entries name. The rights on the whole
// object are own. They are left out, and so is reading attributes that nobody can read (B-55). A type counts once.
func (m *masks) typed(o *objects.Item, own winnt.AccessMask) (list []typedRights, err error) {
	var types []winnt.GUID
	for _, a := range o.Descriptor.DACL().All() {
		g, ok := a.ObjectType()
		if !ok || g == (winnt.GUID{}) || a.Flags()&sd.InheritOnly != 0 || slices.Contains(types, g) || !m.matches(a) {
			continue
		}
		types = append(types, g)
		chain, err := typesOf(o, g)
		if err != nil {
			return nil, err
		}
		mine, others, err := m.of(o, chain)
		if err != nil {
			return nil, err
		}
		r := typedRights{guid: g, mask: mine &^ own}
		if adrights.Secret(g) {
			r.mask &^= winnt.ADS_RIGHT_DS_READ_PROP
		}
		if r.mask != 0 {
			r.ordinary = r.mask&^others == 0
			list = append(list, r)
		}
	}
	return list, nil
}

// matches reports whether an entry may apply to the principal: it names an account of the token, PRINCIPAL_SELF or
// OWNER RIGHTS.
func (m *masks) matches(a sd.ACE) bool {
	switch a.SID() {
	case sid.PrincipalSelf, sid.OwnerRights:
		return true
	}
	return m.own.Member(a.SID(), false)
}

// typesOf returns the object type list for a GUID on an object. The root is the object's class, the last one
// if there are several, and the zero GUID if unknown. If g is that class, the list has only the root.
func typesOf(o *objects.Item, g winnt.GUID) ([]access.ObjectTypeEntry, error) {
	chain, err := words.Chain(g.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Path, err)
	}
	var class winnt.GUID
	if o.Entry != nil && len(o.Entry.Classes) > 0 { // the last one is the most derived
		class = words.Class(o.Entry.Classes[len(o.Entry.Classes)-1])
	}
	switch {
	case len(chain) > 1:
		chain[0] = class
	case g != class: // g is the class of child objects
		chain = []winnt.GUID{class, g}
	}
	return words.Tree([][]winnt.GUID{chain}), nil
}

// coveredBy reports whether a right of a step includes rights on one object type: WriteSPN, for example, writing
// servicePrincipalName. An unknown step covers nothing. The step must include all bits of r and its object type.
func (r typedRights) coveredBy(steps []string) bool {
	return slices.ContainsFunc(steps, func(step string) bool {
		rights, err := words.Parse(step)
		if err != nil { // the step is a membership, not a right
			return false
		}
		return slices.ContainsFunc(rights[0].Parts(winnt.DirectoryServiceObject), func(p words.Part) bool {
			return r.mask&^p.Mask == 0 && slices.Contains(p.Types, r.guid)
		})
	})
}

// manner is the cache key of an evaluator: the object's type, and the object type list as text.
type manner struct {
	typ   *winnt.ObjectType
	types string
}

// maxManners limits the ways to evaluate an object whose evaluators masks keeps.
const maxManners = 1 << 10

// of returns the maximum rights of the principal and of an ordinary user on an object. They are the results own and
// every. types are the object types to check; an empty list means the whole object.
func (m *masks) of(o *objects.Item, types []access.ObjectTypeEntry) (own, every winnt.AccessMask, err error) {
	self := o.Entry.Account() && o.Descriptor.DACL().Facts()&sd.HasPrincipalSelf != 0
	key := manner{o.Type, fmt.Sprint(types)}
	e := m.evaluators[key]
	if e == nil || self {
		q := effective.Question{Type: o.Type, Rights: []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}, ObjectTypes: types}
		if self {
			q.Self = o.Entry.SID
		}
		if e, err = effective.NewEvaluator(m.tokens, q); err != nil {
			return 0, 0, err
		}
		if !self {
			if m.evaluators == nil || len(m.evaluators) >= maxManners {
				m.evaluators = map[manner]*effective.Evaluator{}
			}
			m.evaluators[key] = e
		}
	}
	all := e.Maximum(o.Descriptor)
	return all[0], all[1], nil
}
