package adreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
)

// Changes lists what differs from the baseline. Principals and objects are compared by name, whatever its case.
type Changes struct {
	Became, Ceased Names // administrators
	Gained, Lost   []Grants
	Opened, Closed []Change // of important objects
	// VacantGained and VacantLost have the rights of groups without members and of unknown accounts.
	VacantGained, VacantLost []Grants
	// EntriesAdded and EntriesRemoved have the other entries.
	EntriesAdded, EntriesRemoved []EntryRow
	// Differences and Memberships have what differs, whether or not rights follow from it.
	Differences []Difference
	Memberships []Membership
	Objects     []string // of one state only, without a descriptor, and limits of the lists
}

// None reports whether all lists are empty, so nothing changed.
func (c *Changes) None() bool {
	return c.Became.Count+c.Ceased.Count+len(c.Gained)+len(c.Lost)+len(c.Opened)+len(c.Closed)+len(c.VacantGained)+
		len(c.VacantLost)+len(c.EntriesAdded)+len(c.EntriesRemoved)+len(c.Differences)+len(c.Memberships)+
		len(c.Objects) == 0
}

// Change is a path to an important object that only one state has, or that became shorter or longer.
type Change struct {
	Who, Object, Kind string
	Steps             []Step
	Through           string // the first important object on the way, by its kind; "": there is none
	Was               int    // steps in the other state, of a path that became shorter or longer; 0: it has none
	rank              int    // of the object on the page
}

// compare returns what changed in a directory since the baseline. Changes are in administrators, rights, attack
// paths, objects and descriptors. It lists at most maxRows opened and maxRows closed paths; Objects states how many
// more there are. A failed search is an error.
func compare(before, now *side) (c *Changes, err error) {
	c = &Changes{}
	c.Became, c.Ceased = administratorsOf(now, before), administratorsOf(before, now)
	if c.Gained, err = now.grants(now.beyond(before)); err != nil {
		return nil, err
	}
	if c.Lost, err = before.grants(before.beyond(now)); err != nil {
		return nil, err
	}
	was, is := before.lengths(), now.lengths()
	var more int
	if c.Opened, more, err = now.paths(is, was, before); err != nil {
		return nil, err
	}
	if more > 0 {
		c.Objects = append(c.Objects, fmt.Sprintf("%d more paths are new or shorter: not listed", more))
	}
	if c.Closed, more, err = before.paths(was, is, now); err != nil {
		return nil, err
	}
	if more > 0 {
		c.Objects = append(c.Objects, fmt.Sprintf("%d more paths are closed or longer: not listed", more))
	}
	c.objects(before, now)
	c.differences(before, now)
	return c, c.sections(before, now)
}

// administratorsOf returns the accounts that are administrators in state a but not in state b. An account that b does
// not have counts. At most maxNames are listed, but all are counted.
func administratorsOf(a, b *side) (n Names) {
	at := a.counterparts(b) // a search by name would also read a name such as LA as an alias
	for i := range a.admins.All() {
		if j := at[i]; j >= 0 && b.admins.Has(j) {
			continue
		}
		if n.Count++; len(n.List) < maxNames {
			n.List = append(n.List, a.name(i))
		}
	}
	return n
}

// beyond returns the rights on each object that principals have in s but not in other. Principals and paths match by
// name. A principal with all rights on the object in other, or an administrator there, is left out. Without any
// rights the result is nil.
func (s *side) beyond(other *side) (out []objectRights) {
	theirs := map[string]effective.Set{}
	for _, x := range other.rights {
		path := strings.ToLower(other.search.Objects[x.object].Path)
		for _, r := range x.rights {
			theirs[path+"\x00"+r.Name] = r.Who
		}
	}
	at := s.counterparts(other)
	for _, x := range s.rights {
		more := objectRights{object: x.object}
		path := strings.ToLower(s.search.Objects[x.object].Path)
		all := theirs[path+"\x00GenericAll"]
		for _, r := range x.rights {
			had := theirs[path+"\x00"+r.Name]
			set := slices.Clone(r.Who)
			for i := range r.Who.All() {
				if j := at[i]; j >= 0 && (had.Has(j) || all.Has(j) || other.admins.Has(j)) {
					set[i/64] &^= 1 << (i % 64)
				}
			}
			if r.Who = set; set.Count() > 0 {
				more.rights = append(more.rights, r)
			}
		}
		if len(more.rights) > 0 {
			out = append(out, more)
		}
	}
	return out
}

// counterparts maps each principal of s to the principal with the same name in the other state. The result has the
// index in other, or -1 without one. Case is ignored. Of several with the name it is the last.
func (s *side) counterparts(other *side) []int {
	d := other.search.Directory
	names := map[string]int{}
	for i := range d.Principals {
		names[strings.ToLower(d.Principals[i].Name)] = i
	}
	at := make([]int, len(s.search.Directory.Principals))
	for i := range at {
		at[i] = -1
		if j, ok := names[strings.ToLower(s.name(i))]; ok {
			at[i] = j
		}
	}
	return at
}

// lengths returns the length of the attack path from each principal to each important object, in steps. It leaves out
// administrators and principals without a path. The keys are the object's lower-case path and then the lower-case
// name.
func (s *side) lengths() map[string]map[string]int {
	out := map[string]map[string]int{}
	for _, t := range s.targets {
		in := s.survey.Whom(t.object)
		of := map[string]int{}
		for who, steps := range in.Steps {
			if !s.admins.Has(who) {
				of[strings.ToLower(s.name(who))] = steps
			}
		}
		out[strings.ToLower(s.search.Objects[t.object].Path)] = of
	}
	return out
}

