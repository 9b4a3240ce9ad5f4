package ldap

import (
	"errors"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// domainScope is the control that no referral shall come (MS-ADTS 3.1.1.3.4.1.4).
const domainScope = "1.2.840.113556.1.4.1339"

// page is how many entries a server is asked for at once.
const page = 500

// query is one question.
type query struct {
	base       string
	below      bool // the base and all below it; false: the base alone
	filter     string
	attributes []string
	controls   []goldap.Control
	most       int // entries; more are an error
}

var errOther = &Error{"an entry that was not asked for is in the answer"}

// search asks, page by page, and calls each with every entry. An answer that is not whole
// is an error. D-5
func (c *conn) search(q query, each func(*entry) error) error {
	base, err := parseDN(q.base)
	if err != nil {
		return wrong("base: %v", err)
	}
	filter := q.filter
	if filter == "" {
		filter = "(objectClass=*)"
	}
	scope := goldap.ScopeBaseObject
	if q.below {
		scope = goldap.ScopeWholeSubtree
	}
	paging := goldap.NewControlPaging(page)
	seen := 0
	for {
		// Referrals are not followed: they name servers that are not configured. D-6
		r := goldap.NewSearchRequest(q.base, scope, goldap.NeverDerefAliases, 0, int(c.wait.Seconds()), false, filter,
			q.attributes, append([]goldap.Control{goldap.NewControlString(domainScope, false, "")}, q.controls...))
		if q.below {
			r.Controls = append(r.Controls, paging)
		}
		result, err := c.ask(r)
		if err != nil {
			return err
		}
		for _, found := range result.Entries {
			if seen++; seen > q.most {
				// More than the limit is no answer that is cut. D-5
				return wrong("more than %d entries", q.most)
			}
			e := (*entry)(found)
			// What is not below the base was not asked for, whatever it claims to be. D-7
			if dn, err := parseDN(e.DN); q.base != "" && (err != nil || !within(dn, base) ||
				!q.below && len(dn.RDNs) != len(base.RDNs)) {
				return errOther
			}
			if err := each(e); err != nil {
				return err
			}
		}
		if !q.below {
			return nil
		}
		cookie, err := next(result)
		if err != nil || len(cookie) == 0 {
			return err
		}
		paging.SetCookie(cookie)
	}
}

// next returns by what the server continues, nothing after the last page. A server that
// does not say is not known to have told everything. D-5
func next(r *goldap.SearchResult) ([]byte, error) {
	paging, ok := goldap.FindControl(r.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
	if !ok {
		return nil, wrong("the server does not say whether its answer is whole")
	}
	return paging.Cookie, nil
}

// ask asks once. What the server refuses is an [Error] by its code alone; what of it is
// not an answer breaks the connection.
func (c *conn) ask(r *goldap.SearchRequest) (*goldap.SearchResult, error) {
	c.meter.left.Store(c.limit)
	result, err := c.Search(r)
	var refused *goldap.Error
	switch {
	case err == nil:
		return result, nil
	case !errors.As(err, &refused) || refused.ResultCode >= goldap.ErrorNetwork:
		return nil, err
	case refused.ResultCode == goldap.LDAPResultNoSuchObject:
		return nil, errNoSuchObject
	case busy[refused.ResultCode]:
		return nil, err
	}
	return nil, wrong("the server refuses with code %d", refused.ResultCode)
}

var errNoSuchObject = &Error{"there is no such entry"}

// busy are the codes by which a server says that it cannot answer at all: as one that is
// away.
var busy = map[uint16]bool{goldap.LDAPResultBusy: true, goldap.LDAPResultUnavailable: true,
	goldap.LDAPResultTimeLimitExceeded: true, goldap.LDAPResultOperationsError: true, goldap.LDAPResultOther: true}

// entry is one entry of an answer.
type entry goldap.Entry

// values returns those of an attribute, in any case of its name, and whether the server
// tells only a range of them; to is then where the next begins.
func (e *entry) values(name string) (values [][]byte, to string, all bool) {
	all = true
	for _, a := range e.Attributes {
		have, option, ranged := strings.Cut(a.Name, ";")
		if !strings.EqualFold(have, name) {
			continue
		}
		if low, high, is := strings.Cut(option, "-"); ranged && is && len(low) > 6 && strings.EqualFold(low[:6], "range=") {
			if values = append(values, a.ByteValues...); high != "*" {
				to, all = high, false
			}
			continue
		}
		values = append(values, a.ByteValues...)
	}
	return values, to, all
}

// one returns the value of an attribute that has at most one; "" without.
func (e *entry) one(name string) (string, error) {
	values, _, all := e.values(name)
	switch {
	case len(values) > 1 || !all:
		return "", wrong("%s has several values", name)
	case len(values) == 0:
		return "", nil
	}
	return string(values[0]), nil
}
