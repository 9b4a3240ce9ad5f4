// Package directory holds the users and groups of a directory with their memberships, and the token of each user's
// network logon.
//
//	d, err := directory.New(accounts)
//	for _, p := range d.Principals { … p.Token … }
//
// [Accounts] is plain data. Other packages fill it: dirfile from directory files, the packages that use collect from
// files of other systems, and server/auth/ldap from an LDAP server. Only this package resolves nested groups, by
// [Nesting] (groupnesting.go).
//
// A [Directory] is immutable once its creator has added its principals. Any goroutine can use it then.
package directory
