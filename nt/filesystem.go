package nt

import (
	"os"
	"strconv"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// FileSystem is a tree of files in which a kernel opens names. The kernel decides by
// the rules of package fileaccess. A file system looks up names, reports the facts,
// and carries out the decisions. Any goroutine may use it.
type FileSystem interface {
	// Find looks up the name of a request below an open directory, or below the root if
	// start is nil. A missing name is a fact and not an error.
	Find(r *fileaccess.Request, start OpenFile) (FilePlace, ntstatus.Status)
}

// DirectFinder may be implemented by a FileSystem that can find an existing file without
// reading its directory, if the directory matters only when the file's own descriptor
// refuses. If the file's descriptor grants the open, the kernel opens the file directly.
// If the place has no file and its directory exists, the name is not found. Otherwise
// the kernel calls Find.
type DirectFinder interface {
	FindDirect(r *fileaccess.Request, start OpenFile) (p FilePlace, ok bool)
}

// BoundedOpens may be implemented by a FileSystem with a limited number of open files. The
// kernel then divides them between users.
type BoundedOpens interface {
	MaxOpens() int // immutable
}

// FilePlace is the result of the lookup of one name. It belongs to one goroutine,
// which must release it once and must not use it afterwards.
type FilePlace interface {
	// Facts returns the facts for the decision.
	Facts() *fileaccess.Facts
	// Path returns the name below the root in the spelling of the tree, with
	// backslashes.
	Path() string
	// Open opens or creates the file as decided. If again is true, the place has
	// changed since the lookup. Open has then done nothing, and the caller must
	// look up the name again.
	Open(r *fileaccess.Request, d *fileaccess.Decision) (f OpenFile, again bool, st ntstatus.Status)
	Release()
}

// FileIdentity distinguishes a file or directory of a tree from every other one, also from later ones with its number.
type FileIdentity struct {
	Number uint64 // of the inode
	ID     string // empty: the file system offers nothing to tell later ones apart
}

// InDirectory checks that the name of place is in the directory within (M-11). If another directory has that path by
// now, it returns STATUS_NOT_SAME_OBJECT. It returns success if within is nil or the directory is missing. It calls the
// optional method Directory of place, which returns the directory's identity, and false if there is no directory.
// Without that method the result is STATUS_NOT_SUPPORTED.
func InDirectory(place FilePlace, within *FileIdentity) ntstatus.Status {
	if within == nil {
		return ntstatus.Success
	}
	known, ok := place.(interface {
		Directory() (d FileIdentity, ok bool)
	})
	if !ok {
		return ntstatus.NotSupported
	}
	if d, exists := known.Directory(); exists && d != *within {
		return ntstatus.NotSameObject
	}
	return ntstatus.Success
}

// LinkPlace may be implemented by a FilePlace that can create symbolic links.
type LinkPlace interface {
	FilePlace
	// MakesLink makes Open create a symbolic link with this target, if the name does not
	// exist. The target need not exist. Errors: STATUS_NOT_SUPPORTED if the file system has
	// no links, STATUS_INVALID_PARAMETER for an empty target or one with a zero byte.
	MakesLink(target string) ntstatus.Status
}

// NamelessPlace may be implemented by a FilePlace that can create files without a
// name.
type NamelessPlace interface {
	FilePlace
	// MakesNameless makes Open create a file without a name in the directory of the place,
	// whose own name must not exist. The file is deleted with its last open unless it is
	// linked (FileMove.Link). The status is STATUS_NOT_SUPPORTED if the file system has no
	// such files.
	MakesNameless() ntstatus.Status
}

// OpenFile is one open of a file or directory of a tree. The kernel checks the
// rights of the handle before each call. Any goroutine may use it.
type OpenFile interface {
	Facts() (FileFacts, ntstatus.Status)
	// Volume returns the size of the file's volume.
	Volume() (FsFullSizeInformation, ntstatus.Status)
	// ReadAt reads. 0 bytes with success mean the end of the file.
	ReadAt(b []byte, at int64) (int, ntstatus.Status)
	// WriteAt writes, and returns the number of bytes and the offset behind the last one. The offset -1 is the end of
	// the file.
	WriteAt(b []byte, at int64) (n int, end int64, st ntstatus.Status)
	Flush() ntstatus.Status
	// List returns the next entries of a directory whose names match a pattern, and
	// none at the end. It continues after the last call, or restarts. It omits
	// entries for whose descriptor see returns false. A nil see accepts all entries.
	List(pattern string, restart bool, most int, see func(*sd.Descriptor) bool) ([]FileEntry, ntstatus.Status)
	SetBasic(FileBasic) ntstatus.Status
	SetSize(size int64) ntstatus.Status
	// SetDelete sets whether the name is removed with the last open.
	SetDelete(bool) ntstatus.Status
	// Move renames or links the file. It calls Decide with the facts of source and
	// target, without a lock held.
	Move(m *FileMove) ntstatus.Status
	// Descriptor returns the current descriptor. SwapDescriptor replaces it if it is
	// still old, and returns true only then.
	Descriptor() (*sd.Descriptor, ntstatus.Status)
	SwapDescriptor(old, next *sd.Descriptor) (swapped bool, st ntstatus.Status)
	// Close ends the open. It is called once, after the last use.
	Close()
}

// NameLister may be implemented by an OpenFile that can list the names of a directory faster than List, because it
// does not query each file.
type NameLister interface {
	OpenFile
	// ListNames returns the next entries that List would return for the pattern "*", in any order, and . and .. It
	// starts at the first entry if after is 0, otherwise after the entry with that Position. A position stays valid
	// while the directory changes, and for other opens of it. The status at the end is STATUS_NO_MORE_FILES.
	ListNames(after uint64) ([]DirectoryName, ntstatus.Status)
}

// DirectoryName is an entry of a directory. An entry that is neither Directory nor Link is a file.
type DirectoryName struct {
	Name      string
	Position  uint64 // of NameLister.ListNames, which never returns 0
	FileID    uint64 // 0: unknown
	Directory bool
	Link      bool // a symbolic link
}

// HostFile may be implemented by an OpenFile that is a file of the host.
type HostFile interface {
	OpenFile
	// HandOut returns a file descriptor of the host for a program with that uid, and the rights that its use
	// requires. It does so only if no program can do more with the descriptor than was granted. Otherwise the status
	// is STATUS_NOT_SUPPORTED if the file system never passes descriptors, and STATUS_ACCESS_DENIED if the descriptor
	// would allow more.
	HandOut(granted winnt.AccessMask, uid uint32) (f *os.File, used winnt.AccessMask, st ntstatus.Status)
}

// PathReporter may be implemented by an OpenFile whose name can change while it is open.
type PathReporter interface {
	OpenFile
	// CurrentPath returns the name that the file has now, in the form of FilePlace.Path. Of several names it is the one
	// by which the file was opened, also after a rename. ok is false if the name is unknown.
	CurrentPath() (path string, ok bool)
}

// NameKeeper may be implemented by an OpenFile that deletes the file when it is closed (FILE_DELETE_ON_CLOSE).
type NameKeeper interface {
	OpenFile
	// KeepName withdraws that option: Close does not delete the file for it. A mark by SetDelete stays.
	KeepName()
}

// Refillable may be implemented by an OpenFile whose contents can be replaced at once.
type Refillable interface {
	OpenFile
	// Refill replaces the contents of the file with those of another one, and changes
	// nothing else. If there is no space for them, nothing changes.
	Refill(from OpenFile) ntstatus.Status
}

// UploadPrefix starts the names of unfinished uploads of a server, which keeps them open. A tree of the host leaves
// them out of listings, and removes those that a crash left behind.
const UploadPrefix = ".~refmon-"

// AsideName returns the name that an object gets when another one replaces it (F-215). number is its FileID.
func AsideName(number uint64) string { return UploadPrefix + "old-" + strconv.FormatUint(number, 16) }

// StagedFile may be implemented by an OpenFile whose writes can be collected and then replace the contents at once.
type StagedFile interface {
	OpenFile
	// Stage lets all later writes of this open go to an empty temporary file, which disappears with the open. Other
	// opens and reads do not see them. A second call returns STATUS_INVALID_PARAMETER.
	Stage() ntstatus.Status
	// ReplaceByStaged replaces the contents of the file with the collected writes, as Refill does. It returns
	// STATUS_INVALID_PARAMETER if Stage was not called.
	ReplaceByStaged() ntstatus.Status
}

// FileFacts holds the facts of a file system about a file. Times are in units of 100 ns
// since 1601, sizes in bytes.
type FileFacts struct {
	FileBasic
	AllocationSize int64
	EndOfFile      int64
	Links          uint32
	DeletePending  bool
	Directory      bool
	NotEmpty       bool // a directory with entries
	FileID         uint64
}

// FileMove is a rename or a hard link of an open file.
type FileMove struct {
	Name    string        // where it goes: below Root, or below the root of the tree
	Root    OpenFile      // nil: the root
	Within  *FileIdentity // the directory that it must go to, else STATUS_NOT_SAME_OBJECT; nil: any
	Replace bool
	Link    bool // a hard link; the old name stays
	// Aside is an open of the object that has the new name. It is renamed to AsideName, in its directory, by the
	// same step, and DecideAside decides that. With nil, Replace decides about such an object.
	Aside       OpenFile
	AsideName   string
	DecideAside func(*fileaccess.Move) fileaccess.MoveDecision
	// Decide decides the move for the facts of source and target. It fills in the
	// fields that only the caller knows.
	Decide func(*fileaccess.Move) fileaccess.MoveDecision
}
