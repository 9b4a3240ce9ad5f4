package bulk

import (
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/winnt"
)

// guarded holds the limits that a file share's configuration puts on the principals of a run, and the exemption of
// its admin users. Nil means no share. It is immutable.
type guarded struct {
	limits []winnt.AccessMask // per principal: rights that no file grants
	root   []bool             // per principal: files are not checked (F-108)
}

// guardedOf collects the share's limits and exemption of each principal in list, by index. It returns nil if no
// principal has a limit or an exemption.
func guardedOf(list []directory.Principal) *guarded {
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

// withheld returns the rights that the share never grants to the principal with index who, such as writing on a
// read-only share. It is 0 for a nil receiver.
func (g *guarded) withheld(who int) winnt.AccessMask {
	if g == nil {
		return 0
	}
	return g.limits[who]
}

// all returns every right of the object type for a principal whose file access the share does not check, such as an
// admin user. It returns 0 for others.
func (g *guarded) all(who int, t *winnt.ObjectType) winnt.AccessMask {
	if g == nil || !g.root[who] {
		return 0
	}
	return t.Mapping.All
}

// pass returns the principals, of n, to whom the share allows every right of the mask m. A nil receiver allows all.
// Bits of s beyond n are 0.
func (g *guarded) pass(m winnt.AccessMask, n int) effective.Set {
	s := make(effective.Set, (n+63)/64)
	for i := range n {
		if g.withheld(i)&m == 0 {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

// admit adds to s the principals whose file access the share does not check. A nil receiver adds none.
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
