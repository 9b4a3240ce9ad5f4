package directory

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// Accounts holds the users and groups of a directory as values, without tokens. Readers of files and of LDAP fill one
// in. [New] takes it over; do not change it afterwards. The zero value has no accounts.
type Accounts struct {
	Domain sid.SID // relative aliases in descriptors count from it; zero: unknown
	Realm  string  // DNS name of Domain; "": unknown
	Users  []User
	Groups []Group

	Computer sid.SID    // users below it are this computer's own accounts; zero: no user is
	Logon    logon.Kind // how the users log on

	digests []digest // of users, then of groups; the zero digest is not known yet. nil: none is
}

// With returns a copy of a in which the users and groups at the given indexes are replaced. a does not change, and a
// nil map replaces nothing. An index outside of a list panics.
func (a *Accounts) With(users map[int]User, groups map[int]Group) *Accounts {
	b := &Accounts{Domain: a.Domain, Realm: a.Realm, Users: slices.Clone(a.Users), Groups: slices.Clone(a.Groups),
		Computer: a.Computer, Logon: a.Logon, digests: slices.Clone(a.digests)}
	forget := func(i int) {
		if b.digests != nil {
			b.digests[i] = digest{}
		}
	}
	for i, u := range users {
		b.Users[i] = u
		forget(i)
	}
	for i, g := range groups {
		b.Groups[i] = g
		forget(len(a.Users) + i)
	}
	return b
}

// Group is a group of a directory.
type Group struct {
	Name     string
	SID      sid.SID
	MemberOf []sid.SID // groups that it is in directly; they need not be among Accounts.Groups
	GID      UnixID    // on a server with POSIX accounts
}

// User is a user of a directory.
type User struct {
	Name     string
	SID      sid.SID
	MemberOf []sid.SID // groups that it is in directly; they need not be among Accounts.Groups
	Primary  sid.SID   // primary group; zero: Domain Users, if the user belongs to Accounts.Domain
	UID, GID UnixID    // on a server with POSIX accounts; GID is that of the primary group there
	Claims   *claims.Set
	UPN      string // userPrincipalName; "": it has none, or the source does not tell
	Disabled bool   // a disabled user cannot log on, and is not a principal
}

// AccountError is an error of New about one account.
type AccountError struct {
	Group bool // the account is a group
	Index int  // in Accounts.Users or Accounts.Groups
	Name  string
	Err   error
}

// Error returns the list, index and name of the account, then the text of Err, such as `users[3] "ann": no SID`.
func (e *AccountError) Error() string {
	list := "users"
	if e.Group {
		list = "groups"
	}
	return fmt.Sprintf("%s[%d] %q: %v", list, e.Index, e.Name, e.Err)
}

// Unwrap returns Err.
func (e *AccountError) Unwrap() error { return e.Err }
