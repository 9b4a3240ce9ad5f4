package accounts

import (
	"strings"

	"github.com/refmon/refmon/sid"
)

// account is a user or group as far as it is known.
type account struct {
	name     string
	sid      sid.SID
	id       string // uid or gid; "": not known
	gid      string // of a user's primary group
	primary  sid.SID
	history  []sid.SID // SIDs it had before: its token has them too (B-16)
	disabled bool
	mail     bool // a group of mail that no token has (B-15)
	left     bool // a group that the caller leaves out
	claims   string
	dn       string
	groups   []*account  // it is a member of
	in       []reference // of other groups it is a member of
	others   []sid.SID   // groups that are not listed
	same     *account    // the group whose id it has too
}

// reference is a mention of an account by another: by one of these.
type reference struct {
	sid  sid.SID
	dn   string
	gid  string
	name string
}

// membership is a member that may be a user, a group, or no account of the files.
type membership struct {
	member reference
	group  *account
}

// table is the users, or the groups, by what they are known by.
type table struct {
	list   []*account
	byName map[string]*account
	bySID  map[sid.SID]*account
}

// named returns the account of a name, made if it is new.
func (t *table) named(name string) *account { return t.account(name, sid.SID{}) }

// account returns the account of a name and a SID, which may be zero, made if it is
// new. Two SIDs of one name are two accounts, of two domains.
func (t *table) account(name string, s sid.SID) *account {
	if t.byName == nil {
		t.byName, t.bySID = map[string]*account{}, map[sid.SID]*account{}
	}
	key := strings.ToLower(name)
	a := t.byName[key]
	if known := t.bySID[s]; !s.IsZero() && known != nil {
		a = known
	} else if a != nil && !s.IsZero() && !a.sid.IsZero() {
		a = nil
	}
	if a == nil {
		a = &account{name: name}
		t.list = append(t.list, a)
	}
	if t.byName[key] == nil {
		t.byName[key] = a
	}
	if !s.IsZero() {
		a.sid = s
		t.bySID[s] = a
	}
	return a
}

// keep takes what is not known yet.
func keep(have *string, text string) {
	if *have == "" {
		*have = text
	}
}

// member notes that an account is a member of a group.
func (l *List) member(g *account, of reference) {
	l.members = append(l.members, membership{of, g})
}
