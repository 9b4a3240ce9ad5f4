// Package daemon plays the kernel for the programs of a host: it listens on a
// Unix socket, and each connection is a process whose primary token follows from
// what the host's kernel says of the program at the other end.
//
//	d, err := daemon.Start(daemon.Config{State: "/var/lib/refmon", Socket: "/run/refmon/refmond.sock",
//		Identity: unix.Accounts{}})
//	if err != nil { return err }
//	err = d.Serve() // until Close
//
// Who trusts whom: the daemon trusts the host's kernel and nothing that a client
// wrote; a client trusts the daemon. Bounds are answered with a status. A panic
// in a service ends the daemon: half a decision is worse than none, and systemd
// starts it again.
//
// Guards: Daemon.mu guards the connections and the counts of each user; no lock
// is held while a service runs. Everything else is immutable after Start.
package daemon
