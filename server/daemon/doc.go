// Package daemon runs a kernel for the programs of a host. It listens on a Unix socket. Each connection is a
// process. The host's kernel identifies the program at the other end, which determines the primary token.
//
//	d, err := daemon.Start(daemon.Config{State: "/var/lib/refmon", Socket: "/run/refmon/refmond.sock",
//		Identity: unix.Accounts{}})
//	if err != nil { return err }
//	err = d.Serve() // until Close
//
// The daemon trusts the host's kernel and nothing that a client sends. A client trusts the daemon. A client that
// exceeds a limit gets a status. A panic in a service ends the daemon, because a decision may be incomplete; systemd
// restarts it.
//
// Daemon.mu guards the connections and the counts of each user. The scheduler and the buffers of recorded calls have
// their own locks. No goroutine holds a lock while a service runs. All other state is atomic, or immutable after Start.
package daemon
