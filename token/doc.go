// Package token holds access tokens as immutable values: who a caller is, for
// the access check, for impersonation and for audit.
//
// A [Token] is one security context: user, groups, restricting SIDs,
// privileges, integrity, defaults for new objects, claims, AppContainer. It is
// made by [New] from a [Spec], or by [Parse] from a token file, and never
// changes; each operation of the token services gives a new value that shares
// what did not change:
//
//	tok, err := token.New(token.StandardUser(user))
//	if err != nil { return err }
//	tok, _, status := tok.AdjustPrivileges(luid, false, []token.PrivilegeChange{
//		{LUID: winnt.SeShutdownPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}})
//
// The token object of a kernel, with its TokenId, its reference to a logon
// session and its own descriptor, is a box around such a value. A value cannot
// allot LUIDs: operations that need a new ModifiedId take it as an argument.
//
// For matching, [Token.SIDs] indexes user and groups, and two bitmaps over the
// same indexes tell which of them count for allow entries and which for
// deny entries.
//
// Layout: a Token is a header of at most 96 bytes over a body that all values
// derived from one New share; which groups are enabled and which are still
// there are bitmaps beside it.
//
// Guards: everything is immutable after New; any goroutine may use any value.
// No slice of a token is handed out, except the bitmaps, which must not be
// written to.
package token
