package ldap

import (
	"slices"
	"strconv"
)

// serverInfo is what a server says about itself: its naming context and its capabilities. Immutable.
type serverInfo struct {
	base     string // DN of the naming context, or the configured base
	computes bool   // the server computes the groups of an account
}

// serverInfo returns the naming context and the abilities of the first server that it read, from memory after that. It
// returns an error if neither the configuration nor the server names a base. An error is not remembered.
func (d *Directory) serverInfo(c *conn) (*serverInfo, error) {
	d.mu.Lock()
	p := d.base
	d.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p = &serverInfo{base: d.cfg.Base}
	err := c.search(query{most: 1, attributes: []string{"defaultNamingContext", "supportedCapabilities"}},
		func(e *entry) error {
			base, err := e.one("defaultNamingContext")
			if p.base == "" {
				p.base = base
			}
			abilities, _, _ := e.values("supportedCapabilities")
			p.computes = slices.ContainsFunc(abilities, func(b []byte) bool { return string(b) == activeDirectory })
			return err
		})
	if err != nil {
		return nil, err
	}
	if p.base == "" {
		return nil, wrong("the server names no domain: give base")
	}
	d.mu.Lock()
	d.base = p
	d.mu.Unlock()
	return p, nil
}

// mark is a server's change number (USN), which shows whether its directory has changed. Numbers of different servers
// cannot be compared.
type mark struct {
	server string
	number int64 // 0: the server has no numbers
}

// mark returns the server's name and the number (USN) of its newest change. An absent name is "", and an absent number
// 0. A malformed number, or several values, are an error.
func (c *conn) mark() (m mark, err error) {
	q := query{most: 1, attributes: []string{"dsServiceName", "highestCommittedUSN"}}
	err = c.search(q, func(e *entry) (err error) {
		if m.server, err = e.one("dsServiceName"); err == nil {
			m.number, err = e.number("highestCommittedUSN", 0)
		}
		return err
	})
	return m, err
}

// nextRange returns the start of the next range to request from the server, after one ending at to. An end that is not
// a number is an error.
func nextRange(to string) (string, error) {
	n, err := strconv.ParseUint(to, 10, 31)
	if err != nil {
		return "", wrong("an attribute range without an end")
	}
	return strconv.FormatUint(n+1, 10), nil
}
