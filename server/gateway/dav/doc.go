// Package dav implements a WebDAV server (RFC 4918) on a file system interface: methods,
// conditions, locks and properties. It does not know refmond. The [FileSystem] makes all access
// decisions.
//
//	e := dav.New(time.Now)
//	if refused := e.Serve(w, r, user, files); refused != nil { // files shows what the user may see
//		refused.Answer(w, r)
//	}
//
// A request passes these steps, and each of them may reject it:
//
//  1. Parse path, headers and body.
//  2. Let the file system reject changes that the user may not make or that are impossible.
//  3. Claim the names that the request changes ([Engine] serializes requests with common names).
//  4. Test the If header.
//  5. Test the locks.
//  6. Test the conditions of RFC 9110 in the order of its section 13.2.2.
//  7. Make the change and release the claims.
//
// Comments quote the RFCs at the branches that implement them. GET and HEAD are not served here,
// because they need nothing of WebDAV.
//
// LockTable.mu and claims.mu are held briefly, never together, and never during a call of the file
// system.
package dav
