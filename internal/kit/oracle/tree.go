package oracle

import (
	"slices"
	"strconv"
	"strings"
)

// integrityOf returns the number of an integrity level S-1-16-x.
func integrityOf(s string) Word {
	n, _ := strconv.ParseUint(strings.TrimPrefix(s, "S-1-16-"), 10, 32)
	return Word(n)
}

// parent returns the parent of the node i in the object type list, -1 for the root.
func (r *run) parent(i int) int {
	for p := i - 1; p >= 0; p-- {
		if r.Types[p].Level < r.Types[i].Level {
			return p
		}
	}
	return -1
}

// under reports whether the node i of the object type list is n or a descendant of n.
func (r *run) under(i, n int) bool {
	for ; i >= 0; i = r.parent(i) {
		if i == n {
			return true
		}
	}
	return false
}

// children returns the child nodes of n in the object type list.
func (r *run) children(n int) (out []int) {
	for i := range r.Types {
		if i > 0 && r.parent(i) == n {
			out = append(out, i)
		}
	}
	return out
}

// node returns the index of the node that an entry is for. It is 0, the root, if the entry names no type or
// there is no object type list, and -1 if the list lacks the type.
func (r *run) node(a *ACE) int {
	r.rule("A-81")
	if a.Object == "" || len(r.Types) == 0 {
		return 0
	}
	return slices.IndexFunc(r.Types, func(t ObjectType) bool { return t.GUID == a.Object })
}

// walkTypes reports whether l grants all of need to a side at the root of the object type list. An entry
// whose type is not in the list does nothing. A denial of a needed right at any node ends it.
func (r *run) walkTypes(l *ACL, s side, need Word) bool {
	left := make([]Word, len(r.Types))
	for i := range left {
		left[i] = need
	}
	for e := range l.Entries {
		a := &l.Entries[e]
		at, m := r.node(a), r.Mapping.Map(a.Mask)&^dropped
		if left[0] == 0 || at < 0 {
			continue
		}
		effect := r.effect(s, a)
		for i := range left {
			if effect == 0 || !r.under(i, at) {
				continue
			}
			// A node still needs the denied right.
			if effect < 0 && left[i]&m != 0 {
				r.rule("A-83")
				return false
			}
			left[i] &^= m
		}
		// A parent has the rights that all its children have.
		for p := r.parent(at); effect > 0 && p >= 0; p = r.parent(p) {
			r.rule("A-82")
			var missing Word
			for _, c := range r.children(p) {
				missing |= left[c]
			}
			left[p] &= missing
		}
	}
	return left[0] == 0
}

// maximum returns all rights that the list l grants to a side, for each node of the object type list. Without
// such a list the result has one element. Entries whose object type is in no node are skipped.
func (r *run) maximum(l *ACL, s side) []Word {
	n := max(1, len(r.Types))
	granted, denied := make([]Word, n), make([]Word, n)
	for e := range l.Entries {
		a := &l.Entries[e]
		at, m := 0, r.Mapping.Map(a.Mask)&^dropped
		if len(r.Types) > 0 {
			at = r.node(a)
		}
		if at < 0 {
			continue
		}
		switch r.effect(s, a) {
		case 1:
			for i := range granted {
				if n == 1 || r.under(i, at) {
					granted[i] |= m &^ denied[i]
				}
			}
			r.lift(granted, at)
		case -1:
			r.rule("A-71")
			mark := m &^ granted[at]
			for i := range denied {
				if n == 1 || r.under(i, at) {
					denied[i] |= m &^ granted[i]
				}
			}
			for p := r.above(at); p >= 0 && r.Reversed != "A-85"; p = r.above(p) {
				denied[p] |= mark &^ granted[p]
			}
		}
	}
	return granted
}

// above returns the node above i, and -1 for the root and without an object type list.
func (r *run) above(i int) int {
	if len(r.Types) == 0 {
		return -1
	}
	return r.parent(i)
}

// lift grants the ancestors of the node at those rights that all their children have. granted has the rights of
// each node. A right that is denied to an ancestor is never lifted, because that denial also keeps it from a child.
func (r *run) lift(granted []Word, at int) {
	for p := r.above(at); p >= 0; p = r.above(p) {
		every := ^Word(0)
		for _, c := range r.children(p) {
			every &= granted[c]
		}
		granted[p] |= every
	}
}

// Node is the result of one object type.
type Node struct {
	Status  string `json:"status"`
	Granted Word   `json:"granted"`
}

// AccessList decides a check with a result for each object type. nodes has one result for each object type
// in their order. A status from before the check, or a denied request for nothing, is that of every node. rules are
// those that decided.
func AccessList(q *AccessCheck) (nodes []Node, rules []string) {
	r := newRun(q)
	r.rule("A-85")
	nodes = make([]Node, len(q.Types))
	ceiling, status := r.before(true)
	if status == "" && (r.requested != 0 || r.max || q.Reversed == "A-33") {
		for i, m := range r.sets(ceiling) {
			switch {
			case r.max && m != 0 && (r.requested&^m == 0 || q.Reversed == "A-154"):
				nodes[i] = Node{Success, m}
			case !r.max && r.requested&^m == 0:
				nodes[i] = Node{Success, r.requested}
			default:
				nodes[i].Status = AccessDenied
			}
		}
		return nodes, r.rules
	}
	for i := range nodes {
		if nodes[i].Status = status; status == "" {
			nodes[i].Status = AccessDenied
		}
	}
	return nodes, r.rules
}
