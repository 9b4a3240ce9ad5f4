// Package gateway serves the trees of a refmond over HTTPS, each client as that client:
// WebDAV and pages for browsers, questions about access, and a console.
//
//	g, err := gateway.New(gateway.Config{Dial: dial, Trees: []string{"projects"}, Names: []string{"localhost"}})
//	if err != nil { return err }
//	defer g.Close()
//	err = gateway.Serve(ctx, listener, g.Files()) // a listener of package crypto/tls
//
// A [Gateway] is an ordinary client of refmond without a right on any file. It hands in
// what a client proves itself with, gets a handle of that client's token, impersonates it on
// a thread of its pool for one call or a few, and reverts. What is opened so is decided by
// refmond; the gateway decides nothing but what HTTP asks of a server.
//
// Guards: link.mu, sessions.mu, lockbook.mu and propbook.mu are held for moments, never
// together and never across a call of refmond.
package gateway
