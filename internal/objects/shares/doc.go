// Package shares reads the access settings of a Samba share: its section of smb.conf and its own descriptor as
// sharesec prints it. It applies both to the principals of a directory in the order of the server.
//
//	c, err := shares.ParseConfig(file, "projects")
//	dir, err := c.Guard(dir, security).Apply()
//
// The server decides about the connection and the read-only mode by the user who logged on. It then checks files as
// the forced user, or skips the check for root (F-103 to F-108). Settings that matter and that the package does not
// support are in [Config.Notes]. A Config is immutable once parsed.
package shares
