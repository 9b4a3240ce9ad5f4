package main

import (
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/windows"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// ownDescriptors reads the descriptor of a file, that of its folder, and the number of its names. The root of a volume
// has no folder. The second argument is ignored. The error names the file.
func ownDescriptors(path, _ string) (h privateObject, err error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return h, err
	}
	if h.object, err = namedDescriptor(whole); err != nil {
		return h, err
	}
	if folder := filepath.Dir(whole); folder != whole {
		d, err := namedDescriptor(folder)
		if err != nil {
			return h, err
		}
		h.parents = []*sd.Descriptor{d}
	}
	if h.directory, h.links, err = names(whole); err != nil {
		return h, &fs.PathError{Op: "open", Path: whole, Err: err}
	}
	return h, nil
}

// namedDescriptor asks the system for the owner, the group and the DACL of a file. An error of the system gets the
// path. An error of parsing the system's answer has none.
func namedDescriptor(path string) (*sd.Descriptor, error) {
	d, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.GROUP_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, &fs.PathError{Op: "read the descriptor of", Path: path, Err: err}
	}
	return sddl.Parse(d.String(), sddl.Options{Extended: true})
}

// names reports whether a file is a directory, and the number of its hard links; 0 of a directory. A link itself is
// opened, not its target.
func names(path string) (directory bool, links uint32, err error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return false, 0, err
	}
	h, err := windows.CreateFile(name, windows.FILE_READ_ATTRIBUTES, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|
		windows.FILE_SHARE_DELETE, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return false, 0, err
	}
	defer func() { _ = windows.CloseHandle(h) }() // only read
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return false, 0, err
	}
	if info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
		return true, 0, nil
	}
	return false, info.NumberOfLinks, nil
}
