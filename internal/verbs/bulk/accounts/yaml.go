package accounts

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// domainUsersRID is that of the primary group of users.
const domainUsersRID = 513

// YAML writes the directory file.
func (l *List) YAML() []byte {
	l.resolve()
	l.rename()
	var b strings.Builder
	if !l.domain.IsZero() {
		fmt.Fprintf(&b, "domain: %v\n", l.domain)
	}
	writeAccounts(&b, "users", "uid", l.users.list)
	writeAccounts(&b, "groups", "gid", l.groups.list)
	return []byte(b.String())
}

// Accounts returns how many users and groups there are.
func (l *List) Accounts() (users, groups int) { return len(l.users.list), len(l.groups.list) }

func writeAccounts(b *strings.Builder, list, id string, of []*account) {
	if len(of) == 0 {
		fmt.Fprintf(b, "%s: []\n", list)
		return
	}
	fmt.Fprintf(b, "%s:\n", list)
	for _, a := range of {
		a.write(b, id)
	}
}

func (a *account) write(b *strings.Builder, id string) {
	fmt.Fprintf(b, "  - {name: %s, sid: %v", strconv.Quote(a.name), a.sid)
	var in []string
	for _, g := range a.groups {
		in = append(in, strconv.Quote(g.name))
	}
	for _, s := range a.others {
		in = append(in, s.String())
	}
	if len(in) > 0 {
		fmt.Fprintf(b, ", memberOf: [%s]", strings.Join(in, ", "))
	}
	if a.id != "" {
		fmt.Fprintf(b, ", %s: %s", id, a.id)
	}
	if a.gid != "" {
		fmt.Fprintf(b, ", gid: %s", a.gid)
	}
	if a.claims != "" {
		fmt.Fprintf(b, ", claims: %s", a.claims)
	}
	if !a.primary.IsZero() && a.primary.Prefix() == a.sid.Prefix() && a.primary.RID() != domainUsersRID {
		fmt.Fprintf(b, ", primaryGroup: %v", a.primary) // the others have theirs without it
	}
	if a.disabled {
		b.WriteString(", disabled: true")
	}
	b.WriteString("}\n")
}

// rename gives each user and each group a name of its own, and none that would mean a SID.
func (l *List) rename() {
	users, groups := map[string]bool{}, map[string]bool{}
	for _, u := range l.users.list {
		if strings.HasPrefix(strings.ToUpper(u.name), "S-1-") {
			u.name = "user " + u.name
		}
		u.name = distinct(users, u.name, u.sid)
	}
	for _, g := range l.groups.list {
		if _, err := sid.Resolve(g.name, anyDomain); err == nil {
			g.name = "group " + g.name
		}
		g.name = distinct(groups, g.name, g.sid)
	}
}

// anyDomain gives relative aliases a meaning.
var anyDomain = sid.MustParse("S-1-5-21-0-0-0")

// distinct returns a name that is not taken, and takes it.
func distinct(taken map[string]bool, name string, s sid.SID) string {
	for taken[strings.ToLower(name)] {
		name += fmt.Sprintf(" (%v)", s)
	}
	taken[strings.ToLower(name)] = true
	return name
}
