package nt

import (
	"os"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// FileSystem is a tree of files in which a kernel opens names. The kernel decides, by
// the rules of package fileaccess; a file system finds what a name means, says what it
// found, and does what was decided. Any goroutine may use it.
type FileSystem interface {
	// Find looks up the name of a request, below a directory that is open, or below the
	// root where start is nil. That a name is missing is a fact and no error.
	Find(r *fileaccess.Request, start OpenFile) (FilePlace, ntstatus.Status)
}

// DirectFinder may be implemented by a FileSystem that finds what is there without a look at
// its directory, where that has no say unless the file's own descriptor refuses: the
// kernel opens what is found so where it is granted, and has it found by Find otherwise.
type DirectFinder interface {
	FindDirect(r *fileaccess.Request, start OpenFile) (p FilePlace, ok bool)
}

// FilePlace is where the look-up of one name ended. It belongs to one goroutine, which
// releases it once and does not use it afterwards.
type FilePlace interface {
	// Facts says what was found there; the decision is about it.
	Facts() *fileaccess.Facts
	// Path is the name below the root as the tree spells it, with backslashes.
	Path() string
	// Open opens or makes what was decided. again says that the place has changed
	// since it was found: nothing was done, and the name is to be looked up anew.
	Open(r *fileaccess.Request, d *fileaccess.Decision) (f OpenFile, again bool, st ntstatus.Status)
	Release()
}

// LinkPlace may be implemented by a FilePlace that makes symbolic links.
type LinkPlace interface {
	FilePlace
	// MakesLink says what a link says that Open is to make where nothing is. The status is
	// STATUS_NOT_SUPPORTED where the file system keeps none.
	MakesLink(target string) ntstatus.Status
}

// NamelessPlace may be implemented by a FilePlace that makes files without a name.
type NamelessPlace interface {
	FilePlace
	// MakesNameless has Open make a file in the directory of the place that has no name, where
	// nothing has the place's. It ends with its last open, or is linked (FileMove.Link). The
	// status is STATUS_NOT_SUPPORTED where the file system has no such files.
	MakesNameless() ntstatus.Status
}

// OpenFile is one open of a file or directory of a tree. The kernel tests the rights
// of the handle before it calls. Any goroutine may use it.
type OpenFile interface {
	Facts() (FileFacts, ntstatus.Status)
	// Volume tells the size of what the file is on.
	Volume() (FsFullSizeInformation, ntstatus.Status)
	// ReadAt reads; no bytes and success are the end of the file.
	ReadAt(b []byte, at int64) (int, ntstatus.Status)
	// WriteAt writes; with the offset -1 at the end of the file.
	WriteAt(b []byte, at int64) (int, ntstatus.Status)
	Flush() ntstatus.Status
	// List returns the next entries of a directory whose names fit a pattern, none at
	// the end. It goes on where the last call stopped, or begins anew. Entries whose
	// descriptor see does not agree to are left out; nil agrees to all.
	List(pattern string, restart bool, most int, see func(*sd.Descriptor) bool) ([]FileEntry, ntstatus.Status)
	SetBasic(FileBasic) ntstatus.Status
	SetSize(size int64) ntstatus.Status
	// SetDelete says whether the name goes away with the last open.
	SetDelete(bool) ntstatus.Status
	// Move renames or links the file. decide is called with what was found where it
	// is to go, and no lock held.
	Move(m *FileMove) ntstatus.Status
	// Descriptor is the one of the moment; SwapDescriptor replaces it if it is still old.
	Descriptor() (*sd.Descriptor, ntstatus.Status)
	SwapDescriptor(old, next *sd.Descriptor) (swapped bool, st ntstatus.Status)
	// Close ends the open. It is called once, by the last who uses it.
	Close()
}

// HostFile may be implemented by an OpenFile that is a file of the host.
type HostFile interface {
	OpenFile
	// HandOut returns a descriptor of the host for a program of that uid, if no program can
	// make more of it than was granted, and the rights that its use needs. The status says
	// why not: STATUS_NOT_SUPPORTED where the file system hands nothing out,
	// STATUS_ACCESS_DENIED where the descriptor would give more.
	HandOut(granted winnt.AccessMask, uid uint32) (f *os.File, used winnt.AccessMask, st ntstatus.Status)
}

// Refillable may be implemented by an OpenFile whose contents can be replaced at once.
type Refillable interface {
	OpenFile
	// Refill replaces what is in the file by what is in another one, and nothing else of it.
	// Where there is no room for it nothing has changed.
	Refill(from OpenFile) ntstatus.Status
}

// FileFacts holds what a file system tells of a file. Times are in units of 100 ns since
// 1601, sizes in bytes.
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
	Name    string   // where it goes: below Root, or below the root of the tree
	Root    OpenFile // nil: the root
	Replace bool
	Link    bool // a hard link; the old name stays
	// Decide answers for what was found of source and target: the fields that the
	// caller knows are its own to fill in.
	Decide func(*fileaccess.Move) fileaccess.MoveDecision
}
