// Package accounts reads users and groups from what other systems write, and
// writes them as a directory file: passwd and group (also by getent), pdbedit -L -v,
// and LDIF as ldapsearch gives it.
//
//	var list accounts.List
//	err := list.Read("ldif", file)
//	os.Stdout.Write(list.YAML())
//
// Accounts of one name are one account, so that passwd, which has uids, and
// pdbedit, which has SIDs, complete each other. An account without a SID is
// S-1-22-1-uid or S-1-22-2-gid, as Samba names it. What cannot be resolved is
// listed and left out. The zero List is empty; it belongs to one goroutine.
package accounts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// account is a user or group as far as it is known.
type account struct {
	name     string
	sid      sid.SID
	id       string // uid or gid; "": not known
	gid      string // of a user's primary group
	groups   []*account
	primary  sid.SID // of a user: its primary group's; zero: not known
	disabled bool
	dn       string
	memberOf []string // DNs
}

// List is the accounts that were read.
type List struct {
	Unresolved []string // what could not be used, for people to read

	domain sid.SID
	users  []*account
	groups []*account
}

// Forms lists the names of the forms that Read knows.
const Forms = "passwd, getent, pdbedit, ldif"

// Read adds the accounts of a file in a form: passwd or getent, where lines of
// seven fields are users and lines of four are groups; pdbedit; ldif.
func (l *List) Read(form string, file []byte) error {
	text := strings.ReplaceAll(strings.TrimPrefix(string(file), "\ufeff"), "\r\n", "\n")
	switch form {
	case "passwd", "getent":
		return l.passwd(text)
	case "pdbedit":
		return l.pdbedit(text)
	case "ldif":
		return l.ldif(text)
	}
	return fmt.Errorf("form %q: want one of %s", form, Forms)
}

// user returns the user of a name, made if it is new; group does so of a group.
func (l *List) user(name string) *account  { return named(&l.users, name) }
func (l *List) group(name string) *account { return named(&l.groups, name) }

func named(list *[]*account, name string) *account {
	for _, a := range *list {
		if strings.EqualFold(a.name, name) {
			return a
		}
	}
	a := &account{name: name}
	*list = append(*list, a)
	return a
}

// passwd reads /etc/passwd and /etc/group, one after the other or one alone.
func (l *List) passwd(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		f := strings.Split(line, ":")
		switch {
		case line == "" || line[0] == '#' || line[0] == '+' || line[0] == '-':
		case len(f) == 7 && number(f[2]) && number(f[3]):
			u := l.user(f[0])
			u.id, u.gid = f[2], f[3]
		case len(f) == 4 && number(f[2]):
			g := l.group(f[0])
			g.id = f[2]
			for _, member := range strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' }) {
				u := l.user(member)
				u.groups = append(u.groups, g)
			}
		default:
			return fmt.Errorf("line %d: a user has seven fields, a group four, with numbers for ids", n)
		}
	}
	return nil
}

func number(text string) bool {
	_, err := strconv.ParseUint(text, 10, 32)
	return err == nil
}

// pdbedit reads what "pdbedit -L -v" prints.
func (l *List) pdbedit(text string) error {
	var u *account
	n := 0
	for line := range strings.Lines(text) {
		n++
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if value = strings.TrimSpace(value); !ok {
			continue
		}
		if key == "Unix username" {
			u = l.user(value)
			continue
		}
		if u == nil {
			continue
		}
		var err error
		switch key {
		case "User SID":
			if u.sid, err = sid.Parse(value); err == nil && l.domain.IsZero() {
				l.domain = u.sid.Prefix()
			}
		case "Primary Group SID":
			u.primary, err = sid.Parse(value)
		case "Account Flags":
			u.disabled = strings.Contains(value, "D")
		}
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", n, key, err)
		}
	}
	if u == nil {
		return fmt.Errorf("there is no line \"Unix username:\": is this what pdbedit -L -v prints?")
	}
	return nil
}

// YAML writes the directory file.
func (l *List) YAML() []byte {
	l.resolve()
	var b strings.Builder
	if !l.domain.IsZero() {
		fmt.Fprintf(&b, "domain: %v\n", l.domain)
	}
	b.WriteString("users:\n")
	for _, u := range l.users {
		writeAccount(&b, u, "uid")
	}
	b.WriteString("groups:\n")
	for _, g := range l.groups {
		writeAccount(&b, g, "gid")
	}
	text := strings.ReplaceAll(b.String(), "users:\ngroups:\n", "users: []\ngroups:\n")
	if strings.HasSuffix(text, "groups:\n") {
		text = strings.TrimSuffix(text, "groups:\n") + "groups: []\n"
	}
	return []byte(text)
}

func writeAccount(b *strings.Builder, a *account, id string) {
	fmt.Fprintf(b, "  - {name: %s, sid: %v", strconv.Quote(a.name), a.sid)
	var names []string
	for _, g := range a.groups {
		names = append(names, strconv.Quote(g.name))
	}
	if !a.primary.IsZero() {
		names = append(names, a.primary.String())
	}
	if len(names) > 0 {
		fmt.Fprintf(b, ", memberOf: [%s]", strings.Join(names, ", "))
	}
	if a.id != "" {
		fmt.Fprintf(b, ", %s: %s", id, a.id)
	}
	if a.gid != "" {
		fmt.Fprintf(b, ", gid: %s", a.gid)
	}
	if a.disabled {
		b.WriteString(", disabled: true")
	}
	b.WriteString("}\n")
}

// resolve gives every account its SID and groups, and leaves out what has none.
func (l *List) resolve() {
	posix := [...]sid.SID{sid.MustParse("S-1-22-1"), sid.MustParse("S-1-22-2")}
	for kind, list := range [2]*[]*account{&l.users, &l.groups} {
		*list = slices.DeleteFunc(*list, func(a *account) bool {
			if n, err := strconv.ParseUint(a.id, 10, 32); a.sid.IsZero() && err == nil {
				a.sid = posix[kind].WithRID(uint32(n))
			}
			if a.sid.IsZero() {
				l.unresolved("%s has neither a SID nor an id", a.name)
			}
			return a.sid.IsZero()
		})
	}
	byDN := map[string]*account{}
	for _, g := range l.groups {
		byDN[strings.ToLower(g.dn)] = g
		if _, err := sid.Resolve(g.name, posix[1]); err == nil { // memberOf would mean the SID
			g.name = "group " + g.name
		}
	}
	delete(byDN, "")
	for _, a := range slices.Concat(l.users, l.groups) {
		for _, dn := range a.memberOf {
			if g := byDN[strings.ToLower(dn)]; g != nil {
				a.groups = append(a.groups, g)
			} else {
				l.unresolved("%s is a member of %s, which is not in the files", a.name, dn)
			}
		}
		a.memberOf = nil
		a.groups = slices.DeleteFunc(a.groups, func(g *account) bool { return g.sid.IsZero() })
	}
}

func (l *List) unresolved(format string, args ...any) {
	l.Unresolved = append(l.Unresolved, fmt.Sprintf(format, args...))
}
