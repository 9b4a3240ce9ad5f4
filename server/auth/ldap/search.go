package ldap

import (
	"errors"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// domainScope is the control that suppresses referrals (MS-ADTS 3.1.1.3.4.1.4).
const domainScope = "1.2.840.113556.1.4.1339"

// page is how many entries one request returns.
const page = 500

// maxEmpty is how many pages in a row may have no entry. A server may send such pages (RFC 2696 3), but not without
// end.
const maxEmpty = 1000

// query is one search.
type query struct {
	base       string
	below      bool // search base and its descendants; false: base only
	filter     string
	attributes []string
	controls   []goldap.Control
	most       int // maximum number of entries; more are an error
}

var errOther = &Error{"an entry that was not asked for is in the answer"}

// search calls each with every entry of all pages of q, until a call returns an error. An empty filter means every
// object. If q.below is false, only q.base is read. More than q.most entries, more than maxEmpty pages in a row without
// one, an entry outside q.base and an incomplete response are errors (D-5, D-7). Entries may come before an error.
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
	seen, empty := 0, 0
	for {
		// Referrals are not followed, because they name servers that are not configured (D-6).
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
				// A response above the limit is an error, never cut (D-5).
				return wrong("more than %d entries", q.most)
			}
			e := (*entry)(found)
			// Reject an entry outside of base, which was not requested (D-7).
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
		if empty++; len(result.Entries) > 0 {
			empty = 0
		}
		if empty > maxEmpty {
			return wrong("more than %d pages in a row without an entry", maxEmpty)
		}
		paging.SetCookie(cookie)
	}
}

// next returns the cookie that requests the next page of a search, empty after the last one. A response without that
// control may be incomplete, so it is an error (D-5).
func next(r *goldap.SearchResult) ([]byte, error) {
	paging, ok := goldap.FindControl(r.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
	if !ok {
		return nil, wrong("the server does not say whether its answer is whole")
	}
	return paging.Cookie, nil
}

// ask sends one search request and returns the response. It resets the byte limit. Errors:
//   - errNoSuchObject: the base does not exist
//   - unchanged: the connection failed or the server is busy
//   - an [Error]: the server refused for any other reason
func (c *conn) ask(r *goldap.SearchRequest) (*goldap.SearchResult, error) {
	c.meter.left.Store(c.limit)
	result, err := c.Search(r)
	var refused *goldap.Error
	switch {
	case err == nil:
		c.answered(c.address)
		return result, nil
	case !errors.As(err, &refused) || refused.ResultCode >= goldap.ErrorNetwork:
		return nil, err
	case refused.ResultCode == goldap.LDAPResultNoSuchObject:
		return nil, errNoSuchObject
	case busy[refused.ResultCode]:
		return nil, err
	}
	return nil, wrong("the server refuses with code %d, %q", refused.ResultCode,
		goldap.LDAPResultCodeMap[refused.ResultCode])
}

var errNoSuchObject = &Error{"there is no such entry"}

// busy has the result codes of a server that cannot answer now; it counts as unreachable.
var busy = map[uint16]bool{goldap.LDAPResultBusy: true, goldap.LDAPResultUnavailable: true,
	goldap.LDAPResultTimeLimitExceeded: true, goldap.LDAPResultOperationsError: true, goldap.LDAPResultOther: true}

// entry is one entry of a response.
type entry goldap.Entry

// values returns the values of an attribute with any options, whose name is compared without case. If the server sent
// them only up to index to, all is false. A missing attribute has no values, and all is true.
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

// one returns the value of a single-valued attribute, "" if it is absent. Several values are an error. A list that the
// server cut off counts as several.
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
