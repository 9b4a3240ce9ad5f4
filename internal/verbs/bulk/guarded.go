package bulk

import (
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/winnt"
)

// guarded holds how the configuration of a share changes the principals of a run. Nil: the
// files alone decide. It is immutable.
type guarded struct {
	limits []winnt.AccessMask // of each principal: what no file gives
	root   []bool             // files are not asked (F-108)
}

// guardedOf returns it for some principals; nil where no share changed them.
func guardedOf(list []people.Principal) *guarded {
	g := &guarded{}
	any := false
	for i := range list {
		g.limits = append(g.limits, list[i].Withheld)
		g.root = append(g.root, list[i].Root)
		any = any || list[i].Withheld != 0 || list[i].Root
	}
	if !any {
		return nil
	}
	return g
}

// withheld returns the rights that a principal has on no file.
func (g *guarded) withheld(who int) winnt.AccessMask {
	if g == nil {
		return 0
	}
	return g.limits[who]
}

// all returns all rights on a type of object for a principal of whom files are not asked, else none.
func (g *guarded) all(who int, t *winnt.ObjectType) winnt.AccessMask {
	if g == nil || !g.root[who] {
		return 0
	}
	return t.Mapping.All
}

// pass returns the principals of n from whom nothing of a mask is withheld.
func (g *guarded) pass(m winnt.AccessMask, n int) effective.Set {
	s := make(effective.Set, (n+63)/64)
	for i := range n {
		if g.withheld(i)&m == 0 {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

// admit adds those of whom files are not asked.
func (g *guarded) admit(s effective.Set) {
	if g == nil {
		return
	}
	for i, root := range g.root {
		if root {
			s[i/64] |= 1 << (i % 64)
		}
	}
}
