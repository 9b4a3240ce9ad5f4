// Package gateway serves the trees of a refmond server over HTTPS. Each request runs with the rights of its client.
// The package has WebDAV, directory pages for browsers, two APIs for access questions (one of them AuthZEN), a
// forward-auth endpoint for other servers, and a console.
//
//	g, err := gateway.New(gateway.Config{Dial: dial, Trees: []string{"projects"}, Names: []string{"localhost"}})
//	if err != nil { return err }
//	defer g.Close()
//	err = gateway.Serve(ctx, gateway.Listen(listener, gateway.NewCertificate(&cert, false)), g.Files())
//
// A [Gateway] is an ordinary client of refmond and has no right on any file. It sends a client's credentials to
// refmond and gets a handle to the client's token. A thread of its pool impersonates that token for one or a few
// calls and then reverts. refmond makes every access decision. The gateway adds only the checks of an HTTP server.
//
// A request that changes a file claims the names that it changes. It then tests its conditions and the locks, makes
// the change, and releases the claims.
//
// Lock order: no goroutine holds two of link.mu, sessions.mu and propertyTable.mu at the same time, nor any of them
// during a call of refmond.
package gateway
