package accounts

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// accountDisabled is ADS_UF_ACCOUNTDISABLE of userAccountControl.
const accountDisabled = 0x2

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
// computers and groups, their memberOf, primaryGroupID, userAccountControl,
// uidNumber and gidNumber.
func (l *List) ldif(text string) error {
	text = strings.ReplaceAll(text, "\n ", "") // lines that go on
	e := entry{}
	n := 0
	for line := range strings.Lines(text + "\n\n") {
		n++
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			if err := l.entry(e); err != nil {
				return fmt.Errorf("the entry %q: %w", e.first("dn"), err)
			}
			e = entry{}
		case line[0] == '#':
		default:
			name, value, err := ldifValue(line)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			e[name] = append(e[name], value)
		}
	}
	return nil
}

// ldifValue takes "name: text" or "name:: base64" apart.
func ldifValue(line string) (name, value string, err error) {
	name, rest, ok := strings.Cut(line, ":")
	if !ok {
		return "", "", fmt.Errorf("%q is no attribute", line)
	}
	name = strings.ToLower(name)
	if coded, is := strings.CutPrefix(rest, ":"); is {
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded))
		if err != nil {
			return "", "", fmt.Errorf("%s: wrong base64", name)
		}
		return name, string(b), nil
	}
	return name, strings.TrimPrefix(rest, " "), nil
}

// entry takes the account of an entry, if it is one.
func (l *List) entry(e entry) error {
	text := e.first("objectsid")
	if text == "" {
		return nil
	}
	s, err := objectSID(text)
	if err != nil {
		return err
	}
	if e.has("objectclass", "domainDNS") {
		l.domain = s
		return nil
	}
	name := e.first("samaccountname")
	if name == "" {
		l.unresolved("%s has a SID and no sAMAccountName", e.first("dn"))
		return nil
	}
	var a *account
	if e.has("objectclass", "group") {
		a = l.group(name)
		a.id = e.first("gidnumber")
	} else {
		a = l.user(name)
		a.id, a.gid = e.first("uidnumber"), e.first("gidnumber")
		control, err := strconv.ParseInt(e.first("useraccountcontrol"), 10, 64)
		a.disabled = err == nil && control&accountDisabled != 0
		rid, err := strconv.ParseUint(e.first("primarygroupid"), 10, 32)
		if err == nil {
			a.primary = s.Prefix().WithRID(uint32(rid))
		}
	}
	a.sid, a.dn, a.memberOf = s, e.first("dn"), e["memberof"]
	return nil
}

// objectSID reads the bytes of objectSid, or its text.
func objectSID(text string) (sid.SID, error) {
	if strings.HasPrefix(text, "S-1-") {
		return sid.Parse(text)
	}
	s, _, err := sid.Decode([]byte(text))
	return s, err
}
