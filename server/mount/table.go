package mount

// operation is a row of the table of FUSE operations. If asks is "", the mount does not serve the operation, which
// returns ENOSYS.
type operation struct {
	name   string
	method string // method of fuse.RawFileSystem; "" if go-fuse answers ENOSYS itself
	asks   string // the required rights
	rule   string // id of the rule
	free   bool   // everybody may request the operation, or another operation has checked the rights
}

// operations has a row for each operation that the mount serves (M-17). Rows without rights name operations that it
// knows and does not serve.
var operations = []operation{
	{name: "LOOKUP", method: "Lookup", rule: "M-5",
		asks: "FILE_READ_ATTRIBUTES; with the right to traverse the directory alone, only kind and number are returned"},
	{name: "FORGET", method: "Forget", asks: "nothing", free: true},
	{name: "GETATTR", method: "GetAttr", rule: "M-5",
		asks: "FILE_READ_ATTRIBUTES on the file, FILE_LIST_DIRECTORY on its directory, or an open handle"},
	{name: "SETATTR", method: "SetAttr", rule: "M-22, M-41", asks: "FILE_WRITE_DATA for the size, FILE_WRITE_ATTRIBUTES " +
		"for times, WRITE_OWNER for owner and group, WRITE_DAC for a mode that changes the descriptor"},
	{name: "READLINK", method: "Readlink", rule: "M-33", asks: "FILE_READ_DATA on the link"},
	{name: "SYMLINK", method: "Symlink", rule: "M-33", asks: "FILE_ADD_FILE on the directory"},
	{name: "MKNOD", method: "Mknod", rule: "M-21", asks: "FILE_ADD_FILE on the directory; regular files only"},
	{name: "MKDIR", method: "Mkdir", rule: "M-1", asks: "FILE_ADD_SUBDIRECTORY on the directory"},
	{name: "UNLINK", method: "Unlink", rule: "M-20", asks: "DELETE on the file or FILE_DELETE_CHILD on its directory"},
	{name: "RMDIR", method: "Rmdir", rule: "M-20", asks: "as UNLINK; the directory must be empty"},
	{name: "RENAME, RENAME2", method: "Rename", rule: "M-20", asks: "as UNLINK, for the source and for a replaced " +
		"target; FILE_ADD_FILE or FILE_ADD_SUBDIRECTORY on the new directory; RENAME_NOREPLACE works, " +
		"RENAME_EXCHANGE does not"},
	{name: "LINK", method: "Link", rule: "M-1",
		asks: "FILE_WRITE_ATTRIBUTES and FILE_READ_ATTRIBUTES on the file, FILE_ADD_FILE on the directory"},
	{name: "OPEN", method: "Open", rule: "M-13",
		asks: "the data rights that the flags need; to run a program, FILE_EXECUTE and FILE_READ_DATA"},
	{name: "READ", method: "Read", rule: "M-4", asks: "FILE_READ_DATA on the handle"},
	{name: "WRITE", method: "Write", rule: "M-4", asks: "FILE_WRITE_DATA on the handle, or FILE_APPEND_DATA at the end"},
	{name: "STATFS", method: "StatFs", asks: "nothing", free: true},
	{name: "RELEASE", method: "Release", asks: "nothing", free: true},
	{name: "FSYNC", method: "Fsync", asks: "nothing", free: true},
	{name: "SETXATTR", method: "SetXAttr", rule: "M-16, M-35, M-51", asks: "for the descriptor attributes: " +
		"WRITE_DAC, WRITE_OWNER or ACCESS_SYSTEM_SECURITY, depending on the parts that change; for user.*: FILE_WRITE_EA; " +
		"others are not supported"},
	{name: "GETXATTR", method: "GetXAttr", rule: "M-16, M-35, M-50",
		asks: "for the descriptor attributes: READ_CONTROL, and SeSecurityPrivilege for the SACL; " +
			"for user.*: FILE_READ_EA"},
	{name: "LISTXATTR", method: "ListXAttr", rule: "M-36, M-52", free: true,
		asks: "FILE_READ_EA for user.*; without it the list has none of them; user.ntfs_acl on request; no other"},
	{name: "REMOVEXATTR", method: "RemoveXAttr", rule: "M-16, M-35",
		asks: "for user.*: FILE_WRITE_EA; others are refused"},
	{name: "FLUSH", method: "Flush", rule: "M-31", asks: "nothing; the program's byte-range locks end", free: true},
	{name: "OPENDIR", method: "OpenDir", rule: "M-1", asks: "FILE_LIST_DIRECTORY"},
	{name: "READDIR", method: "ReadDir", rule: "M-14",
		asks: "FILE_LIST_DIRECTORY on the handle; if unreadable entries are hidden, generic read on each entry shown"},
	{name: "READDIRPLUS", method: "ReadDirPlus"},
	{name: "RELEASEDIR", method: "ReleaseDir", asks: "nothing", free: true},
	{name: "FSYNCDIR", method: "FsyncDir", asks: "nothing", free: true},
	{name: "ACCESS", method: "Access", rule: "M-1",
		asks: "FILE_READ_DATA, FILE_WRITE_DATA, FILE_EXECUTE, or the right to traverse a directory"},
	{name: "CREATE", method: "Create", rule: "M-13",
		asks: "FILE_ADD_FILE on the directory; for an existing file, as OPEN"},
	{name: "TMPFILE", method: "Tmpfile", rule: "M-37", asks: "FILE_ADD_FILE on the directory"},
	{name: "GETLK", method: "GetLk", rule: "M-25", asks: "nothing beyond the open", free: true},
	{name: "SETLK", method: "SetLk", rule: "M-25", asks: "nothing beyond the open", free: true},
	{name: "SETLKW", method: "SetLkw", rule: "M-25", asks: "nothing beyond the open", free: true},
	{name: "FALLOCATE", method: "Fallocate", rule: "M-4", asks: "FILE_WRITE_DATA on the handle"},
	{name: "LSEEK", method: "Lseek", rule: "M-60", asks: "FILE_READ_DATA on the handle"},
	{name: "COPY_FILE_RANGE", method: "CopyFileRange"},
	{name: "IOCTL", method: "Ioctl"},
	{name: "STATX", method: "Statx"},
	{name: "POLL"},
	{name: "BMAP"},
	{name: "SETUPMAPPING, REMOVEMAPPING"},
	{name: "SYNCFS"},
}
