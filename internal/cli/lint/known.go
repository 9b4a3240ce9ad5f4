package lint

import (
	"fmt"

	"github.com/refmon/refmon/sid"
)

// known reports whether a SID is well known or has the form of an account, service, package or level. It is false for
// the zero SID. Microsoft accounts other than S-1-11-96, and Entra IDs without five subauthorities, are not known.
func known(s sid.SID) bool {
	if sid.Name(s) != "" {
		return true
	}
	n := s.SubAuthorities()
	switch s.Authority() {
	case 5:
		return n > 0 && knownNT(s, n)
	case 11: // Microsoft accounts: S-1-11-96-…
		return n >= 2 && s.Sub(0) == 96
	case 12: // Entra ID: S-1-12-1-a-b-c-d users and groups
		return n == 5 && s.Sub(0) == 1
	case 15: // application packages and capabilities
		return n >= 2 && (s.Sub(0) == 2 || s.Sub(0) == 3)
	case 16: // integrity levels, also between the named ones
		return n == 1
	case 17: // central access policies
		return n >= 1
	case 18: // asserted identities
		return n == 1 && s.Sub(0) <= 6
	case 19: // process trust
		return n == 2
	case 22: // Unix users and groups as Samba maps them
		return n == 2 && (s.Sub(0) == 1 || s.Sub(0) == 2)
	}
	return false
}

// knownNT reports the same as known, for SIDs that start with S-1-5. n is the number of subauthorities, at least 1. A
// logon session has 3 subauthorities, an account 5, and other families at least 2.
func knownNT(s sid.SID, n int) bool {
	switch first := s.Sub(0); first {
	case 5: // a logon session
		return n == 3
	case 21: // an account of a domain or machine: three parts and the account
		return n == 5
	// BUILTIN (32) and authentication packages (64, 65) are not among these: all of theirs are named.
	case 88: // NFS identities
		return n >= 2
	// services, application pools, virtual machines, drivers …
	case 80, 82, 83, 84, 85, 86, 87, 89, 90, 93, 94, 96, 97, 99:
		return n >= 2
	}
	return false
}

// unknown returns the message about a SID of no known form; for S-1-5-21 SIDs it names the form of accounts.
func unknown(s sid.SID) string {
	if s.Authority() == 5 && s.SubAuthorities() > 0 && s.Sub(0) == 21 {
		return fmt.Sprintf("%s is not an account: one has S-1-5-21, three parts for the domain and one for itself", s)
	}
	return fmt.Sprintf("%s is not well known and has no form in which accounts, services or packages are given out", s)
}
