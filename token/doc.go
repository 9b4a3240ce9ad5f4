// Package token holds access tokens as immutable values. A token is the identity of a
// caller for the access check, impersonation and audit.
//
// A [Token] is one security context: user, groups, restricting SIDs, privileges,
// integrity, defaults for new objects, claims, AppContainer. [New] makes one from a
// [Spec], and [Parse] from a token file. A Token never changes. Each operation of the
// token services returns a new value that shares the unchanged data:
//
//	tok, err := token.New(token.StandardUser(user))
//	if err != nil { return err }
//	tok, _, status := tok.AdjustPrivileges(luid, false, []token.PrivilegeChange{
//		{LUID: winnt.SeShutdownPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}})
//
// A kernel's token object wraps such a value and adds a TokenId, a reference to a
// logon session and a descriptor. A value cannot allocate LUIDs, so operations that
// need a new ModifiedId take it as an argument.
//
// For matching, [Token.SIDs] indexes the user and groups. Two bitmaps over the same
// indexes mark those that match allow entries and those that match deny entries
//
//
// Layout: a Token is a header of at most 96 bytes and a body that all values derived
// from one New share. Separate bitmaps mark the groups that are enabled and those
// that still exist.
//
// Guards: everything is immutable after New, and any goroutine may use any value. No
// method returns a slice of the token, except the bitmaps. Do not write to them.
package token
