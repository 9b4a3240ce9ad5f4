package mount

// operation is a row of the table of what the protocol has: what is asked of the
// services before it is done, and the rule. An operation without an answer is not
// served: ENOSYS.
type operation struct {
	name   string
	method string // of fuse.RawFileSystem; "" where go-fuse answers ENOSYS itself
	asks   string
	rule   string
	free   bool // it is for everybody, or follows from another one
}

// operations has a row for each operation. M-17
var operations = []operation{
	{name: "LOOKUP", method: "Lookup", rule: "M-5",
		asks: "FILE_READ_ATTRIBUTES, or the way through the directory for kind and number alone"},
	{name: "FORGET", method: "Forget", asks: "nothing: the kernel forgets", free: true},
	{name: "GETATTR", method: "GetAttr", rule: "M-5",
		asks: "FILE_READ_ATTRIBUTES of the file or FILE_LIST_DIRECTORY of its directory, or an open handle"},
	{name: "SETATTR", method: "SetAttr", rule: "M-22", asks: "FILE_WRITE_DATA for the size, FILE_WRITE_ATTRIBUTES " +
		"for times, WRITE_OWNER for owner and group; permissions do not change"},
	{name: "READLINK", method: "Readlink", rule: "M-33", asks: "FILE_READ_DATA of the link"},
	{name: "SYMLINK", method: "Symlink", rule: "M-33", asks: "FILE_ADD_FILE of the directory"},
	{name: "MKNOD", method: "Mknod", rule: "M-21", asks: "FILE_ADD_FILE of the directory; ordinary files alone"},
	{name: "MKDIR", method: "Mkdir", rule: "M-1", asks: "FILE_ADD_SUBDIRECTORY of the directory"},
	{name: "UNLINK", method: "Unlink", rule: "M-20", asks: "DELETE of the file or FILE_DELETE_CHILD of its directory"},
	{name: "RMDIR", method: "Rmdir", rule: "M-20", asks: "the same, of an empty directory"},
	{name: "RENAME, RENAME2", method: "Rename", rule: "M-20", asks: "DELETE as for UNLINK, of what is replaced too, " +
		"and adding to the new directory; RENAME_NOREPLACE, no exchange"},
	{name: "LINK", method: "Link", rule: "M-1", asks: "FILE_WRITE_ATTRIBUTES of the file, FILE_ADD_FILE of the directory"},
	{name: "OPEN", method: "Open", rule: "M-13", asks: "the data rights of the flags; FILE_EXECUTE to run a program"},
	{name: "READ", method: "Read", rule: "M-4", asks: "FILE_READ_DATA of the handle"},
	{name: "WRITE", method: "Write", rule: "M-4", asks: "FILE_WRITE_DATA of the handle, or FILE_APPEND_DATA at the end"},
	{name: "STATFS", method: "StatFs", asks: "nothing: the space of what the tree is on", free: true},
	{name: "RELEASE", method: "Release", asks: "nothing: the handle is closed", free: true},
	{name: "FSYNC", method: "Fsync", asks: "nothing: a handle that may write is flushed", free: true},
	{name: "SETXATTR", method: "SetXAttr", rule: "M-16, M-35", asks: "of system.ntfs_acl and security.NTACL WRITE_DAC, " +
		"WRITE_OWNER and ACCESS_SYSTEM_SECURITY, by the parts that change; of user.* FILE_WRITE_EA; " +
		"others are not supported"},
	{name: "GETXATTR", method: "GetXAttr", rule: "M-16, M-35",
		asks: "READ_CONTROL for those two, and for the SACL SeSecurityPrivilege; FILE_READ_EA for user.*"},
	{name: "LISTXATTR", method: "ListXAttr", rule: "M-36", free: true,
		asks: "FILE_READ_EA for user.*, of which none is listed without; no other is listed"},
	{name: "REMOVEXATTR", method: "RemoveXAttr", rule: "M-16, M-35", asks: "FILE_WRITE_EA for user.*; others are refused"},
	{name: "FLUSH", method: "Flush", rule: "M-31", asks: "nothing: the program's locks of bytes end", free: true},
	{name: "OPENDIR", method: "OpenDir", rule: "M-1", asks: "FILE_LIST_DIRECTORY"},
	{name: "READDIR", method: "ReadDir", rule: "M-14",
		asks: "FILE_LIST_DIRECTORY of the handle; generic reading of each entry where unreadable ones are hidden"},
	{name: "READDIRPLUS", method: "ReadDirPlus"},
	{name: "RELEASEDIR", method: "ReleaseDir", asks: "nothing: the handle is closed", free: true},
	{name: "FSYNCDIR", method: "FsyncDir", asks: "nothing: nothing is kept back", free: true},
	{name: "ACCESS", method: "Access", rule: "M-1",
		asks: "FILE_READ_DATA, FILE_WRITE_DATA, FILE_EXECUTE, or the way through a directory"},
	{name: "CREATE", method: "Create", rule: "M-13",
		asks: "FILE_ADD_FILE of the directory, or of a file that is there as OPEN"},
	{name: "TMPFILE", method: "Tmpfile", rule: "M-37", asks: "FILE_ADD_FILE of the directory"},
	{name: "GETLK", method: "GetLk", rule: "M-25", asks: "nothing more: the open could read or write", free: true},
	{name: "SETLK", method: "SetLk", rule: "M-25", asks: "nothing more: the open could read or write", free: true},
	{name: "SETLKW", method: "SetLkw", rule: "M-25", asks: "nothing more: the open could read or write", free: true},
	{name: "FALLOCATE", method: "Fallocate", rule: "M-4", asks: "FILE_WRITE_DATA of the handle"},
	{name: "LSEEK", method: "Lseek"},
	{name: "COPY_FILE_RANGE", method: "CopyFileRange"},
	{name: "IOCTL", method: "Ioctl"},
	{name: "STATX", method: "Statx"},
	{name: "POLL"},
	{name: "BMAP"},
	{name: "SETUPMAPPING, REMOVEMAPPING"},
	{name: "SYNCFS"},
}
