package adreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Difference is a part of an object's descriptor that differs between two states.
type Difference struct{ Object, Text string }

// Membership is a group whose members differ between two states. Members of its members count.
type Membership struct {
	Group        string
	Joined, Left Names
}

// differences compares the descriptors of the objects that both states have, and the groups of the principals that
// both have, whether or not a right follows from them (B-127). It lists at most maxRows of each, and says in Objects if
// there are more.
func (c *Changes) differences(before, now *side) {
	for i := range now.search.Objects {
		o := &now.search.Objects[i]
		j, both := before.classes[strings.ToLower(o.Path)]
		if !both {
			continue
		}
		for _, text := range descriptorDifferences(before, now, before.search.Objects[j].Descriptor, o.Descriptor) {
			c.Differences = append(c.Differences, Difference{o.Path, text})
		}
	}
	c.Memberships = memberships(before, now)
	if n := len(c.Differences) - maxRows; n > 0 {
		c.Differences = c.Differences[:maxRows]
		c.Objects = append(c.Objects, fmt.Sprintf("%d more differences of descriptors: not listed", n))
	}
	if n := len(c.Memberships) - maxRows; n > 0 {
		c.Memberships = c.Memberships[:maxRows]
		c.Objects = append(c.Objects, fmt.Sprintf("%d more groups with other members: not listed", n))
	}
}

// descriptorDifferences returns a text for each difference of two descriptors. It compares the owner, whether the DACL
// inherits, and the entries that are not inherited.
func descriptorDifferences(before, now *side, old, d *sd.Descriptor) (texts []string) {
	if a, b := old.Owner(), d.Owner(); a != b {
		texts = append(texts, fmt.Sprintf("owner %s, before %s", now.search.Directory.Name(b),
			before.search.Directory.Name(a)))
	}
	if a, b := old.Control()&sd.DACLProtected, d.Control()&sd.DACLProtected; a != b {
		texts = append(texts, map[bool]string{true: "inherits no entries any more", false: "inherits entries again"}[b != 0])
	}
	theirs, ours := explicit(old), explicit(d)
	added, removed := entriesOnlyIn(ours, theirs), entriesOnlyIn(theirs, ours)
	for _, a := range removed {
		texts = append(texts, "removed entry: "+before.entryText(a))
	}
	for _, a := range added {
		texts = append(texts, "new entry: "+now.entryText(a))
	}
	if len(added)+len(removed) == 0 && !slices.Equal(theirs, ours) {
		texts = append(texts, "the same entries in another order")
	}
	return texts
}

// explicit returns the entries of a DACL that are not inherited, nil without a DACL.
func explicit(d *sd.Descriptor) []sd.ACE {
	return slices.DeleteFunc(d.DACL().Slice(), func(a sd.ACE) bool { return a.Flags()&sd.Inherited != 0 })
}

// entriesOnlyIn returns the entries of list that are not in other. An entry that list has more often remains.
func entriesOnlyIn(list, other []sd.ACE) (out []sd.ACE) {
	left := map[sd.ACE]int{}
	for _, a := range other {
		left[a]++
	}
	for _, a := range list {
		if left[a]--; left[a] < 0 {
			out = append(out, a)
		}
	}
	return out
}

// entryText returns an entry in words, such as "allow bob reset password, inherited by children only".
func (s *side) entryText(a sd.ACE) string {
	kind := "allow"
	if denies(a.Type()) {
		kind = "deny"
	}
	text := fmt.Sprintf("%s %s %s", kind, s.search.Directory.Name(a.SID()),
		rightsText(a, winnt.DirectoryServiceObject.Mapping.Map(a.Mask())))
	switch f := a.Flags(); {
	case f&sd.InheritOnly != 0:
		text += ", inherited by children only"
	case f&sd.ContainerInherit != 0:
		text += ", inherited by children"
	}
	return text
}

// memberships returns the groups that principals of both states joined or left, by name. Of the joined and of the left
// members it lists at most maxNames each.
func memberships(before, now *side) []Membership {
	groups := map[sid.SID]*Membership{}
	at := now.counterparts(before)
	note := func(s *side, who int, other *side, counterpart int, names func(*Membership) *Names) {
		theirs := map[sid.SID]bool{}
		for _, g := range other.search.Directory.Principals[counterpart].Token.Groups() {
			theirs[g.SID] = true
		}
		for _, g := range s.search.Directory.Principals[who].Token.Groups() {
			if theirs[g.SID] {
				continue
			}
			m := groups[g.SID]
			if m == nil {
				m = &Membership{Group: s.search.Directory.Name(g.SID)}
				groups[g.SID] = m
			}
			if n := names(m); n.Count < maxNames {
				n.List = append(n.List, s.name(who))
			}
			names(m).Count++
		}
	}
	for i, j := range at {
		if j >= 0 {
			note(now, i, before, j, func(m *Membership) *Names { return &m.Joined })
			note(before, j, now, i, func(m *Membership) *Names { return &m.Left })
		}
	}
	var list []Membership
	for _, m := range groups {
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b Membership) int { return cmp.Compare(a.Group, b.Group) })
	return list
}
