// Package beneath reads what lies below a directory, and nothing else: a symbolic
// link that takes the place of a directory in the middle of a path is refused and
// not followed, and so is another mount. A server whose users can change its tree
// is read by paths that they can change; a walk by paths would tell of files
// elsewhere under the names of theirs.
//
// A [Root] is the directory; [Dirs] are the directories below it that one
// goroutine holds open, so that each is opened once for all its files.
//
//	root, err := beneath.Open("/srv/share") // follows links: the caller named it
//	dirs := root.Dirs()
//	defer dirs.Close()
//	value, err := dirs.Attribute(nil, "projects/plan.docx", "security.NTACL")
//
// Linux from 5.6 has openat2 (RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS,
// RESOLVE_NO_XDEV). Where it is missing or forbidden, directories are opened one
// component at a time with O_NOFOLLOW, and a change of device is a mount; a bind
// mount of the same device is then not noticed. Other systems have nothing of the
// kind here: Open fails with [errors.ErrUnsupported].
//
// A file that is itself a mount is read as it stands: only directories are opened.
//
// Guards: a Root may be used by many goroutines, Dirs belong to one.
package beneath

import "errors"

// Errors of a path that is not what it was.
var (
	// ErrLink says that a symbolic link stands where a directory is asked for.
	ErrLink = errors.New("a symbolic link has taken the place of a directory: it was not followed")
	// ErrMount says that a directory is the root of another mount.
	ErrMount = errors.New("another file system is mounted here: name it as a path of its own to have it visited")
)
