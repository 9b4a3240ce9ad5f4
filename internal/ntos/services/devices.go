package services

import (
	"strings"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Paths of the devices, which are opened as files.
const (
	PipeDevice = `\Device\NamedPipe` // the prefix of pipe names
	NullDevice = `\Device\Null`      // discards writes; reads return end of file
)

// FileType is the object type File.
var FileType = &ob.Type{ObjectType: winnt.FileObject, OnDestroy: func(o ob.Object) {
	if f, ok := o.(*File); ok && f.open != nil {
		if k, ok := f.open.(nt.NameKeeper); ok && f.revoked.Load() && !f.created {
			// A revoked open deletes no file of others (W-99).
			k.KeepName()
		}
		// An open of a tree ends with the last reference on its file object (F-117).
		f.open.Close()
		f.admitted.close()
		f.rename(quota.Receipt{})
	}
}}

// File is the file object behind a handle: a named file without contents, an open of a device, or an open file of a
// tree.
type File struct {
	ob.Header
	device *Device     // immutable; nil for a file
	open   nt.OpenFile // immutable; nil outside of trees
	treeFile
}

// DeviceType is the object type Device. Each open of a device makes a file
// (T-140).
var DeviceType = &ob.Type{ObjectType: winnt.DeviceObject, OpensAs: FileType, Parses: true,
	Opens: func(o ob.Object, rest string) (ob.Object, ntstatus.Status) { return o.(*Device).open(rest) }}

// Device is a device object: the pipe device, the null device, or the root of a tree.
type Device struct {
	ob.Header
	security *ob.SharedSecurity // immutable; shared by the device and its open files
	census   *ob.Census         // immutable; counts the files
	tree     nt.FileSystem      // immutable; files below the device; nil for none
	above    string             // immutable; of a tree: its path, which never changes
	shares   openShares         // of a tree
	clients  openClients        // of a tree
}

// NewDevice returns an unnamed device with descriptor d and one reference (TagCall). Files of the device are counted
// in census.
func NewDevice(d *sd.Descriptor, census *ob.Census) *Device {
	v := &Device{security: ob.NewSharedSecurity(d), census: census}
	v.Init(DeviceType, v, nil)
	v.ShareSecurity(v.security)
	return v
}

// NewTreeDevice makes the device of a tree of files, with one reference (TagCall). path is the full name that the
// caller gives the device; it must not change later.
func NewTreeDevice(tree nt.FileSystem, path string, d *sd.Descriptor, census *ob.Census) *Device {
	v := NewDevice(d, census)
	v.tree, v.above = tree, path
	return v
}

// open creates the file object for one open of the device. rest is the part of the path after the device. It fails
// with OBJECT_NAME_NOT_FOUND for the device of a tree, and for a rest other than a backslash (T-139).
func (v *Device) open(rest string) (ob.Object, ntstatus.Status) {
	if v.tree != nil || rest != "" && rest != `\` {
		// A path walk finds no object below a device: pipes have their own name space (T-139).
		return nil, ntstatus.ObjectNameNotFound
	}
	f := &File{device: v}
	f.Init(FileType, f, nil)
	f.ShareSecurity(v.security)
	f.SetPath(v.Path() + rest)
	v.census.Track(f)
	return f, ntstatus.Success
}

// isPipes reports whether the file is the device of pipes.
func (f *File) isPipes() bool { return f.device != nil && f.device.Path() == PipeDevice }

// controlFile executes a pipe control code on a file object. The pipe device implements only FSCTL_PIPE_WAIT; other
// pipe codes and other files fail (T-141, O-31). Peeking is STATUS_INVALID_PARAMETER, disconnecting
// STATUS_PIPE_DISCONNECTED, listening and impersonating STATUS_ILLEGAL_FUNCTION, and any other code
// STATUS_NOT_SUPPORTED. Another file is STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) controlFile(f *File, in *nt.FsControlFileIn) ntstatus.Status {
	if !f.isPipes() {
		return c.Fail("O-31", ntstatus.ObjectTypeMismatch)
	}
	switch in.FsControlCode {
	case winnt.FSCTL_PIPE_WAIT:
		return c.waitForPipe(f, in)
	case winnt.FSCTL_PIPE_PEEK:
		return c.Fail("T-141", ntstatus.InvalidParameter)
	case winnt.FSCTL_PIPE_DISCONNECT:
		return c.Fail("T-141", ntstatus.PipeDisconnected)
	case winnt.FSCTL_PIPE_LISTEN, winnt.FSCTL_PIPE_IMPERSONATE:
		// The device has no client and does not wait for one.
		return c.Fail("T-141", ntstatus.IllegalFunction)
	}
	return c.Fail("I-85", ntstatus.NotSupported)
}

// deviceName splits the trailing backslash off a name of the pipe device. It returns other names unchanged (T-139).
func deviceName(path string) (name, below string) {
	for _, prefix := range pipePrefixes {
		if strings.EqualFold(path, prefix) {
			return PipeDevice, `\`
		}
	}
	return path, ""
}
