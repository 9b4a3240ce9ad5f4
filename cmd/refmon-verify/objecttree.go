package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// node is a node of the object tree with its rights. The first node stands for the whole object.
type node struct {
	level int
	guid  string
	held  mask // after the passes so far
	open  mask // still to decide in the pass that runs
	got   mask // granted in the pass that runs
}

// plant builds the object tree from the object types of the certificate. It returns false if the list is not a tree
// in preorder. Malformed text panics.
func (q *query) plant() (isTree bool) {
	const maxNodes, maxLevel = 4096, 4
	isTree = true
	seen, last := map[string]bool{}, -1
	for i, v := range q.c["objectTypes"].([]any) {
		level, guid, _ := strings.Cut(v.(string), " ")
		n := &node{level: int(must(strconv.ParseUint(level, 10, 16))), guid: unhex(guid)}
		check(fmt.Sprintf("%d %x", n.level, n.guid) == v && len(n.guid) == 16,
			"the object type %v: write level and GUID", v)
		isRoot, isPlaced := n.level == 0, n.level <= min(last+1, maxLevel)
		if isRoot != (i == 0) || !isPlaced || seen[guid] || i >= maxNodes {
			isTree = false
		}
		q.nodes = append(q.nodes, n)
		seen[guid], last = true, n.level
	}
	q.typed = len(q.nodes) > 0
	if !q.typed {
		q.nodes = []*node{{}}
	}
	return isTree
}

// target returns the index of the node that an entry is about, or -1. An entry without an object type is about the
// root, and so is a denial in a check without object types.
func (q *query) target(e *entry) int {
	if e.guid == "" || e.deny && !q.typed {
		return 0
	}
	return slices.IndexFunc(q.nodes, func(n *node) bool { return n.guid == e.guid })
}

// behind returns the index behind the subtree of a node.
func (q *query) behind(at int) int {
	for i := at + 1; i < len(q.nodes); i++ {
		if q.nodes[i].level <= q.nodes[at].level {
			return i
		}
	}
	return len(q.nodes)
}

// spread grants or denies bits at a node and its descendants. An ancestor is granted the rights that all its children
// have, and denied those that one is denied. It reports whether a right of the subtree was undecided
// before.
func (q *query) spread(at int, bits mask, deny bool) (changed bool) {
	deniedAbove := bits &^ q.nodes[at].got
	for i := q.behind(at) - 1; i >= 0; i-- { // children before their parents
		n := q.nodes[i]
		decided := bits
		switch isAncestor := i < at && q.behind(i) > at; {
		case i < at && !isAncestor:
			continue
		case isAncestor && deny:
			decided = deniedAbove
		case isAncestor:
			decided = q.ofAllChildren(i)
		}
		decided &= n.open
		n.open &^= decided
		if !deny {
			n.got |= decided
		}
		changed = changed || i >= at && decided != 0
	}
	return changed
}

// ofAllChildren returns the rights that all children of a node were granted.
func (q *query) ofAllChildren(at int) mask {
	bits := ^mask(0)
	for child := at + 1; child < q.behind(at); child = q.behind(child) {
		bits &= q.nodes[child].got
	}
	return bits
}
