// Package wbinfo reads users and groups from a transcript of wbinfo calls.
package wbinfo

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/passwd"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
)

// Read collects a transcript of wbinfo calls. Each call is a line as "sh -x" writes it ("+ wbinfo -n alice") or with
// a prompt, followed by its output. The call is needed because most output does not name the account. A failed call
// is reported in Unresolved. Output without a call, and a text without any, are errors; so is a malformed line.
func Read(c *collect.Collector, text string) error {
	var q question
	n, calls := 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if next, ok := ParseCall(line); ok {
			q = next
			calls++
			continue
		}
		if line == "" {
			continue
		}
		if calls == 0 {
			return fmt.Errorf("line %d: no call before it: record the calls with their output, as sh -x does "+
				`("+ wbinfo -n alice", and below it what it printed)`, n)
		}
		if err := collectLine(c, &q, line); err != nil {
			return fmt.Errorf("line %d, an answer to wbinfo %s: %w", n, q.option, err)
		}
	}
	if calls == 0 {
		return fmt.Errorf("no line \"+ wbinfo …\": is this the output of sh -x?")
	}
	return nil
}

// question is a wbinfo call that the output below it answers: its short option and its argument, "" if there is none.
type question struct{ option, about string }

// wbinfoOptions maps the long options whose output Read understands to the short ones.
var wbinfoOptions = map[string]string{
	"--name-to-sid": "-n", "--sid-to-name": "-s", "--user-info": "-i", "--uid-info": "-i",
	"--user-sidinfo": "-i", "--group-info": "--group-info", "--gid-info": "--group-info",
	"--user-groups": "-r", "--user-sids": "--user-sids", "--user-domgroups": "--user-domgroups",
	"--sid-to-uid": "-S", "--sid-to-gid": "-Y", "--uid-to-sid": "-U", "--gid-to-sid": "-G",
	"--domain-users": "-u", "--domain-groups": "-g", "--sids-to-unix-ids": "--sids-to-unix-ids",
	"--sid-aliases": "--sid-aliases",
}

// ParseCall parses the line of a call, which must start with a prompt or a plus sign. ok is false for a line that is
// not a call of wbinfo, or has no arguments. q.option is "" for an option that Read does not use. The option is the
// first one that Read uses, with its value after "=" or in the next word.
func ParseCall(line string) (q question, ok bool) {
	rest := strings.TrimLeft(line, "+$#>% ")
	if rest == line {
		return q, false
	}
	f := words(rest)
	if len(f) < 2 || f[0] != "wbinfo" && !strings.HasSuffix(f[0], "/wbinfo") {
		return q, false
	}
	for i, option := range f[1:] {
		name, value, given := strings.Cut(option, "=")
		if long := wbinfoOptions[name]; long != "" {
			q.option = long
		} else if len(name) == 2 && strings.Contains("nsirSYUGug", name[1:]) && name[0] == '-' {
			q.option = name
		} else {
			continue
		}
		if q.about = value; !given && i+2 < len(f) {
			q.about = f[i+2]
		}
		break
	}
	return q, true
}

// words splits a command line at spaces, as a shell does, and removes quotes. It does not know backslashes. An open
// quote ends with the line. A quoted empty word is left out. Only blanks separate words.
func words(line string) (out []string) {
	var word strings.Builder
	quote := rune(0)
	for _, r := range line {
		switch {
		case quote == 0 && r == ' ':
			if word.Len() > 0 {
				out = append(out, word.String())
				word.Reset()
			}
		case quote == r:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		default:
			word.WriteRune(r)
		}
	}
	if word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}

