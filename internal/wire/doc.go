// Package wire sends the services of package nt over a stream. It has the frames, the codec of each row's
// parameters, and the server's side of a connection. Package client has the client's side.
//
// The server does not trust its client. It checks a length against its limit before it allocates memory, and a count
// against the remaining bytes. A frame that breaks a rule ends only its own connection. A client trusts its server
// and makes the same checks to detect errors.
//
// One connection is one process. A frame creates a thread, which has a number. Calls of one thread run in order, and
// calls of different threads concurrently. The goroutine that reads the frames also makes their calls. When a call
// is slow, another goroutine continues reading. A call that waits for the disk is set aside with its stack, a routine,
// and the reader goes on. When the connection ends, the process exits. docs/wire.md describes every byte.
package wire
