// Package ldif reads the users and groups of a directory from LDIF, as ldapsearch writes it, and from the entries of an
// LDAP answer.
package ldif

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
)

// Flags in userAccountControl and groupType.
const (
	accountDisabled = 0x2      // ADS_UF_ACCOUNTDISABLE of userAccountControl
	groupOfTokens   = 1 << 31  // GROUP_TYPE_SECURITY_ENABLED of groupType
	maxLDIFLine     = 64 << 20 // bytes of a line with its continuations
)

// entry maps the lower-case attribute names of an LDIF entry to their values.
type entry map[string][]string

// first returns the first value of an attribute, "" if it is absent.
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

// Read collects the accounts of an LDIF text, as Parse reads each entry. Errors name the line, counted from before+1.
// Accounts before the error stay collected. A line that begins with a space continues the one before. Comments are
// skipped, and an entry ends at an empty line or the end. A line above maxLDIFLine, an entry with two DNs, and the
// result of a search that failed are errors.
func Read(c *collect.Collector, text string, before int) error {
	e := entry{}
	n := before
	var whole strings.Builder // a line with its continuation lines
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
			r, err := Parse(e)
			if len(e["dn"]) > 1 {
				err = fmt.Errorf("it has a second dn, %q: an empty line is missing", strict.Clip(e["dn"][1]))
			}
			if err != nil {
				return fmt.Errorf("the entry %q before line %d: %w", e.first("dn"), n, err)
			}
			if err := SearchError(e.first("result")); err != nil && e.first("dn") == "" {
				return fmt.Errorf("before line %d: %w", n, err)
			}
			c.Put(r)
			e = entry{}
		}
	}
	return nil
}

// SearchError returns an error for the result that ldapsearch prints after the entries, such as "4 Size limit
// exceeded", because entries are missing. It returns nil for "0 Success", and for "", no result.
func SearchError(result string) error {
	if code, _, _ := strings.Cut(result, " "); code == "" || code == "0" {
		return nil
	}
	return fmt.Errorf("the search ended with %q, so entries are missing: ldapsearch -E pr=1000/noprompt reads all pages",
		strict.Clip(result))
}

// ldifValue parses "name: text" or "name:: base64" and returns the lower-case name without options. The values of an
// incomplete range get the name "name;range". A line without a colon, and wrong base64, are errors. Blanks after the
// colon do not belong to the value (FILL in RFC 2849).
func ldifValue(line string) (name, value string, err error) {
	name, rest, ok := strings.Cut(line, ":")
	if !ok {
		return "", "", fmt.Errorf("%q is not an attribute", strict.Clip(line))
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
			return "", "", fmt.Errorf("%s: wrong base64", strict.Clip(name))
		}
		return name, string(b), nil
	}
	return name, strings.TrimLeft(rest, " "), nil
}

// Parse returns the record of a directory entry. attributes maps lower-case attribute names to values and has the DN as
// "dn". An entry without objectSid, or that describes no account, has the kind Other. A malformed SID or id is an
// error, but not in an entry without sAMAccountName, which Collector.Put reports.
func Parse(attributes map[string][]string) (*collect.Record, error) {
	e := entry(attributes)
	r := &collect.Record{DN: e.first("dn"), Name: e.first("samaccountname"),
		MemberOf: append(e["memberof"], e["memberof;range"]...)}
	text := e.first("objectsid")
	if text == "" {
		return r, nil
	}
	var err error
	if r.SID, err = ObjectSID(text); err != nil {
		return nil, fmt.Errorf("objectSid: %w", err)
	}
	r.PartialGroups = e["memberof;range"] != nil
	switch {
	case e.has("objectclass", "domainDNS"):
		r.Kind = collect.Domain
		return r, nil
	case e.has("objectclass", "foreignSecurityPrincipal"):
		r.Kind = collect.Foreign
		return r, nil
	case e.has("objectclass", "group"):
		err = e.readGroup(r)
	default:
		err = e.readUser(r)
	}
	if r.Name == "" { // ignore err: the caller reports the missing name
		return r, nil
	}
	return r, err
}

// readGroup reads gidNumber, groupType, member and sIDHistory into the record of a group. A malformed groupType counts
// as missing.
func (e entry) readGroup(r *collect.Record) error {
	r.Kind = collect.Group
	if kind, err := strconv.ParseInt(e.first("grouptype"), 10, 64); err == nil {
		r.Stated, r.Mail = true, kind&groupOfTokens == 0
	}
	r.Members, r.Partial = append(e["member"], e["member;range"]...), e["member;range"] != nil
	return errors.Join(collect.SetNumber("gidNumber", &r.ID, e.first("gidnumber")), e.readHistory(r))
}

// readUser reads the attributes of a user or computer into the record. Malformed userAccountControl and
// primaryGroupID count as missing. Malformed uidNumber, gidNumber and sIDHistory are errors.
func (e entry) readUser(r *collect.Record) error {
	r.Kind, r.UPN = collect.User, e.first("userprincipalname")
	if control, err := strconv.ParseInt(e.first("useraccountcontrol"), 10, 64); err == nil {
		r.Stated, r.Disabled = true, control&accountDisabled != 0
	}
	if rid, err := strconv.ParseUint(e.first("primarygroupid"), 10, 32); err == nil && r.SID.SubAuthorities() > 1 {
		r.Primary = r.SID.Prefix().WithRID(uint32(rid))
	}
	return errors.Join(collect.SetNumber("uidNumber", &r.ID, e.first("uidnumber")),
		collect.SetNumber("gidNumber", &r.GID, e.first("gidnumber")), e.readHistory(r))
}

// readHistory appends the SIDs of sIDHistory to r.History; an entry may have none. It stops at a malformed SID with
// an error.
func (e entry) readHistory(r *collect.Record) error {
	for _, text := range e["sidhistory"] {
		s, err := ObjectSID(text)
		if err != nil {
			return fmt.Errorf("sIDHistory: %w", err)
		}
		r.History = append(r.History, s)
	}
	return nil
}

// ErrElsewhere means that a value is the URL of a file with the value ("attribute:< url" in RFC 2849).
var ErrElsewhere = errors.New("the value is in another file: call ldapsearch without -t")

// ObjectSID parses a SID in text form, "S-1-…", or in binary form. Bytes after the binary form are an error.
// Malformed text or bytes are an error. A URL is [ErrElsewhere].
func ObjectSID(text string) (sid.SID, error) {
	if strings.HasPrefix(text, "<") {
		return sid.SID{}, ErrElsewhere
	}
	if strings.HasPrefix(text, "S-1-") {
		return sid.Parse(text)
	}
	s, n, err := sid.Decode([]byte(text))
	if err == nil && n < len(text) {
		return sid.SID{}, fmt.Errorf("%d bytes after its end", len(text)-n)
	}
	return s, err
}
