package people

import (
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

func (r *roster) addGroups(groups []groupFile) error {
	for i, g := range groups {
		s, err := sid.Resolve(g.SID, r.dir.Domain)
		if err != nil {
			return fmt.Errorf("directory: groups[%d] %q: sid: %w", i, g.Name, err)
		}
		key := strings.ToLower(g.Name)
		if _, twice := r.byName[key]; twice || g.Name == "" {
			return fmt.Errorf("directory: groups[%d] %q: every group needs a name, and one of its own", i, g.Name)
		}
		if _, twice := r.bySID[s]; twice {
			return fmt.Errorf("directory: groups[%d] %q: its SID %v is another group's too", i, g.Name, s)
		}
		r.byName[key], r.bySID[s] = i, i
		r.dir.names[s] = g.Name
		r.groups = append(r.groups, account{sid: s})
	}
	for i, g := range groups {
		if err := r.members(&r.groups[i], g.MemberOf); err != nil {
			return fmt.Errorf("directory: groups[%d] %q: %w", i, g.Name, err)
		}
	}
	return nil
}

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

// closure collects the groups of an account, those of its groups, and so on;
// cycles are fine. seen has a place for each group, all clear before and after.
func (r *roster) closure(a *account, seen []bool) []sid.SID {
	reached := make([]int, 0, 64)
	add := func(groups []int) {
		for _, g := range groups {
			if !seen[g] {
				seen[g] = true
				reached = append(reached, g)
			}
		}
	}
	add(a.parent)
	for i := 0; i < len(reached); i++ {
		add(r.groups[reached[i]].parent)
	}
	out := make([]sid.SID, 0, len(reached)+len(a.direct)+8)
	unlisted := func(sids []sid.SID) {
		for _, s := range sids {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	unlisted(a.direct)
	for _, g := range reached {
		unlisted(r.groups[g].direct)
	}
	for _, g := range reached {
		seen[g] = false
		out = append(out, r.groups[g].sid)
	}
	return out
}
