// Package collect merges descriptions of users and groups from several sources into one list of accounts. Readers of
// files and of LDAP call a Collector's methods for each account and membership they find; Accounts then resolves the
// references between them.
//
// Descriptions with the same SID are one account. So are descriptions with the same name, unless both have SIDs that
// differ: passwd, which has uids, and pdbedit, which has SIDs, complete each other. An account without a SID gets
// S-1-22-1-uid or S-1-22-2-gid, as Samba names it.
package collect

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// Collector merges accounts. The zero value is empty. It belongs to one goroutine.
type Collector struct {
	Unresolved []string // mentions that could not be used, as messages for people
	Domain     sid.SID  // of the accounts; zero: Accounts takes it from the users
	Realm      string   // DNS name of Domain; "": not known
	Users      Table
	Groups     Table

	named   bool               // a source has named Domain
	foreign map[string]*Record // entries that stand for accounts of other domains, by DN in lower case
	members []membership
	listed  []listedName
	leave   func(sid.SID) bool // nil: no group is left out
	found   *index             // of the accounts, once they were resolved
}

// membership is a member of a group as a source refers to it, before Accounts resolves it to a user or group, or to
// no known account.
type membership struct {
	member Reference
	group  *Account
}

// listedName is a name without a SID that a list of users or groups contains, and the name of that list.
type listedName struct{ name, list string }

// LeaveOut makes the collector drop each group for whose SID the function returns true, and all memberships in it. It
// applies to groups that Put collects afterwards. A nil function drops none.
func (c *Collector) LeaveOut(of func(sid.SID) bool) { c.leave = of }

// TakeDomain sets the domain, and its DNS name if realm is not "". If an earlier call named another domain, it reports
// that and changes nothing.
func (c *Collector) TakeDomain(s sid.SID, realm string) {
	if c.named && c.Domain != s {
		c.Report("the files tell of several domains: %v is the one of the directory, %v is not", c.Domain, s)
		return
	}
	c.Domain, c.named = s, true
	Keep(&c.Realm, realm)
}

// AddMember records that an account is a member of a group. Accounts resolves the reference.
func (c *Collector) AddMember(group *Account, member Reference) {
	c.members = append(c.members, membership{member, group})
}

// AddListed notes that a list contains a name without a SID. Accounts reports the name if no source describes it.
func (c *Collector) AddListed(name, list string) {
	c.listed = append(c.listed, listedName{name, list})
}

// Find returns the user or group with a distinguished name, in any case; nil if there is none, and for "". Call it
// after Accounts.
func (c *Collector) Find(dn string) *Account {
	if dn == "" {
		return nil
	}
	dn = directory.CanonicalDN(dn)
	for _, list := range [2][]*Account{c.Users.list, c.Groups.list} {
		for _, a := range list {
			if strings.EqualFold(directory.CanonicalDN(a.DN), dn) {
				return a
			}
		}
	}
	return nil
}

// Report records a problem that does not end the collection, such as an unknown member: it formats a message and
// appends it to Unresolved.
func (c *Collector) Report(format string, args ...any) {
	c.Unresolved = append(c.Unresolved, fmt.Sprintf(format, args...))
}

// ParseNumber returns a uid or gid in decimal without leading zeros. ok is false, and id meaningless, for text that is
// not a number from 0 to 4294967295.
func ParseNumber(text string) (id string, ok bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return strconv.FormatUint(n, 10), err == nil
}
