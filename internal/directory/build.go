package directory

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// New resolves the nested groups of a and builds each user's token, on all processors. Group SIDs, group names in any
// case, and user names in exact case must be unique, and no name may read as a SID; otherwise the error is an
// *AccountError. So is a user without a SID. A user in more groups than a token holds is left out: see
// [Directory.LeftOut]. The directory keeps a: do not change it afterwards.
func New(a *Accounts) (*Directory, error) { return (*Directory)(nil).Update(a) }

// Update returns the same directory as New(a), with the same errors, and leaves d unchanged. It reuses the name tables
// of d, and the tokens of users whose own values and groups did not change. A nil d has no accounts. The result does
// not have principals that were added to d. The first account with an error ends it.
func (d *Directory) Update(a *Accounts) (*Directory, error) {
	if d != nil && !d.sameLogon(a) { // all tokens differ
		d = nil
	}
	groups, err := newGroupTable(a, d)
	if err != nil {
		return nil, err
	}
	next := &Directory{Domain: a.Domain, accounts: a, groups: *groups}
	from, aligned := d.previous(a.Users)
	tokens, errs := next.newTokens(d, from)
	next.tokens = tokens
	for i, err := range errs {
		// Such a user cannot log on (L-4). An error would make the directory unusable for all others (D-40).
		if errors.Is(err, ErrTooManyGroups) {
			next.overfull, errs[i] = append(next.overfull, a.Users[i].Name), nil
		}
	}
	if aligned {
		next.users = d.users
	} else if next.users, err = newUserTable(a.Users, errs); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, &AccountError{false, i, a.Users[i].Name, errs[i]}
	}
	next.Principals = make([]Principal, 0, len(a.Users))
	for i := range a.Users {
		if tokens[i] != nil {
			next.addUser(&a.Users[i], tokens[i])
		}
	}
	return next, nil
}

// sameLogon reports whether tokens of d can be reused for a: domain, computer and kind of logon, which influence
// every token, are equal.
func (d *Directory) sameLogon(a *Accounts) bool {
	return d.accounts != nil && d.accounts.Domain == a.Domain && d.accounts.Computer == a.Computer &&
		d.accounts.Logon == a.Logon
}

// previous finds each user's index in the earlier directory d by SID, so that unchanged tokens can be reused. from[i]
// is -1 for a new user. aligned is true if names, ids and primary groups are equal in both lists. d may be nil.
func (d *Directory) previous(users []User) (from []int, aligned bool) {
	from = make([]int, len(users))
	if d != nil && equalBy(d.accounts.Users, users, (*User).sameIdentity) {
		for i := range from {
			from[i] = i
		}
		return from, true
	}
	bySID := map[sid.SID]int{}
	if d != nil {
		for i := range d.accounts.Users {
			bySID[d.accounts.Users[i].SID] = i
		}
	}
	for i := range users {
		from[i] = -1
		if at, known := bySID[users[i].SID]; known {
			from[i] = at
		}
	}
	return from, false
}

// newTokens returns for each user its token, or nil and the error that prevented it. old may be nil. from holds each
// user's index in old, or -1.
func (d *Directory) newTokens(old *Directory, from []int) ([]*token.Token, []error) {
	users := d.accounts.Users
	tokens, errs := make([]*token.Token, len(users)), make([]error, len(users))
	var changed groupSet
	if old != nil {
		changed = changedGroups(old.accounts.Groups, d.accounts.Groups)
	}
	var wanted []int
	for i, at := range from {
		// A user whose values and groups are the same keeps its token (D-35).
		if at >= 0 && old.tokens[at] != nil && old.accounts.Users[at].sameToken(&users[i]) &&
			!changed.within(old.tokens[at]) {
			tokens[i] = old.tokens[at]
		} else {
			wanted = append(wanted, i)
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(wanted)) {
		wg.Go(func() {
			n := newResolver(&d.groups)
			for at := next.Add(1) - 1; int(at) < len(wanted); at = next.Add(1) - 1 {
				i := wanted[at]
				t, err := n.newToken(d.accounts, &users[i])
				if err == nil {
					t = t.ReferTo(d.groups.common) // a copy per user and group takes too much memory
				}
				tokens[i], errs[i] = t, err
			}
		})
	}
	wg.Wait()
	return tokens, errs
}

// userTable answers questions about users by SID: names, primary groups and ids. It is immutable once newUserTable
// returned it.
type userTable struct {
	names   map[sid.SID]string  // by SID and by the SID of the uid
	primary map[sid.SID]sid.SID // primary groups, where they are not Domain Users
	ids     []AccountID
}

// newUserTable returns the table of users. Names that differ in case are different users. The error is an
// *AccountError about the first user with an error in errs, or a name that is empty, repeated or in the form of a
// SID.
func newUserTable(users []User, errs []error) (userTable, error) {
	t := userTable{names: make(map[sid.SID]string, len(users)), primary: map[sid.SID]sid.SID{}}
	seen := make(map[string]struct{}, len(users))
	for i := range users {
		u := &users[i]
		err := errs[i]
		_, twice := seen[u.Name]
		switch {
		case u.Name == "":
			err = errors.New("the user needs a name")
		case twice:
			err = errors.New("an earlier user has the same name")
		case ReadsAsSID(u.Name):
			err = errors.New("the name has the form of a SID: --as and what-can would take it for one")
		}
		if err != nil {
			return userTable{}, &AccountError{false, i, u.Name, err}
		}
		seen[u.Name] = struct{}{}
		t.names[u.SID] = u.Name
		if !u.Primary.IsZero() {
			t.primary[u.SID] = u.Primary
		}
		if u.UID.Known {
			t.names[u.UID.sid(UnixUsers)] = u.Name
			t.ids = append(t.ids, AccountID{u.UID.ID, false, u.SID})
		}
	}
	return t, nil
}

// addUser appends a user with its token t to the principals. It appends a disabled user to the disabled users instead
// and counts it. An unknown gid leaves the principal's group empty.
func (d *Directory) addUser(u *User, t *token.Token) {
	p := Principal{Name: u.Name, Token: t}
	if u.GID.Known {
		p.Group = u.GID.sid(UnixGroups)
	}
	if u.Disabled {
		d.Disabled++
		d.disabled = append(d.disabled, p)
		return
	}
	d.Principals = append(d.Principals, p)
}
