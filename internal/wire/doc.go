// Package wire carries the services of package nt over a stream: frames, the
// codec of each row's parameters, and the server's side of a connection. Package
// client has the other side.
//
// The client is not trusted: a length is compared with its bound before memory
// is taken, a count with the bytes that are left, and a frame that breaks a rule
// ends its connection and no other. The server is trusted by its client, which
// checks as much so that a fault ends in an error.
//
// One connection is one process. A thread is a number that a frame made; calls
// of one thread run in their order, calls of different threads side by side: the
// goroutine that reads the frames makes their calls, and once one takes long another
// goroutine reads on.
// When the connection ends the process exits. docs/wire.md has every byte.
package wire
