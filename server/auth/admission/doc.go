// Package admission limits password checks and other long work for clients. A [Limit] counts failed logons by name and
// origin and refuses further attempts. A [Pool] bounds concurrent work and serves requesters round-robin, so that a
// flood by one requester delays another by about one piece of work. [Turns] orders the checks of one user.
// [Servers] keeps requests from waiting for a server that hangs.
//
// An origin is the address of a client, or the calling program if it names no address (lsa.Store.Requester).
package admission
