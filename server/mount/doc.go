// Package mount shows a tree of a kernel as a file system of this host, to every
// program: each sees what its account may see, by the descriptors of the tree.
//
//	m, err := mount.Start(mount.Config{System: sys, Name: "share", Tree: tree, Directory: "/mnt/share",
//		Accounts: accounts, Owners: owners})
//	defer m.Close()
//
// A [Mount] answers the requests of FUSE. Each comes with a uid, for which [Accounts]
// has a token; a thread of a process of the mount's own impersonates it, and the
// services of the kernel decide. What is asked of an open handle is decided by what the
// handle grants, not by who asks: read-ahead and write-back come from no user.
//
// Guards: nodes.mu, accounts.mu and Mount.mu are held for moments and never together;
// listing.mu is held while a directory is read.
package mount
