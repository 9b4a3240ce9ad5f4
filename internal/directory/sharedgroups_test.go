package directory

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// nested returns users who are each in one of the groups, which are nested. In a cycle everyone is in all groups, in a
// chain the first user is, and the next in one group less.
func nested(users, groups int, cycle bool) *Accounts {
	a := &Accounts{Domain: AnyDomain}
	for g := range groups {
		x := Group{Name: fmt.Sprint("g", g), SID: a.Domain.WithRID(uint32(2000 + g))}
		if cycle || g+1 < groups {
			x.MemberOf = []sid.SID{a.Domain.WithRID(uint32(2000 + (g+1)%groups))}
		}
		a.Groups = append(a.Groups, x)
	}
	for u := range users {
		a.Users = append(a.Users, User{Name: fmt.Sprint("u", u), SID: a.Domain.WithRID(uint32(100_000 + u)),
			UID:      UnixID{ID: uint32(u), Known: true},
			MemberOf: []sid.SID{a.Domain.WithRID(uint32(2000 + u%groups))}})
	}
	return a
}

// TestUsersInSameGroupsShareThem checks that the memory of a directory and its matrix grows with users and groups, not
// with their product, and that each token equals one that shares nothing (D-41).
func TestUsersInSameGroupsShareThem(t *testing.T) {
	const users, groups, perUser = 2000, 300, 4000
	a := nested(users, groups, true)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := check.Must(New(a))
	p := effective.Compile(d.Tokens(), effective.Config{})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > users*perUser {
		t.Errorf("%d users in the same %d groups take %d bytes, want at most %d each", users, groups, used/users, perUser)
	}
	if made := after.TotalAlloc - before.TotalAlloc; made > users*5*perUser {
		t.Errorf("%d bytes are allocated for each user, want at most %d", made/users, 5*perUser)
	}
	for i := range d.Principals {
		tok, u := d.Principals[i].Token, &a.Users[i]
		check.Require(t, tok.User().SID, u.SID, "user")
		alone := check.Must(New(&Accounts{Domain: a.Domain, Groups: a.Groups, Users: a.Users[i : i+1]})).tokens[0]
		check.RequireThat(t, tok.Equal(alone) && effective.Fingerprint(tok) == effective.Fingerprint(alone) &&
			tok.PrimaryGroup() == alone.PrimaryGroup() && tok.DynamicCharged() == alone.DynamicCharged() &&
			slices.Equal(tok.Spec().Groups, alone.Spec().Groups),
			"%s: the token differs from one that shares nothing", u.Name)
		if i > 5 {
			break
		}
		next := &a.Users[i+1]
		for _, s := range []sid.SID{next.SID, next.UID.sid(UnixUsers)} {
			check.That(t, !tok.Member(s, false) && !tok.Member(s, true), "%s has the SID %v of another user", u.Name, s)
		}
	}
	check.That(t, p.Has(a.Users[users-1].SID) && p.Has(a.Groups[0].SID), "the matrix has no row of a user and a group")
}

// TestGroupSetsAreLimited checks that the sets of a chain of groups, all of which differ, count against the limit, and
// equal sets count once (D-41).
func TestGroupSetsAreLimited(t *testing.T) {
	for _, c := range []struct {
		cycle bool
		want  int // users with tokens
	}{{true, 40}, {false, 4}} {
		a := nested(40, 40, c.cycle)
		table := check.Must(newGroupTable(a, nil))
		w, s := newResolver(table), newSharing(len(a.Users))
		s.most = 200 // sets of 50, 49, 48 and 47 SIDs: 40 to 37 groups and 10 others
		var got []*token.Token
		var err error
		for i := range a.Users {
			var tok *token.Token
			if tok, _, err = w.newToken(a, &a.Users[i], s); err != nil {
				break
			}
			got = append(got, tok)
		}
		check.Equal(t, len(got), c.want, "users before the limit, cycle %v", c.cycle)
		check.Equal(t, err == nil, c.cycle, "error %v, cycle %v", err, c.cycle)
		if err != nil {
			check.That(t, strings.Contains(err.Error(), "more than 200 SIDs") && !errors.Is(err, ErrTooManyGroups),
				"the error %q does not name the limit", err)
		}
		check.That(t, !slices.Contains(got, nil), "a user has no token")
	}
}
