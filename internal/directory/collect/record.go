package collect

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// Kind is the kind of account that a record describes.
type Kind uint8

// Kinds of records. The zero value describes no account.
const (
	Other   Kind = iota
	User         // a user or computer
	Group        // a group
	Foreign      // an entry that stands for an account of another domain
	Domain       // the domain of the accounts
)

// Record holds the values of one account in a directory entry. It is immutable once Put has taken it.
type Record struct {
	Kind          Kind
	Name          string // "": Put reports that the name is missing
	DN            string
	SID           sid.SID
	ID            string    // uid or gid in decimal; "": not known
	GID           string    // of a user's primary group
	Primary       sid.SID   // zero: not known
	History       []sid.SID // SIDs it had before
	MemberOf      []string  // DNs of groups that it is in
	Members       []string  // DNs of a group's members
	Partial       bool      // Members is only a range of them
	PartialGroups bool      // MemberOf is only a range of them
	Stated        bool      // Disabled and Mail are known
	Disabled      bool
	Mail          bool
	Claims        *claims.Set // nil: none
	UPN           string      // userPrincipalName; "": not known
}

// same reports whether a new record o can replace r alone, because no other record can notice: kind, names, ids and
// members are equal. Two users may differ in other data, which only concerns the user.
func (r *Record) same(o *Record) bool {
	return r.Kind == o.Kind && (r.Kind == User || r.Kind == Group && r.ID == o.ID && r.Mail == o.Mail) &&
		r.Name == o.Name && r.DN == o.DN && r.SID == o.SID && r.Partial == o.Partial &&
		r.PartialGroups == o.PartialGroups && slices.Equal(r.Members, o.Members)
}

// Put adds the account of a record to the collector, which keeps r: do not change it. A record of kind Domain names
// the domain, one of kind Foreign is kept for its memberships, and one of kind Other is ignored. A user or group
// without a name is only reported in Unresolved.
func (c *Collector) Put(r *Record) {
	switch {
	case r.Kind == Other:
	case r.Kind == Domain:
		c.TakeDomain(r.SID, r.realm())
	case r.Kind == Foreign && r.DN == "": // nothing can name it
	case r.Kind == Foreign:
		if c.foreign == nil {
			c.foreign = map[string]*Record{}
		}
		c.foreign[directory.FoldDN(r.DN)] = r
	case r.Name == "" && r.SID == builtinDomain: // CN=Builtin, the container of the BUILTIN groups
	case r.Name == "":
		c.Report("%s has a SID and no sAMAccountName", r.DN)
	case r.Kind == Group:
		g := c.Groups.Account(r.Name, r.SID)
		g.LeftOut = c.leave != nil && c.leave(r.SID)
		if g.put(r); r.Stated {
			g.Mail = r.Mail
		}
		for _, dn := range r.Members {
			c.AddMember(g, Reference{DN: dn})
		}
		if r.Partial {
			c.Report("%s lists only a range of its members: the memberOf of the others counts if it is there", r.Name)
		}
	default:
		u := c.Users.Account(r.Name, r.SID)
		if u.put(r); r.Stated {
			u.Disabled = r.Disabled
		}
	}
	if r.PartialGroups && r.Name != "" {
		c.Report("%s lists only a range of the groups it is in: the member of the others counts if it is there", r.Name)
	}
}

// put adds the values that users and groups share. MemberOf and History grow, and DN is replaced. Other values are
// replaced if the record has them.
func (a *Account) put(r *Record) {
	a.DN, a.record = r.DN, r
	a.records++
	a.MemberOf = append(a.MemberOf, r.MemberOf...)
	a.History = append(a.History, r.History...)
	if r.ID != "" {
		a.ID = r.ID
	}
	if r.GID != "" {
		a.GID = r.GID
	}
	if !r.Primary.IsZero() {
		a.Primary = r.Primary
	}
	if r.Claims != nil {
		a.Claims = r.Claims
	}
	if r.UPN != "" {
		a.UPN = r.UPN
	}
}

// realm returns the DNS name of a domain from its DN, which must consist of DC parts. It returns "" for another DN.
func (r *Record) realm() string {
	var labels []string
	for part := range strings.SplitSeq(r.DN, ",") {
		name, label, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(name, "DC") {
			return ""
		}
		labels = append(labels, label)
	}
	return strings.Join(labels, ".")
}

// replace gives an account the values of another record, which must be the same as its own in the sense of
// [Record.same]. A group keeps its gid, which oneSID may have cleared.
func (a *Account) replace(r *Record) {
	a.records, a.MemberOf, a.History, a.Claims, a.GID, a.Primary, a.UPN = 0, nil, nil, nil, "", sid.SID{}, ""
	if r.Kind == User {
		a.ID = ""
		a.Disabled = r.Disabled
	}
	id := a.ID // a group keeps its id, which another group may also have
	a.put(r)
	if r.Kind == Group {
		a.ID = id
	}
}
