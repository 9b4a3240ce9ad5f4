package hostfs

// FileID returns the inode of what a place means, 0 where nothing is there: a mount
// needs it of files that it may tell nothing else about.
func (p *place) FileID() uint64 { return p.status.Ino }
