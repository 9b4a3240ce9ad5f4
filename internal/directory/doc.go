// Package directory holds the users and groups of a directory with their memberships, and the token of each user's
// network logon.
//
//	d, err := directory.New(accounts)
//	for _, p := range d.Principals { … p.Token … }
//
// Accounts are values. Each source has its own package that reads them: dirfile for directory files, and the packages
// below collect for the formats of other systems. LDAP produces the same values without a file in between. Only this
// package resolves nested groups, by [Nesting] (groupnesting.go), for LDAP, the account store and files.
//
// A [Directory] is immutable once its creator has added its principals. Any goroutine can use it then.
package directory
