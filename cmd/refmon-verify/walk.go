package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// read removes from the nodes the rights that one list does not grant. The user, the restricting SIDs and the package
// each need a grant. A package neither needs nor can get the rights in exempt. If q is strict and a right is lost,
// read returns false, which ends the check.
func (q *query) read(l list, exempt mask) bool {
	t, limit, clip := q.token, ^q.own, func(m mask) { each(q.nodes, func(n *node) { n.held &= m }) }
	if l.dacl == nil {
		clip(pick(q.max, q.own|q.mapping[3]&grantable|q.asked, ^mask(0))) // No DACL: all is granted.
		held := q.nodes[0].held
		q.stage("A-42", pick(l.rule, 0, held&^q.own), true)
		q.stage("A-96", pick(t.pkg == "", 0, held&^exempt), false)
		clip(pick(t.pkg == "", ^mask(0), exempt))
		return !q.strict || held == q.nodes[0].held
	}
	// A write-restricted token is restricted only in deleting, changing DACL or owner, and writing proper.
	second := limit & pick(t.writeRestricted, deleteRight|writeDAC|writeOwner|q.mapping[1]&^(q.mapping[0]|q.mapping[2]),
		^mask(0))
	return q.narrow(l, "", limit) && (!t.restricted || q.narrow(l, "restricted", second)) &&
		(t.pkg == "" || q.narrow(l, "package", ^exempt))
}

// narrow evaluates a list for one side of the token, pass, and removes the rights that it does not grant. The first
// applicable entry that contains a right decides it. Rights outside of limit stay. It returns false if that
// ends the check.
func (q *query) narrow(l list, pass string, limit mask) bool {
	// of allowed, denied, left
	rules := map[string][3]string{"restricted": {"A-90", "A-92", "A-90"}, "package": {"A-94", "A-94", "A-95"}, "": {
		pick(q.typed, "A-82", "A-70"), pick(q.typed, "A-83", pick(q.strict, "A-70", "A-41")),
		pick(len(l.dacl) == 0, "A-43", "A-40")}}[pass]
	before, denying, stopped := q.nodes[0].held, false, false
	each(q.nodes, func(n *node) { n.held = pick(q.is("resultList"), n.held, before); n.open, n.got = n.held&limit, 0 })
	for i, e := range l.dacl {
		open, at := mask(0), slices.IndexFunc(q.nodes, func(n *node) bool { return n.guid == e.guid })
		each(q.nodes, func(n *node) { open |= n.open })
		at = pick(e.guid == "" || e.deny && !q.typed, 0, at) // No type, or a denial without a list: the root.
		if m := q.mapped(e.mask) & open; !stopped && m != 0 && at >= 0 && q.applies(&e, pass) {
			root := q.nodes[0].open
			stopped = q.spread(at, m, e.deny) && e.deny && q.strict
			m = pick(e.deny && q.strict && root == q.nodes[0].open, 0, m) // The node has the bits: nothing is denied.
			q.step(rules[pick(e.deny, 1, 0)], l.name, i, pass, at, m, !e.deny)
			denying = denying || e.deny && m != 0
		}
	}
	each(q.nodes, func(n *node) { n.held = n.held&^limit | n.got })
	interest := q.asked | pick(q.max, q.mapped(0x10000000)&^maximum, 0)
	for i, n := range q.nodes[:pick(q.is("resultList"), len(q.nodes), 1)] {
		q.step(pick(l.rule, "A-101", rules[2]), "", -1, pass, i, pick(denying && q.strict, 0, n.open&interest), false)
	}
	return !q.strict || q.nodes[0].held == before
}

// plant builds the object tree from the object types of the certificate. It returns false if the list is not a tree
// in preorder. Malformed text panics.
func (q *query) plant() bool {
	valid, seen, last := true, map[string]bool{}, -1
	for i, v := range q.c["objectTypes"].([]any) {
		level, guid, _ := strings.Cut(v.(string), " ")
		n := &node{level: int(must(strconv.ParseUint(level, 10, 16))), guid: unhex(guid)}
		check(fmt.Sprintf("%d %x", n.level, n.guid) == v && len(n.guid) == 16,
			"the object type %v: write level and GUID", v)
		valid = valid && (n.level == 0) == (i == 0) && n.level <= min(last+1, 4) && !seen[guid] && i < 4096
		q.nodes, seen[guid], last, q.typed = append(q.nodes, n), true, n.level, true
	}
	q.nodes = pick(q.typed, q.nodes, []*node{{}})
	return valid
}

// end returns the index behind the subtree of the node i in the object tree.
func (q *query) end(i int) int {
	below := slices.IndexFunc(q.nodes[i+1:], func(n *node) bool { return n.level <= q.nodes[i].level })
	return pick(below < 0, len(q.nodes), i+1+below)
}

// spread grants or denies m at a node and its descendants. An ancestor is granted the rights that all its children
// have, and denied those that one is denied. It reports whether a right was undecided before.
func (q *query) spread(at int, m mask, deny bool) (hit bool) {
	up := m &^ q.nodes[at].got
	for i := q.end(at) - 1; i >= 0; i-- {
		n, bits := q.nodes[i], pick(i >= at, m, pick(deny, up, ^mask(0)))
		for c := i + 1; i < at && !deny && c < q.end(i); c = q.end(c) {
			bits &= q.nodes[c].got
		}
		bits = pick(q.end(i) > at, bits&n.open, 0)
		n.open, n.got, hit = n.open&^bits, n.got|pick(deny, 0, bits), hit || i >= at && bits != 0
	}
	return hit
}

// applies reports whether an entry matches the token in a pass and its condition holds. A compound entry has a
// client and a server SID.
func (q *query) applies(e *entry, pass string) bool {
	who := e.sid
	if e.kind == 4 && e.acts {
		who = readSID(e.data)
	}
	return e.acts && q.member(q.token, pass, who, e.deny) && (e.kind != 4 || q.member(q.primary, "", e.sid, false)) &&
		(e.kind < 9 || !q.is("claimsDisabled") && q.holds(e.data, e.deny, pass) >= pick(e.deny, 0, 1))
}

// member reports whether a SID matches one side of a token.
func (q *query) member(t *token, pass, s string, deny bool) bool {
	s = pick(s == selfSID && q.self != "", q.self, pick(s == ownerRights, q.owner, s))
	mine := pass == "package" && t.members[s]&1 != 0 // the user's side's to grant
	return t.members[pass+s]&pick[byte](deny, 2, 1) != 0 && (deny || !mine)
}
