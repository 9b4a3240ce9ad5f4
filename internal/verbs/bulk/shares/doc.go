// Package shares reads how a Samba server guards a share: a section of smb.conf and the
// share's own descriptor as sharesec prints it, and applies both to the principals of a
// directory in the order in which the server does.
//
//	c, err := shares.ParseConfig(file, "projects")
//	dir, notes := c.Apply(dir, security)
//
// Who may connect, and whether to write, is decided for the user who logged on; files are
// then asked as the forced user, or as root (F-103 to F-108). What matters of a configuration and is
// not read is in [Config.Notes].
//
// Guards: none. A Config is immutable once read.
package shares
