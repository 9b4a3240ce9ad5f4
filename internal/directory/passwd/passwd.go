// Package passwd reads users and groups from /etc/passwd, /etc/group and getent, and from pdbedit -L -v.
package passwd

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/sid"
)

// blanks may precede a line and a member of a group, as in glibc, which takes later ones for a part of the name.
const blanks = " \t\v\f\r"

// Read collects the lines of /etc/passwd, /etc/group or both concatenated. It skips empty lines, comments and NIS
// entries that start with + or -. Any other line is an error with its number. Lines before that stay collected. The
// number of the first line is 1. Blanks before a line do not count.
func Read(c *collect.Collector, text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), blanks)
		if line == "" || line[0] == '#' || line[0] == '+' || line[0] == '-' {
			continue
		}
		if !AddLine(c, line) {
			return fmt.Errorf("line %d: a user has seven fields, a group four, with numbers for ids", n)
		}
	}
	return nil
}

// AddLine collects a line of passwd (seven fields) or group (four). Case counts, and a name with another id than before
// is another account, which is reported (B-134). It returns false, and collects nothing, for any other line. Members
// join a group even if no line names them as users; blanks before a member do not count. An empty name, and ids that
// are not numbers, make it another line.
func AddLine(c *collect.Collector, line string) bool {
	f := strings.Split(line, ":")
	if len(f) != 7 && len(f) != 4 || f[0] == "" {
		return false
	}
	id, ok := collect.ParseNumber(f[2])
	if !ok {
		return false
	}
	if len(f) == 7 {
		gid, ok := collect.ParseNumber(f[3])
		if !ok {
			return false
		}
		u, other := c.Users.Unix(f[0], id)
		if other != "" {
			c.Report("the user %s has two uids, %s and %s: refmon treats them as two users. List members by a unique name, "+
				"because a group line with %s means only one of them", f[0], other, id, f[0])
		}
		u.ID = id
		collect.Keep(&u.GID, gid)
		return true
	}
	g, other := c.Groups.Unix(f[0], id)
	if other != "" {
		c.Report("the group %s has the gids %s and %s: they are two groups", f[0], other, id)
	}
	g.ID = id
	for member := range strings.SplitSeq(f[3], ",") {
		if member = strings.TrimLeft(member, blanks); member != "" {
			u, _ := c.Users.Unix(member, "")
			u.Join(g)
		}
	}
	return true
}

// pdbUser holds what pdbedit prints of one user. The SID comes after the flags, and may be that of another account.
type pdbUser struct {
	of           *collect.Account // the account with the name; nil: there was no user yet
	sid, primary sid.SID
	flags        string
}

// put stores the values in the account with the SID, or without a SID in that with the name. It enables no account that
// has another name.
func (u *pdbUser) put(c *collect.Collector) {
	if u.of == nil {
		return
	}
	a := u.of
	if !u.sid.IsZero() {
		a = c.Users.Account(a.Name, u.sid)
		if c.Domain.IsZero() {
			c.Domain = collect.DomainOf(u.sid)
		}
	}
	if !u.primary.IsZero() {
		a.Primary = u.primary
	}
	switch {
	case strings.Contains(u.flags, "D"):
		a.Disabled = true
	case u.flags != "" && a == u.of:
		// A domain controller prints its Guest under the name of the host's guest account, with flags of that one.
		a.Disabled = false
	}
}

// ReadPdbedit collects the users that "pdbedit -L -v" prints, and takes the domain from their SIDs if c has none. It
// ignores other lines. Text without a user is an error, and so is a malformed SID, with its line. Lines before the
// first user are ignored. Accounts before the error stay collected.
func ReadPdbedit(c *collect.Collector, text string) error {
	var u pdbUser
	n := 0
	for line := range strings.Lines(text) {
		n++
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if value = strings.TrimSpace(value); !ok {
			continue
		}
		var err error
		switch key {
		case "Unix username":
			if u.put(c); value == "" {
				return fmt.Errorf("line %d: %s: the name is missing", n, key)
			}
			u = pdbUser{}
			u.of, _ = c.Users.Unix(value, "")
		case "User SID":
			u.sid, err = sid.Parse(value)
		case "Primary Group SID":
			u.primary, err = sid.Parse(value)
		case "Account Flags":
			u.flags = value
		}
		if err != nil && u.of != nil {
			return fmt.Errorf("line %d: %s: %w", n, key, err)
		}
	}
	if u.of == nil {
		return fmt.Errorf("no line \"Unix username:\": is this the output of pdbedit -L -v?")
	}
	u.put(c)
	return nil
}
