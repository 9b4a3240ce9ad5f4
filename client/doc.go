// Package client connects a program to a daemon that plays the kernel for it:
// the same threads and calls as in process, over a stream (package
// internal/wire, docs/wire.md).
//
//	conn, err := client.Dial(client.Socket())
//	if err != nil { return err }
//	defer conn.Close()
//	th := conn.Thread() // an *nt.Thread like any other
//
// One connection is one process of the daemon. A thread is used by one goroutine
// at a time; a connection by any number. When the connection is lost every call
// returns STATUS_PORT_DISCONNECTED, and Err tells why: a program dials again and
// has a new process.
package client
