package accounts

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/sid"
)

// passwd reads /etc/passwd and /etc/group, one after the other or one alone.
func (l *List) passwd(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' || line[0] == '+' || line[0] == '-' {
			continue
		}
		if !l.passwdLine(line) {
			return fmt.Errorf("line %d: a user has seven fields, a group four, with numbers for ids", n)
		}
	}
	return nil
}

// passwdLine takes a line of passwd or group; it reports whether it is one.
func (l *List) passwdLine(line string) bool {
	f := strings.Split(line, ":")
	if len(f) != 7 && len(f) != 4 || f[0] == "" {
		return false
	}
	id, ok := number(f[2])
	if !ok {
		return false
	}
	if len(f) == 7 {
		gid, ok := number(f[3])
		if !ok {
			return false
		}
		u := l.users.named(f[0])
		keep(&u.id, id)
		keep(&u.gid, gid)
		return true
	}
	g := l.groups.named(f[0])
	keep(&g.id, id)
	for _, member := range strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' }) {
		u := l.users.named(member)
		u.groups = append(u.groups, g)
	}
	return true
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
			if u = l.users.named(value); value == "" {
				return fmt.Errorf("line %d: %s: there is no name", n, key)
			}
			continue
		}
		if u == nil {
			continue
		}
		var s sid.SID
		var err error
		switch key {
		case "User SID":
			if s, err = sid.Parse(value); err == nil {
				u = l.users.account(u.name, s)
			}
			if err == nil && l.domain.IsZero() {
				l.domain = domainOf(s)
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
