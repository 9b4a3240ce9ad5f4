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
type Difference struct {
	Object, Text string
	Others       int // further objects with the same difference of an inherited entry
}

// More returns the number of further objects in words, such as " (and on 3 other objects)". It returns "" for 0.
func (d Difference) More() string {
	if d.Others == 0 {
		return ""
	}
	return " (and on " + plural(d.Others, "other object", "other objects") + ")"
}

// Membership is a group whose members differ between two states. Members of its members count.
type Membership struct {
	Group        string
	Joined, Left Names
}

// differences adds changed descriptors and group members to c, even if no right changes (B-127). It compares objects
// and groups that both states have. Equal differences of inherited entries are one row with the first object. After
// maxRows of each, c.Objects states how many more there are.
func (c *Changes) differences(before, now *side) {
	inherited := map[string]*Difference{}
	var order []*Difference
	for i := range now.search.Objects {
		o := &now.search.Objects[i]
		j, both := before.classes[strings.ToLower(o.Path)]
		if !both {
			continue
		}
		p := pair{before, now, before.search.Objects[j].Descriptor, o.Descriptor}
		for _, text := range p.differences() {
			c.Differences = append(c.Differences, Difference{o.Path, text, 0})
		}
		for _, text := range p.entries("entry", "inherited ", (*sd.Descriptor).DACL, sd.Inherited) {
			x := inherited[text]
			if x == nil {
				x = &Difference{o.Path, text, -1}
				inherited[text], order = x, append(order, x)
			}
			x.Others++
		}
	}
	for _, x := range order {
		c.Differences = append(c.Differences, *x)
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

// pair is one object in two states: its old descriptor and the present one, d, each with its state.
type pair struct {
	before, now *side
	old, d      *sd.Descriptor
}

// differences returns a text for each difference of the owner, the group, whether the DACL inherits, the entries of the
// DACL that are not inherited, and the entries of the SACL.
func (p *pair) differences() (texts []string) {
	for _, x := range []struct {
		name string
		of   func(*sd.Descriptor) sid.SID
	}{{"owner", (*sd.Descriptor).Owner}, {"group", (*sd.Descriptor).Group}} {
		if a, b := x.of(p.old), x.of(p.d); a != b {
			texts = append(texts, fmt.Sprintf("%s is %s, was %s", x.name, p.now.search.Directory.Name(b),
				p.before.search.Directory.Name(a)))
		}
	}
	if a, b := p.old.Control()&sd.DACLProtected, p.d.Control()&sd.DACLProtected; a != b {
		texts = append(texts, map[bool]string{true: "no longer inherits entries",
			false: "inherits entries again"}[b != 0])
	}
	texts = append(texts, p.entries("entry", "", (*sd.Descriptor).DACL, 0)...)
	for _, flag := range []uint8{0, sd.Inherited} {
		texts = append(texts, p.entries("audit entry", "", (*sd.Descriptor).SACL, flag)...)
	}
	return texts
}

// entries returns a text for each ACL entry that was added or removed. list selects the DACL or SACL; flag selects
// inherited or explicit entries. name and how name the list and the entries. If only the order differs, one text says
// so. Without a difference the result is nil.
func (p *pair) entries(name, how string, list func(*sd.Descriptor) *sd.ACL, flag uint8) (texts []string) {
	chosen := func(d *sd.Descriptor) []sd.ACE {
		return slices.DeleteFunc(list(d).Slice(), func(a sd.ACE) bool { return a.Flags()&sd.Inherited != flag })
	}
	theirs, ours := chosen(p.old), chosen(p.d)
	added, removed := entriesOnlyIn(ours, theirs), entriesOnlyIn(theirs, ours)
	for _, a := range removed {
		texts = append(texts, fmt.Sprintf("removed %s%s: %s", how, name, p.before.entryText(a)))
	}
	for _, a := range added {
		texts = append(texts, fmt.Sprintf("new %s%s: %s", how, name, p.now.entryText(a)))
	}
	if len(added)+len(removed) == 0 && !slices.Equal(theirs, ours) {
		texts = append(texts, "the same "+how+"entries in another order")
	}
	return texts
}

// entriesOnlyIn returns the entries of list that other does not have, as a difference of multisets: an entry that
// list has twice and other once is returned once.
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

// entryText returns an entry in words, such as "allow bob reset password, inherited by children only". The text of an
// entry of a SACL begins with "for".
func (s *side) entryText(a sd.ACE) string {
	kind := "allow"
	switch {
	case a.Type().IsDeny():
		kind = "deny"
	case !a.Type().IsAllow():
		kind = "for"
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
// members it lists at most maxNames each. Names.Count counts all of them. A principal that only one state has is left
// out.
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
