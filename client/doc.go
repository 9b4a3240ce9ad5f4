// Package client connects a program to a daemon that runs its kernel. Threads
// and calls are the same as in process, over a stream (package internal/wire,
// docs/wire.md).
//
//	conn, err := client.Dial(client.Socket())
//	if err != nil { return err }
//	defer conn.Close()
//	th := conn.Thread() // an *nt.Thread like any other
//
// One connection is one process of the daemon. One goroutine uses a thread at a
// time. Any number may use a connection. When the connection is lost, every call
// returns STATUS_PORT_DISCONNECTED, and Err returns the reason. To continue, a
// program must dial again, which gives it a new process.
package client
