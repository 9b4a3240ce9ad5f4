package people

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// account is a group, or a user while its groups are collected.
type account struct {
	sid    sid.SID
	parent []int // groups it is a member of
	direct []sid.SID
}

// roster resolves names while a directory is made.
type roster struct {
	dir    *Directory
	groups []account
	byName map[string]int
	bySID  map[sid.SID]int
}

func newRoster(d *Directory, groups int) *roster {
	return &roster{d, make([]account, 0, groups), make(map[string]int, groups), make(map[sid.SID]int, groups)}
}

// tokens makes the token of each user, on all cores.
func (r *roster) tokens(users []userFile) ([]*token.Token, []error) {
	tokens, errs := make([]*token.Token, len(users)), make([]error, len(users))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			seen := make([]bool, len(r.groups))
			for i := next.Add(1) - 1; int(i) < len(users); i = next.Add(1) - 1 {
				tokens[i], errs[i] = r.token(&users[i], seen)
			}
		})
	}
	wg.Wait()
	return tokens, errs
}

// addGroup adds a group; its memberships follow when all groups are known.
func (r *roster) addGroup(g *groupFile) error {
	s, err := sid.Resolve(g.SID, r.dir.Domain)
	if err != nil {
		return fmt.Errorf("sid: %w", err)
	}
	key := strings.ToLower(g.Name)
	if _, twice := r.byName[key]; twice || g.Name == "" {
		return errors.New("every group needs a name, and one of its own")
	}
	if _, err := sid.Resolve(g.Name, anyDomain); err == nil {
		return errors.New("the name is that of a SID or an alias, which memberOf could mean as well: give the group " +
			"another")
	}
	if _, twice := r.bySID[s]; twice {
		return fmt.Errorf("its SID %v is another group's too", s)
	}
	i := len(r.groups)
	r.byName[key], r.bySID[s] = i, i
	r.dir.names[s] = g.Name
	r.dir.groups[key] = append(r.dir.groups[key], s)
	a := account{sid: s}
	if g.gid.given {
		r.dir.ids = append(r.dir.ids, AccountID{g.gid.id, true, s})
	}
	// Members match the SID of the gid too, if it is another one (B-1).
	if posix := g.gid.sid(unixGroup); g.gid.given && posix != s {
		if _, twice := r.bySID[posix]; twice {
			return fmt.Errorf("its gid %d is another group's too", g.gid.id)
		}
		r.bySID[posix] = i
		r.dir.names[posix] = g.Name
		r.dir.groups[key] = append(r.dir.groups[key], posix)
		a.direct = append(a.direct, posix)
	}
	r.groups = append(r.groups, a)
	return nil
}

// anyDomain gives relative aliases a meaning.
var anyDomain = sid.MustParse("S-1-5-21-0-0-0")

// members resolves the names or SIDs of the groups an account is a member of.
// A SID need not be listed.
func (r *roster) members(a *account, of []string) error {
	for _, name := range of {
		if g, ok := r.byName[strings.ToLower(name)]; ok {
			a.parent = append(a.parent, g)
			continue
		}
		s, err := sid.Resolve(name, r.dir.Domain)
		if err != nil {
			return fmt.Errorf("memberOf: %q is neither a group of this file nor a SID", name)
		}
		if g, ok := r.bySID[s]; ok {
			a.parent = append(a.parent, g)
		} else {
			a.direct = append(a.direct, s)
		}
	}
	return nil
}

// closure collects the groups of an account, those of its groups, and so on; cycles are fine. It stops when they are
// more than a token has. seen has a place for each group, all clear before and after.
func (r *roster) closure(a *account, seen []bool) ([]sid.SID, error) {
	reached := make([]int, 0, 64)
	defer func() {
		for _, g := range reached {
			seen[g] = false
		}
	}()
	out := make([]sid.SID, 0, len(a.direct)+8)
	var unlisted map[sid.SID]bool // in out, once there are many
	add := func(a *account) {
		for _, s := range a.direct {
			if unlisted[s] || unlisted == nil && slices.Contains(out, s) {
				continue
			}
			if out = append(out, s); unlisted == nil && len(out) > 32 {
				unlisted = make(map[sid.SID]bool)
				for _, s := range out {
					unlisted[s] = true
				}
			} else if unlisted != nil {
				unlisted[s] = true
			}
			if len(out) > token.MaxGroups {
				return
			}
		}
		for _, g := range a.parent {
			if !seen[g] && len(reached) <= token.MaxGroups {
				seen[g] = true
				reached = append(reached, g)
			}
		}
	}
	add(a)
	for i := 0; i < len(reached) && len(out)+len(reached) <= token.MaxGroups; i++ {
		add(&r.groups[reached[i]])
	}
	if len(out)+len(reached) > token.MaxGroups {
		return nil, fmt.Errorf("member of more than %d groups, which no token holds", token.MaxGroups)
	}
	for _, g := range reached {
		out = append(out, r.groups[g].sid)
	}
	return out, nil
}
