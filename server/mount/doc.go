// Package mount mounts a tree of a kernel on this host through FUSE. Every program sees what the tree's descriptors
// grant to its account.
//
//	m, err := mount.Start(mount.Config{System: sys, Name: "share", Tree: tree, Directory: "/mnt/share",
//		Accounts: accounts, Owners: owners})
//	defer m.Close()
//
// A [Mount] serves FUSE requests. Each has a uid, for which [Accounts] returns a token. A thread of the mount's
// process impersonates the token, and the kernel's services decide. Requests on an open handle need only the rights
// that the handle grants, because read-ahead and write-back have no user.
//
// Lock order: listing.mu, Mount.mu, nodes.mu. listing.mu is held while a directory is read. Mount.lend holds Mount.mu
// while it queries the node table. No goroutine holds accounts.mu together with Mount.mu or nodes.mu.
package mount
