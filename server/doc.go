// Package server documents the server module. It contains no code. The module has all packages with
// large dependencies, so that a program that imports only the access check does not link them.
//
//   - lsa: accounts, groups, rights and id maps in one file.
//   - lsa/admin: requests of `refmond account` to a running daemon.
//   - lsa/host: users and groups of this host, by userdb or getent.
//   - auth/admission: limits and fair scheduling of password checks.
//   - auth/unix: the peer of a Unix socket and its token.
//   - auth/kerberos: Kerberos tickets for a service of this host, by SPNEGO.
//   - auth/kerberos/pac: the KDC's data about a client: groups, claims, signatures.
//   - auth/confined: a child process without rights that parses tokens, PACs and LDAP messages.
//   - auth/ldap: accounts, groups and descriptors of a directory.
//   - auth/ldap/message: splits LDAP messages into their parts and encodes them again.
//   - auth/domain: logons of domain users by password, or by name for a service.
//   - daemon: serves connections; each is a process of its kernel.
//   - mount: a tree of files as a FUSE file system.
//   - authzen: the AuthZEN Authorization API for any Go server.
//   - gateway: trees over HTTPS, with each client's own token: WebDAV, pages, a console.
//   - gateway/dav: a WebDAV server on a file system interface.
//   - gateway/refmonv1: the messages of its API, generated from refmon.proto.
//   - watch: the files of a tree with their descriptors, and each change of them.
//   - watch/feed: the watcher of a tree inside refmond, for an index without rights on the files.
//   - index: a live index of file access, for search engines.
//   - index/queries: questions about a live index over HTTP on a Unix socket.
//   - index/roster: the people of a directory, by LDAP.
//   - index/postgres: the index in PostgreSQL, with row-level security.
//   - index/cluster: the index on many machines; its package comment has a diagram.
//   - index/cluster/site: participants and their permissions.
//   - index/cluster/stages: the stages, connected by NATS streams.
//   - index/cluster/broker: an embedded NATS server.
//   - index/cluster/deploy: the files of each machine, from one site file.
//   - systemd: units, and those of refmon-index for Go programs.
//   - inspect: messages for inspecting a running daemon.
//   - internal/lograte: limits the log lines that one client can cause.
//   - internal/regular: reads regular files of bounded size.
//   - internal/address: prints addresses of servers for people.
//   - internal/nocores: keeps a daemon from leaving core dumps.
//   - internal/sdnotify: tells the service manager the state of a daemon.
//   - internal/subids: the subordinate ids of this host, which containers use.
//   - cmd/refmond: the daemon's command.
//   - cmd/refmon-gateway: the gateway's command.
//   - cmd/refmon-index: the command that maintains and queries a live index.
//
// The module uses refmon from the parent folder (replace in go.mod) and may import its internal
// packages. Run its tests with:
//
//	go -C server test ./...
package server
