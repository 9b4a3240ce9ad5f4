// Package server is the map of the server module; it holds no code. What
// needs heavy libraries lives in this module, so that a program that imports
// only the decision links none of them.
//
//   - lsa: accounts, groups, rights and id maps in one file; who a client is.
//   - lsa/admin: the requests about accounts that a running daemon answers.
//   - lsa/host: the users and groups of this host, by userdb or getent.
//   - auth, auth/password: ways to prove who a client is.
//   - auth/unix: who the peer of a Unix socket is, and its token with or without an account.
//   - auth/kerberos: a ticket for a service of this host, by SPNEGO.
//   - auth/kerberos/pac: what the KDC says of a client: groups, claims, signatures.
//   - auth/ldap: accounts, groups and descriptors of a directory.
//   - auth/domain: users of a domain by password, and by name for a service.
//   - daemon: listens, and makes each connection a process of its kernel.
//   - mount: a tree of files as a file system of this host, by FUSE.
//   - gateway: trees over HTTPS, each client as that client: WebDAV, pages, a console.
//   - gateway/refmonv1: the messages of its API, made from refmon.proto.
//   - index: who may read what as it changes, for search engines.
//   - index/feed: the watcher of a tree inside refmond, for an index without a right on its files.
//   - index/roster: who the people of a directory are, by LDAP.
//   - index/postgres: the same in a PostgreSQL database, whose policy shows each user his documents.
//   - index/site: who takes part in an index of many machines, and what each may do.
//   - index/stages: its stages, with streams of messages between them.
//   - index/broker: a message server for it.
//   - cmd/refmond: the daemon's command.
//   - cmd/refmon-gateway: the gateway's command.
//   - cmd/refmon-index: the command that keeps a live index, and asks it.
//
// The module takes refmon itself from the folder above (replace in go.mod) and
// may import its internal packages. Its tests run with the root's:
//
//	go test ./...                 in the root, or
//	go -C server test ./...
package server
