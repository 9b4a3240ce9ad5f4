package accounts

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// Flags of an account's attributes.
const (
	accountDisabled = 0x2      // ADS_UF_ACCOUNTDISABLE of userAccountControl
	groupOfTokens   = 1 << 31  // GROUP_TYPE_SECURITY_ENABLED of groupType
	maxLDIFLine     = 64 << 20 // bytes of a line with its continuations
)

// entry is the attributes of an LDIF entry by their names in small letters.
type entry map[string][]string

// first returns the first value of an attribute, "" if it is not there.
func (e entry) first(name string) string {
	if v := e[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// has reports whether an attribute has a value, in any case.
func (e entry) has(name, value string) bool {
	for _, v := range e[name] {
		if strings.EqualFold(v, value) {
			return true
		}
	}
	return false
}

// ldif reads what ldapsearch writes: objectSid and sAMAccountName of users,
// computers and groups, their memberOf and member, primaryGroupID, userAccountControl,
// groupType, sIDHistory, uidNumber and gidNumber. before is how many lines came before.
func (l *List) ldif(text string, before int) error {
	e := entry{}
	n := before
	var whole strings.Builder // a line with those that go on with it
	at := 0
	take := func() error {
		line := whole.String()
		whole.Reset()
		if line == "" || line[0] == '#' {
			return nil
		}
		name, value, err := ldifValue(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", at, err)
		}
		e[name] = append(e[name], value)
		return nil
	}
	for line := range strings.Lines(text + "\n\n") {
		n++
		line = strings.TrimSuffix(line, "\n")
		if rest, on := strings.CutPrefix(line, " "); on && whole.Len() > 0 {
			if whole.WriteString(rest); whole.Len() > maxLDIFLine {
				return fmt.Errorf("line %d: longer than %d MiB", at, maxLDIFLine>>20)
			}
			continue
		}
		if err := take(); err != nil {
			return err
		}
		at = n
		whole.WriteString(line)
		if line == "" {
			if err := l.entry(e); err != nil {
				return fmt.Errorf("the entry %q before line %d: %w", e.first("dn"), n, err)
			}
			e = entry{}
		}
	}
	return nil
}

// ldifValue takes "name: text" or "name:: base64" apart. Of options only the range
// counts: it says that the values are not all.
func ldifValue(line string) (name, value string, err error) {
	name, rest, ok := strings.Cut(line, ":")
	if !ok {
		return "", "", fmt.Errorf("%q is no attribute", short(line))
	}
	name = strings.ToLower(name)
	if attribute, option, with := strings.Cut(name, ";"); with {
		if name = attribute; strings.HasPrefix(option, "range=") && !strings.HasSuffix(option, "*") {
			name += ";range"
		}
	}
	if coded, is := strings.CutPrefix(rest, ":"); is {
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded))
		if err != nil {
			return "", "", fmt.Errorf("%s: wrong base64", short(name))
		}
		return name, string(b), nil
	}
	return name, strings.TrimPrefix(rest, " "), nil
}

// short returns a text as far as a message has room for it.
func short(text string) string {
	if len(text) > 60 {
		return text[:60] + "…"
	}
	return text
}

// Entry takes the account of a directory's entry, if it is one: attributes as LDIF has
// them, by their names in small letters, and dn. own are the claims of a user as a token
// file lists them, in JSON; "" for none.
func (l *List) Entry(attributes map[string][]string, own string) error {
	if err := l.entry(attributes); err != nil || own == "" {
		return err
	}
	s, err := objectSID(entry(attributes).first("objectsid"))
	if err != nil {
		return err
	}
	if u := l.users.bySID[s]; u != nil {
		u.claims = own
	}
	return nil
}

// entry takes the account of an entry, if it is one.
func (l *List) entry(e entry) error {
	text := e.first("objectsid")
	if text == "" {
		return nil
	}
	s, err := objectSID(text)
	if err != nil {
		return fmt.Errorf("objectSid: %w", err)
	}
	switch name := e.first("samaccountname"); {
	case e.has("objectclass", "domainDNS"):
		l.domain = s
		return nil
	case e.has("objectclass", "foreignSecurityPrincipal"):
		if l.foreign == nil {
			l.foreign = map[string]*account{}
		}
		l.foreign[strings.ToLower(e.first("dn"))] = &account{name: s.String(), sid: s, in: names(e["memberof"])}
		return nil
	case name == "":
		l.unresolved("%s has a SID and no sAMAccountName", e.first("dn"))
		return nil
	case e.has("objectclass", "group"):
		err = l.groupEntry(name, s, e)
	default:
		err = l.userEntry(name, s, e)
	}
	return err
}

func (l *List) groupEntry(name string, s sid.SID, e entry) error {
	g := l.groups.account(name, s)
	g.dn = e.first("dn")
	g.left = l.leave != nil && l.leave(s)
	g.in = append(g.in, names(e["memberof"])...)
	if kind, err := strconv.ParseInt(e.first("grouptype"), 10, 64); err == nil {
		g.mail = kind&groupOfTokens == 0
	}
	for _, dn := range append(e["member"], e["member;range"]...) {
		l.member(g, reference{dn: dn})
	}
	if e["member;range"] != nil {
		l.unresolved("%s lists only a range of its members: the memberOf of the others counts if it is there", name)
	}
	return errors.Join(g.number("gidNumber", &g.id, e.first("gidnumber")), g.past(e["sidhistory"]))
}

func (l *List) userEntry(name string, s sid.SID, e entry) error {
	u := l.users.account(name, s)
	u.dn = e.first("dn")
	u.in = append(u.in, names(e["memberof"])...)
	if control, err := strconv.ParseInt(e.first("useraccountcontrol"), 10, 64); err == nil {
		u.disabled = control&accountDisabled != 0
	}
	if rid, err := strconv.ParseUint(e.first("primarygroupid"), 10, 32); err == nil && s.SubAuthorities() > 1 {
		u.primary = s.Prefix().WithRID(uint32(rid))
	}
	return errors.Join(u.number("uidNumber", &u.id, e.first("uidnumber")),
		u.number("gidNumber", &u.gid, e.first("gidnumber")), u.past(e["sidhistory"]))
}

// names returns references by DN.
func names(list []string) (out []reference) {
	for _, dn := range list {
		out = append(out, reference{dn: dn})
	}
	return out
}

// number sets an id, if there is one.
func (a *account) number(attribute string, id *string, text string) error {
	if text == "" {
		return nil
	}
	n, ok := number(text)
	if !ok {
		return fmt.Errorf("%s %q is not a number from 0 to 4294967295", attribute, short(text))
	}
	*id = n
	return nil
}

// past adds the SIDs that an account had before.
func (a *account) past(list []string) error {
	for _, text := range list {
		s, err := objectSID(text)
		if err != nil {
			return fmt.Errorf("sIDHistory: %w", err)
		}
		a.history = append(a.history, s)
	}
	return nil
}

// objectSID reads the bytes of objectSid, or its text.
func objectSID(text string) (sid.SID, error) {
	if strings.HasPrefix(text, "S-1-") {
		return sid.Parse(text)
	}
	s, n, err := sid.Decode([]byte(text))
	if err == nil && n < len(text) {
		err = fmt.Errorf("%d bytes after its end", len(text)-n)
	}
	return s, err
}