// collectLine collects one line of output of the wbinfo call q. A failed call is only reported in Unresolved. Output
// of options that Read does not use is skipped. Other output that does not parse is an error. For -u and -g any line
// is a name.
func collectLine(c *collect.Collector, q *question, line string) error {
	if isFailure(line) {
		c.Report("wbinfo %s %s: %s", q.option, q.about, line)
		return nil
	}
	switch q.option {
	case "-u", "-g":
		list := map[string]string{"-u": "wbinfo -u", "-g": "wbinfo -g"}[q.option]
		c.AddListed(line, list)
	case "-n":
		text, kind, _ := strings.Cut(line, " ")
		return collectSID(c, text, q.about, kind)
	case "-s":
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return fmt.Errorf("%q: want a name and its type", strict.Clip(line))
		}
		return collectSID(c, q.about, line[:at], "("+line[at+1:]+")")
	case "-i", "--group-info":
		if !passwd.AddLine(c, line) {
			return fmt.Errorf("%q is not a line of passwd or group", strict.Clip(line))
		}
	case "-r":
		id, ok := collect.ParseNumber(line)
		if !ok {
			return fmt.Errorf("%q is not a gid", strict.Clip(line))
		}
		u := c.Users.Named(q.about)
		u.In = append(u.In, collect.Reference{GID: id})
	case "--user-sids", "--user-domgroups", "--sid-aliases":
		return collectTokenGroup(c, line, q.about)
	case "-S", "-Y", "-U", "-G", "--sids-to-unix-ids":
		return collectID(c, q, line)
	}
	return nil
}

// isFailure reports whether a line is wbinfo's message about a failed call.
func isFailure(line string) bool {
	return strings.HasPrefix(line, "failed to ") || strings.HasPrefix(line, "Could not ") ||
		strings.Contains(line, "WBC_ERR_")
}

// collectSID collects a user, computer, group or domain with its SID. kind is the type of the account: SID_USER (1), or
// the number alone. Any other type is only reported. A malformed SID and an empty name are errors for every type.
func collectSID(c *collect.Collector, text, name, kind string) error {
	s, err := sid.Parse(text)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("the call has no name")
	}
	switch {
	case strings.HasSuffix(kind, "(1)") || strings.HasSuffix(kind, "(9)"):
		c.Users.Account(name, s)
	case strings.HasSuffix(kind, "(2)") || strings.HasSuffix(kind, "(4)") || strings.HasSuffix(kind, "(5)"):
		c.Groups.Account(name, s)
	case strings.HasSuffix(kind, "(3)"):
		c.TakeDomain(s, "")
	default:
		c.Report("%s %v is not a user and no group: %s", name, s, kind)
	}
	return nil
}

// collectTokenGroup adds the group with SID line to the account with SID of. It creates a user for an unknown account,
// with its SID as name; Accounts merges the user with a group of this SID. If both SIDs are equal, nothing changes. A
// malformed SID is an error.
func collectTokenGroup(c *collect.Collector, line, of string) error {
	s, err := sid.Parse(line)
	if err != nil {
		return err
	}
	who, err := sid.Parse(of)
	if err != nil {
		return fmt.Errorf("the call's %w", err)
	}
	if s == who {
		return nil
	}
	u := c.Users.BySID(who)
	if u == nil { // a later line may give the account its name
		u = c.Users.Account(who.String(), who)
	}
	u.In = append(u.In, collect.Reference{SID: s})
	return nil
}

// collectID stores a uid or gid that a call maps to or from a SID. It ignores an unmapped SID and one whose account no
// earlier line named. A malformed SID or number is an error. The first number of an account counts.
func collectID(c *collect.Collector, q *question, line string) error {
	sidText, id, kind := q.about, line, ""
	switch q.option {
	case "-U", "-G":
		sidText, id = line, q.about
	case "--sids-to-unix-ids":
		before, after, ok := strings.Cut(line, " -> ")
		if !ok || after == "unmapped" {
			return nil
		}
		sidText = before
		if kind, id, ok = strings.Cut(after, " "); !ok {
			return fmt.Errorf("%q: want uid, gid or uid/gid and a number", strict.Clip(line))
		}
	}
	s, err := sid.Parse(sidText)
	if err != nil {
		return err
	}
	id, ok := collect.ParseNumber(id)
	if !ok {
		return fmt.Errorf("%q is not a uid or gid", strict.Clip(line))
	}
	for _, t := range [2]*collect.Table{&c.Users, &c.Groups} {
		ofUser := kind == "uid" || q.option == "-S" || q.option == "-U"
		if a := t.BySID(s); a != nil && (kind == "uid/gid" || ofUser == (t == &c.Users)) {
			collect.Keep(&a.ID, id)
		}
	}
	return nil
}
