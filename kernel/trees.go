package kernel

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// AddTree adds a tree of files under a name. NtCreateFile opens `\??\NAME\dir\file`
// in it. The tree stays until the system closes. The caller must close it after that.
// The error wraps STATUS_OBJECT_NAME_INVALID (a name that is empty or has a backslash, or a nil tree) or
// STATUS_OBJECT_NAME_COLLISION (taken).
func (s *System) AddTree(name string, tree nt.FileSystem) error {
	if name == "" || strings.Contains(name, `\`) || tree == nil {
		return fmt.Errorf("tree %q: %w", name, ntstatus.ObjectNameInvalid.Err())
	}
	m := &winnt.FileObject.Mapping
	d := systems(m.Read|m.Execute, m.All, sid.Administrators)
	device := services.NewTreeDevice(tree, devices+`\`+name, d, &s.sys.Security.Objects)
	device.SetBirth(ob.Birth{Permanent: true})
	defer device.Deref(ob.TagCall)
	link := ob.NewSymbolicLink(devices+`\`+name, systems(winnt.SYMBOLIC_LINK_QUERY|winnt.READ_CONTROL,
		winnt.SYMBOLIC_LINK_ALL_ACCESS))
	link.SetBirth(ob.Birth{Permanent: true})
	defer link.Deref(ob.TagCall)
	// The name that programs know comes first: without its device it leads nowhere.
	for _, o := range []struct {
		directory string
		object    ob.Object
	}{{deviceNames, link}, {devices, device}} {
		h := s.sys.Root.Lookup(o.directory[1:], false)
		st := h.Object().(*ob.Directory).Insert(name, o.object, true)
		h.Deref(ob.TagCall)
		if st != ntstatus.Success {
			link.MakeTemporary() // it has no handle, so it loses its name
			return fmt.Errorf("tree %q: %w", name, st.Err())
		}
	}
	// A tree is a device, and programs know it by its name there (F-110).
	s.sys.HasTrees.Store(true)
	return nil
}