// changedPath is a path that paths returns, before the search for its steps.
type changedPath struct{ target, who, steps, was int } // target and who are indexes in the side

// paths returns the attack paths to important objects that are new or shorter in s. own and theirs are the results of
// lengths for s and other. At most maxRows paths are returned, shortest first; more counts the rest. Administrators
// of either state are left out. A failed search is an error.
func (s *side) paths(own, theirs map[string]map[string]int, other *side) (list []Change, more int, err error) {
	found := s.changed(own, theirs, other)
	more = max(0, len(found)-maxRows)
	found = found[:len(found)-more]
	of := map[int][]int{} // by target: indexes in found
	for i, c := range found {
		of[c.target] = append(of[c.target], i)
	}
	list = make([]Change, len(found))
	for n, t := range s.targets {
		if of[n] == nil {
			continue
		}
		in := s.survey.Whom(t.object) // valid until the next call of Whom
		for _, i := range of[n] {
			c := found[i]
			p, err := in.Path(c.who)
			if err != nil {
				return nil, 0, err
			}
			list[i] = Change{s.name(c.who), s.search.Objects[t.object].Path, t.kind, stepsOf(p), s.through(p), c.was, t.rank}
		}
	}
	return list, more, nil
}

// changed returns all paths that paths is about, the shortest first. Paths of one length are in the order of the
// targets, then of the principals.
func (s *side) changed(own, theirs map[string]map[string]int, other *side) (found []changedPath) {
	at := s.counterparts(other)
	for n, t := range s.targets {
		path := strings.ToLower(s.search.Objects[t.object].Path)
		for i := range s.search.Directory.Principals {
			name := strings.ToLower(s.name(i))
			steps, reaches := own[path][name]
			was, did := theirs[path][name]
			if !reaches || s.admins.Has(i) || did && was <= steps || at[i] >= 0 && other.admins.Has(at[i]) {
				continue
			}
			found = append(found, changedPath{n, i, steps, was})
		}
	}
	slices.SortStableFunc(found, func(a, b changedPath) int { return cmp.Compare(a.steps, b.steps) })
	return found
}

// objects lists new and deleted objects. An object that has a descriptor in one state only has changed in an unknown
// way (B-51). At most maxNames of each kind are listed, with the number of the rest.
func (c *Changes) objects(before, now *side) {
	list := func(from, other *side, missing, text string) {
		count, absent := map[string]int{}, map[string]bool{}
		for _, o := range other.failed {
			absent[strings.ToLower(o.Path)] = true
		}
		for i := range from.search.Objects {
			path, what := from.search.Objects[i].Path, text
			if _, ok := other.classes[strings.ToLower(path)]; ok {
				continue
			}
			if absent[strings.ToLower(path)] {
				what = missing
			}
			if count[what]++; count[what] <= maxNames {
				c.Objects = append(c.Objects, path+": "+what)
			}
		}
		for _, what := range []string{missing, text} {
			if rest := count[what] - maxNames; rest > 0 {
				c.Objects = append(c.Objects, fmt.Sprintf("and %d more: %s", rest, what))
			}
		}
	}
	list(now, before, "the descriptor was missing before", "new object")
	list(before, now, "the descriptor is missing now", "object is gone")
}

// Consequence is the important objects that a principal reaches, or no longer reaches, through another one.
type Consequence struct {
	Who, Through string
	Objects      []string // in the order of the page
	Kinds        []string // of the objects, each once
}

// divide separates path changes that lead through another important object. All other changes are in own, in the
// order of list. The result rest groups the separated ones by principal and that object, and orders each group by
// importance. Both are nil if empty.
func divide(list []Change) (own []Change, rest []Consequence) {
	at := map[[2]string]int{}
	var through []Change
	for _, x := range list {
		if x.Through == "" {
			own = append(own, x)
		} else {
			through = append(through, x)
		}
	}
	slices.SortStableFunc(through, func(a, b Change) int { return cmp.Compare(a.rank, b.rank) })
	for _, x := range through {
		key := [2]string{x.Who, x.Through}
		n, ok := at[key]
		if !ok {
			n, at[key] = len(rest), len(rest)
			rest = append(rest, Consequence{Who: x.Who, Through: x.Through})
		}
		rest[n].Objects = append(rest[n].Objects, x.Object)
		if !slices.Contains(rest[n].Kinds, x.Kind) {
			rest[n].Kinds = append(rest[n].Kinds, x.Kind)
		}
	}
	return own, rest
}

// OpenedDirectly returns the new and shorter paths that lead through no other important object.
func (c *Changes) OpenedDirectly() []Change { own, _ := divide(c.Opened); return own }

// OpenedThrough returns the new and shorter paths that lead through another important object, grouped by principal and
// that object.
func (c *Changes) OpenedThrough() []Consequence { _, rest := divide(c.Opened); return rest }

// ClosedDirectly returns the closed and longer paths that led through no other important object.
func (c *Changes) ClosedDirectly() []Change { own, _ := divide(c.Closed); return own }

// ClosedThrough returns the closed and longer paths that led through another important object, grouped by principal and
// that object.
func (c *Changes) ClosedThrough() []Consequence { _, rest := divide(c.Closed); return rest }
