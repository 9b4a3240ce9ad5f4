package collect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
)

// Account is a user or group with the values collected so far.
type Account struct {
	Name     string
	SID      sid.SID
	ID       string // uid or gid in decimal; "": not known
	GID      string // of a user's primary group
	Primary  sid.SID
	History  []sid.SID // SIDs it had before: its token has them too (B-16)
	Disabled bool
	Mail     bool // a distribution group, which no token has (B-15)
	LeftOut  bool // a group that the caller does not want
	Claims   *claims.Set
	UPN      string // userPrincipalName of a user; "": not known
	DN       string
	In       []Reference // groups that it is in
	MemberOf []string    // DNs of groups that it is in

	joined  [2][]*Account // groups that it is in: by its own description, by theirs
	same    *Account      // the account with the same SID that replaces this one
	record  *Record       // the last record of the account
	records int           // number of its records

	// Of settle and Accounts.
	groups []*Account // groups that it is in
	others []sid.SID  // groups that it is in and that no source describes
	index  int        // in the list of users or groups, from 1; 0: it was left out
}

// Reference refers to an account by its SID, DN, gid or name. Only one field is set.
type Reference struct {
	SID  sid.SID
	DN   string
	GID  string
	Name string
}

// Refer parses a reference: a SID, a DN (any text with "="), or else a name. It returns the zero Reference for "". It
// never fails: any other text is a name.
func Refer(text string) Reference {
	s, err := sid.Parse(text)
	switch {
	case err == nil:
		return Reference{SID: s}
	case strings.Contains(text, "="):
		return Reference{DN: text}
	}
	return Reference{Name: text}
}

// Join makes the account a direct member of a group. A repeated call changes nothing in the result of Accounts.
func (a *Account) Join(group *Account) { a.joined[0] = append(a.joined[0], group) }

// SetNumber stores the uid or gid in text in *id, without leading zeros. Empty text changes nothing. Text that is not a
// number from 0 to 4294967295 is an error, which names attribute, and changes nothing.
func SetNumber(attribute string, id *string, text string) error {
	if text == "" {
		return nil
	}
	n, ok := ParseNumber(text)
	if !ok {
		return fmt.Errorf("%s %q is not a number from 0 to 4294967295", attribute, strict.Clip(text))
	}
	*id = n
	return nil
}

// Keep sets a value that is not known yet: it stores text in *have if that is empty, so that the first source counts.
func Keep(have *string, text string) {
	if *have == "" {
		*have = text
	}
}

// Table holds the users or the groups of a collector.
type Table struct {
	list   []*Account
	byName map[string][]*Account // by the folded name; an account may have several names
	bySID  map[sid.SID]*Account
}

// Named returns the account with a name, whatever its SID: the one with the same case, else the first one. It adds one
// without a SID if the table has none.
func (t *Table) Named(name string) *Account { return t.Account(name, sid.SID{}) }

// BySID returns the account with a SID, or nil.
func (t *Table) BySID(s sid.SID) *Account { return t.bySID[s] }

// find returns the account with a name: the one with the same case, else the first one; nil if there is none.
func (t *Table) find(name string) *Account {
	list := t.byName[directory.Fold(name)]
	for _, a := range list {
		if a.Name == name {
			return a
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// Account returns the account with a SID. Otherwise it gives the SID to an account with the name that has none: the
// last one with the same case, as [Table.Unix] does, else the first one. Without a SID it returns the account that
// [Table.Named] does. It adds one if the table has none. The same name with another SID is another account, of another
// domain. An account whose name is only its SID as text gets the name, and the values of an account with that name and
// without a SID.
func (t *Table) Account(name string, s sid.SID) *Account {
	a := t.bySID[s]
	if s.IsZero() {
		a = t.find(name)
	}
	nameless := a != nil && a.Name != name && a.Name == a.SID.String()
	switch named := t.withoutSID(name); {
	case a == nil && named == nil:
		a = t.add(name)
	case a == nil:
		a = named
	case nameless && named == nil:
		a.Name = name
		t.byName[directory.Fold(name)] = append(t.byName[directory.Fold(name)], a)
	case nameless:
		named.merge(a)
		a = named
	case len(t.byName[directory.Fold(name)]) == 0:
		t.byName[directory.Fold(name)] = []*Account{a}
	}
	if !s.IsZero() {
		a.SID = s
		t.bySID[s] = a
	}
	return a
}

// withoutSID returns an account with a name that has no SID: the last one with the same case, else the first one of
// all with the name; nil without such an account.
func (t *Table) withoutSID(name string) *Account {
	named := t.byName[directory.Fold(name)]
	for _, a := range slices.Backward(named) {
		// Of the users with one name and several uids, pdbedit means the one that Unix returns (B-134).
		if a.Name == name && a.SID.IsZero() {
			return a
		}
	}
	if len(named) > 0 && named[0].SID.IsZero() {
		return named[0]
	}
	return nil
}

// merge adds the values of another account o to a, and lets a replace o. A value that a has already counts.
func (a *Account) merge(o *Account) {
	Keep(&a.ID, o.ID)
	Keep(&a.GID, o.GID)
	Keep(&a.DN, o.DN)
	Keep(&a.UPN, o.UPN)
	if a.Claims == nil {
		a.Claims = o.Claims
	}
	if a.Primary.IsZero() {
		a.Primary = o.Primary
	}
	a.Disabled, a.Mail = a.Disabled || o.Disabled, a.Mail || o.Mail
	a.History = append(a.History, o.History...)
	a.In = append(a.In, o.In...)
	a.MemberOf = append(a.MemberOf, o.MemberOf...)
	a.joined[0] = append(a.joined[0], o.joined[0]...)
	o.same = a
}

// Unix returns the account that a passwd or group line names; case counts (B-134). id is its uid or gid, or "" for a
// member of a group. It prefers the account with this id, then the last one with this name and no other id, then one
// with a SID whose name differs only in case. Otherwise it adds an account. otherID is the id of an existing account
// with this name, if that is why it added one.
func (t *Table) Unix(name, id string) (a *Account, otherID string) {
	var completes *Account // an account whose name differs only in case
	for _, x := range t.byName[directory.Fold(name)] {
		unknown := id == "" || x.ID == ""
		switch {
		case id != "" && x.ID == id:
			return x, ""
		case x.Name == name && unknown:
			a = x
		case x.Name == name:
			otherID = x.ID
		case unknown && !x.SID.IsZero() && completes == nil:
			completes = x
		}
	}
	switch {
	case a != nil:
		return a, ""
	case completes != nil:
		return completes, ""
	}
	return t.add(name), otherID
}

// add adds an account without a SID.
func (t *Table) add(name string) *Account {
	if t.byName == nil {
		t.byName, t.bySID = map[string][]*Account{}, map[sid.SID]*Account{}
	}
	a := &Account{Name: name}
	t.list = append(t.list, a)
	t.byName[directory.Fold(name)] = append(t.byName[directory.Fold(name)], a)
	return a
}
