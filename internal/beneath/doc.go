// Package beneath reads files below a directory and never outside it. A symbolic link in the middle of a path is an
// error, and so is another mount. A server needs this if its users can change the tree: a walk by paths could then
// return files from elsewhere under their names.
//
// A [Root] is the directory. [Dirs] holds the directories below it that one goroutine has open, so that each is
// opened once for all its files.
//
//	root, err := beneath.Open("/srv/share") // follows links: the caller named it
//	dirs := root.Dirs()
//	defer dirs.Close()
//	value, err := dirs.Attribute(nil, "projects/plan.docx", "security.NTACL")
//
// Linux from 5.6 has openat2 (RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV). If it is missing or forbidden,
// directories are opened one component at a time with O_NOFOLLOW, and a change of device counts as a mount. A bind
// mount of the same device is then not detected. On other systems Open fails with [errors.ErrUnsupported]. Stat and
// Attribute check only directories: they read a file that is itself a mount point. Hold and OpenPath refuse such a
// file.
//
// Many goroutines may use a Root. A Dirs belongs to one.
package beneath

import "errors"

// Errors for a path whose directories were replaced.
var (
	// ErrLink means that a symbolic link is in the middle of a path.
	ErrLink = errors.New("a symbolic link has taken the place of a directory: it was not followed")
	// ErrMount means that a path leads to another mount.
	ErrMount = errors.New("another file system is mounted here: name it as a path of its own to have it visited")
)
