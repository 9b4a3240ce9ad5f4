package adreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/sid"
)

// grants merges the rights on several objects into rows: one row for the same rights of the same principals through the
// same accounts. Rows with the strongest right come first.
func (s *side) grants(list []objectRights) (rows []Grants, err error) {
	at := map[string]int{}
	var objects [][]int // objects of each row
	for _, x := range list {
		parts, err := s.split(x)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			key := fmt.Sprint(part.rights, part.via, part.who)
			n, ok := at[key]
			if !ok {
				n, at[key] = len(rows), len(rows)
				rows = append(rows, Grants{Rights: part.rights, Who: s.names(part.who), Via: part.via})
				objects = append(objects, nil)
			}
			objects[n] = append(objects[n], x.object)
		}
	}
	for n := range rows {
		rows[n].Objects = s.objectNames(objects[n])
	}
	slices.SortStableFunc(rows, func(a, b Grants) int {
		return cmp.Or(cmp.Compare(rankOf(a.Rights[0]), rankOf(b.Rights[0])), cmp.Compare(b.Objects.Count, a.Objects.Count))
	})
	return rows, nil
}

// objectNames selects the object names for a row: all important objects, in the order of the page, and then the first
// maxSamples of the others (B-122). list has indexes of objects. Count counts all of them.
func (s *side) objectNames(list []int) Names {
	n := Names{Count: len(list)}
	left := make(map[int]bool, len(list))
	for _, i := range list {
		left[i] = true
	}
	for _, t := range s.targets {
		if left[t.object] {
			delete(left, t.object)
			n.List = append(n.List, s.search.Objects[t.object].Path)
		}
	}
	n.Important = len(n.List)
	for _, i := range list {
		if left[i] && len(n.List)-n.Important < maxSamples {
			n.List = append(n.List, s.search.Objects[i].Path)
		}
	}
	return n
}

// rankOf returns the strength of a right by its page name, as an index into terms: a stronger one has a smaller
// index. It returns -1 for an unknown name.
func rankOf(name string) int {
	return slices.IndexFunc(terms, func(t term) bool { return t.Name == name })
}

// part is a set of principals that have the same rights on one object through the same accounts (via).
type part struct {
	rights []string
	via    string
	who    effective.Set
}

// split groups the principals with rights on an object by the accounts that grant the rights. Each part is one group.
// If s.vacant is set, rights that no vacant account grants are left out. If the access check does not confirm a
// right, that is an error.
func (s *side) split(x objectRights) (parts []*part, err error) {
	at := map[string]*part{}
	for i := range x.rights {
		r := &x.rights[i]
		rest := slices.Clone(r.Who)
		for who := range r.Who.All() {
			if !rest.Has(who) {
				continue
			}
			grants, err := s.survey.Why(x.object, r, who)
			if err != nil {
				return nil, err
			}
			set := s.members(rest, grants)
			if s.vacant != nil && !slices.ContainsFunc(grants, func(g reach.Grant) bool { return s.vacant[g.Account] }) {
				rest = without(rest, set)
				rest[who/64] &^= 1 << (who % 64)
				continue
			}
			set[who/64] |= 1 << (who % 64)
			rest = without(rest, set)
			via := viaOf(grants)
			key := fmt.Sprint(set, via)
			p := at[key]
			if p == nil {
				p = &part{via: via, who: set}
				at[key], parts = p, append(parts, p)
			}
			if name := termOf(r.Name); !slices.Contains(p.rights, name) {
				p.rights = append(p.rights, name)
			}
		}
	}
	return parts, nil
}

// viaOf returns the accounts that grant a right as text. It names Everyone and Authenticated Users only if no other
// account grants it. It returns "" for no grants. Each text is there once.
func viaOf(grants []reach.Grant) string {
	var all []string
	general := func(g reach.Grant) bool { return g.Account == sid.AuthenticatedUsers || g.Account == sid.Everyone }
	if !slices.ContainsFunc(grants, func(g reach.Grant) bool { return !general(g) }) {
		general = func(reach.Grant) bool { return false }
	}
	for _, g := range grants {
		if general(g) {
			continue
		}
		if !slices.Contains(all, g.Text) {
			all = append(all, g.Text)
		}
	}
	return strings.Join(all, " and ")
}

// members selects the principals of set for which the grants hold: those whose tokens have every account of the
// grants. A grant without an account, such as a privilege, selects none. Without grants all of set are selected.
func (s *side) members(set effective.Set, grants []reach.Grant) effective.Set {
	out := make(effective.Set, len(set))
	for i := range set.All() {
		t := s.search.Directory.Principals[i].Token
		lacks := func(g reach.Grant) bool { return g.Account.IsZero() || !t.Member(g.Account, false) }
		if !slices.ContainsFunc(grants, lacks) {
			out[i/64] |= 1 << (i % 64)
		}
	}
	return out
}
