package directory

import (
	"errors"
	"slices"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// ErrTooManyGroups means that an account is in more groups than allowed.
var ErrTooManyGroups = errors.New("member of more groups than a token holds")

// maxGroups limits the groups of a user, those that the directory does not list as well. A token also has at most 16
// SIDs that a logon of any kind adds.
const maxGroups = token.MaxGroups - 16

// Nesting collects the groups of an account, direct and nested. The caller adds the account's own groups. It then
// adds the groups that contain each group of Next, until Next returns none:
//
//	for level := n.Next(64); len(level) > 0; level = n.Next(64) { … n.Add(…) … }
//
// Each group is visited once, so a cycle ends. G identifies a group: an index, a SID or a distinguished name. The
// zero value allows no groups.
type Nesting[G comparable] struct {
	Most  int          // groups; with one more, Add fails
	Visit func(G) bool // records a group; false: it was visited before. nil: the Nesting uses its own map

	seen   map[G]struct{}
	groups []G
	next   int // groups before it were returned by Next
	count  int // groups that were visited
}

// visit marks a group as visited and reports whether it was new. If the caller has set Visit, visit only calls that.
func (n *Nesting[G]) visit(g G) bool {
	if n.Visit != nil {
		return n.Visit(g)
	}
	if _, before := n.seen[g]; before {
		return false
	}
	if n.seen == nil {
		n.seen = map[G]struct{}{}
	}
	n.seen[g] = struct{}{}
	return true
}

// Add adds a group unless it was visited before. If more than Most groups were visited then, it returns
// ErrTooManyGroups and does not add the group, nor any later one.
func (n *Nesting[G]) Add(g G) error {
	first := n.visit(g)
	if first {
		n.count++
	}
	if n.count > n.Most {
		return ErrTooManyGroups
	}
	if first {
		n.groups = append(n.groups, g)
	}
	return nil
}

// Skip marks a group as visited without adding it. The group counts towards Most, but Skip never fails. Next does not
// return it; the caller adds the groups that contain it.
func (n *Nesting[G]) Skip(g G) {
	if n.visit(g) {
		n.count++
	}
}

// Next returns up to size groups that earlier calls did not return, in the order in which they were added. It returns
// an empty slice if there are none. The slice must not be changed.
func (n *Nesting[G]) Next(size int) []G {
	from := n.next
	n.next = min(from+size, len(n.groups))
	return n.groups[from:n.next]
}

// Groups returns all added groups in the order in which they were added: direct groups before nested ones. The slice
// must not be changed.
func (n *Nesting[G]) Groups() []G { return n.groups }

// resolver finds all groups of one account at a time, direct and nested, with buffers that it reuses. It belongs to
// one goroutine.
type resolver struct {
	table *groupTable
	walk  Nesting[int]
	seen  []bool // by index in table.nodes
	out   []sid.SID
	index sidIndex // of out, once it is long
}

// sidIndex is a set of SIDs. It is nil until first used.
type sidIndex map[sid.SID]struct{}

// newResolver returns a resolver for the groups of t. It allows maxGroups groups. It marks groups in its own table, so
// several can be in use.
func newResolver(t *groupTable) *resolver {
	n := &resolver{table: t, seen: make([]bool, len(t.nodes))}
	n.walk = Nesting[int]{Most: maxGroups, Visit: func(g int) bool {
		first := !n.seen[g]
		n.seen[g] = true
		return first
	}}
	return n
}

// groupsOf returns all groups of a node, direct and nested, each once: first those that the directory does not list. It
// fails with ErrTooManyGroups if there are more than maxGroups. The result is valid until the next call.
func (w *resolver) groupsOf(of *node) ([]sid.SID, error) {
	w.walk.groups, w.walk.next, w.walk.count = w.walk.groups[:0], 0, 0
	w.out, w.index = w.out[:0], nil
	err := w.enter(of)
	for level := w.walk.Next(1); err == nil && len(level) > 0; level = w.walk.Next(1) {
		err = w.enter(&w.table.nodes[level[0]])
	}
	if err != nil {
		clear(w.seen) // a refused group was visited and is not among groups
	}
	for _, g := range w.walk.groups {
		w.seen[g] = false
		w.out = append(w.out, w.table.nodes[g].sid)
	}
	if err != nil || len(w.out) > maxGroups {
		return nil, ErrTooManyGroups
	}
	return w.out, nil
}

// enter adds the direct groups of a user or group, unless they were added before. If there are too many it returns
// ErrTooManyGroups, and the resolver needs groupsOf to reset it. A group that was added stays after an error.
func (w *resolver) enter(of *node) error {
	for _, s := range of.unlisted {
		if w.index == nil && len(w.out) > 32 {
			w.index = make(sidIndex)
			for _, s := range w.out {
				w.index[s] = struct{}{}
			}
		}
		if _, twice := w.index[s]; twice || w.index == nil && slices.Contains(w.out, s) {
			continue
		}
		if w.out = append(w.out, s); w.index != nil {
			w.index[s] = struct{}{}
		}
		if len(w.out) > maxGroups {
			return ErrTooManyGroups
		}
	}
	for _, g := range of.parents {
		if err := w.walk.Add(g); err != nil {
			return err
		}
	}
	return nil
}
