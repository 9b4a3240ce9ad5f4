package accounts

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/sid"
)

// wbinfo reads a transcript: a line for each call, as "sh -x" writes it ("+ wbinfo -n alice")
// or with a prompt, and below it what it printed. Most answers tell only together with their question
// whom they are about.
func (l *List) wbinfo(text string) error {
	var q question
	n, calls := 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if next, ok := wbinfoCall(line); ok {
			q = next
			calls++
			continue
		}
		if line == "" {
			continue
		}
		if calls == 0 {
			return fmt.Errorf("line %d: no call stands before it: write the calls with their answers, as sh -x does "+
				`("+ wbinfo -n alice", and below it what it printed)`, n)
		}
		if err := l.answer(&q, line); err != nil {
			return fmt.Errorf("line %d, an answer to wbinfo %s: %w", n, q.option, err)
		}
	}
	if calls == 0 {
		return fmt.Errorf("there is no line \"+ wbinfo …\": is this what sh -x writes?")
	}
	return nil
}

// question is a call of wbinfo: its option by its short name, and what it is about.
type question struct{ option, about string }

// wbinfoOptions are the long names of options, by which answers are read.
var wbinfoOptions = map[string]string{
	"--name-to-sid": "-n", "--sid-to-name": "-s", "--user-info": "-i", "--uid-info": "-i",
	"--user-sidinfo": "-i", "--group-info": "--group-info", "--gid-info": "--group-info",
	"--user-groups": "-r", "--user-sids": "--user-sids", "--user-domgroups": "--user-domgroups",
	"--sid-to-uid": "-S", "--sid-to-gid": "-Y", "--uid-to-sid": "-U", "--gid-to-sid": "-G",
	"--domain-users": "-u", "--domain-groups": "-g", "--sids-to-unix-ids": "--sids-to-unix-ids",
	"--sid-aliases": "--sid-aliases",
}

// wbinfoCall takes the line of a call apart.
func wbinfoCall(line string) (q question, ok bool) {
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

// words takes a command apart as a shell does: quotes hold words together.
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

// answer takes a line of an answer.
func (l *List) answer(q *question, line string) error {
	if failed(line) {
		l.unresolved("wbinfo %s %s: %s", q.option, q.about, line)
		return nil
	}
	switch q.option {
	case "-u", "-g":
		list := map[string]string{"-u": "wbinfo -u", "-g": "wbinfo -g"}[q.option]
		l.listed = append(l.listed, listedName{line, list})
	case "-n":
		text, kind, _ := strings.Cut(line, " ")
		return l.sidOf(text, q.about, kind)
	case "-s":
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return fmt.Errorf("%q: want a name and its type", short(line))
		}
		return l.sidOf(q.about, line[:at], "("+line[at+1:]+")")
	case "-i", "--group-info":
		if !l.passwdLine(line) {
			return fmt.Errorf("%q is no line of passwd or group", short(line))
		}
	case "-r":
		id, ok := number(line)
		if !ok {
			return fmt.Errorf("%q is no gid", short(line))
		}
		u := l.users.named(q.about)
		u.in = append(u.in, reference{gid: id})
	case "--user-sids", "--user-domgroups", "--sid-aliases":
		return l.sidIn(line, q.about)
	case "-S", "-Y", "-U", "-G", "--sids-to-unix-ids":
		return l.mapped(q, line)
	}
	return nil
}

// failed reports whether a line says that a call failed.
func failed(line string) bool {
	return strings.HasPrefix(line, "failed to ") || strings.HasPrefix(line, "Could not ") ||
		strings.Contains(line, "WBC_ERR_")
}

// sidOf takes the SID of a name, with its kind: SID_USER (1), or its number alone.
func (l *List) sidOf(text, name, kind string) error {
	s, err := sid.Parse(text)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("no name stands in the call")
	}
	switch {
	case strings.HasSuffix(kind, "(1)") || strings.HasSuffix(kind, "(9)"):
		l.users.account(name, s)
	case strings.HasSuffix(kind, "(2)") || strings.HasSuffix(kind, "(4)") || strings.HasSuffix(kind, "(5)"):
		l.groups.account(name, s)
	case strings.HasSuffix(kind, "(3)"):
		l.domain = s
	default:
		l.unresolved("%s %v is no user and no group: %s", name, s, kind)
	}
	return nil
}

// sidIn takes a SID of the token of another: a group's.
func (l *List) sidIn(line, of string) error {
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
	u := l.users.bySID[who]
	if u == nil { // its name comes later, or never
		u = l.users.account(who.String(), who)
	}
	u.in = append(u.in, reference{sid: s})
	return nil
}

// mapped takes the number of a SID, or the SID of a number.
func (l *List) mapped(q *question, line string) error {
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
			return fmt.Errorf("%q: want uid, gid or uid/gid and a number", short(line))
		}
	}
	s, err := sid.Parse(sidText)
	if err != nil {
		return err
	}
	id, ok := number(id)
	if !ok {
		return fmt.Errorf("%q is no uid or gid", short(line))
	}
	for _, t := range [2]*table{&l.users, &l.groups} {
		ofUser := kind == "uid" || q.option == "-S" || q.option == "-U"
		if a := t.bySID[s]; a != nil && (kind == "uid/gid" || ofUser == (t == &l.users)) {
			keep(&a.id, id)
		}
	}
	return nil
}
