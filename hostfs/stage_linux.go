package hostfs

import "github.com/refmon/refmon/ntstatus"

// Stage makes later writes of this open go to a temporary file, which ReplaceByStaged makes the contents at once. It
// implements nt.StagedFile. The temporary file has no name, so it also disappears if the server is killed. It is in
// the root of the tree, because the client may be allowed to write the file but to add none to its directory (F-214).
// A directory, a link, and a second call give STATUS_INVALID_PARAMETER. A file system without files that have no name
// gives STATUS_NOT_SUPPORTED.
func (f *file) Stage() ntstatus.Status {
	if f.directory || f.symlink {
		return ntstatus.InvalidParameter
	}
	if err := f.t.fault("create", ""); err != nil {
		return statusOf(err)
	}
	fd, err := openNameless(f.t.root, 0o600)
	if err != nil {
		return statusOf(err)
	}
	if !f.staged.CompareAndSwap(nil, &file{t: f.t, fd: fd, link: &link{}, node: &node{}}) {
		shut(fd)
		return ntstatus.InvalidParameter // the open has a temporary file already
	}
	return ntstatus.Success
}

// ReplaceByStaged replaces the contents of the file with the writes collected since Stage, as Refill does. It returns
// STATUS_INVALID_PARAMETER if Stage was not called. Later writes still go to the temporary file.
func (f *file) ReplaceByStaged() ntstatus.Status {
	s := f.staged.Load()
	if s == nil {
		return ntstatus.InvalidParameter
	}
	return f.Refill(s)
}

// unstage discards the collected writes of an open that is being closed.
func (f *file) unstage() {
	if s := f.staged.Load(); s != nil {
		shut(s.fd)
	}
}
