package kernel

import (
	"fmt"
	"strconv"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// packageDirectory returns the path of the directory for the named objects of an AppContainer:
// \Sessions\n\AppContainerNamedObjects\S-1-15-2-… (the result of GetAppContainerNamedObjectPath, from the root).
func packageDirectory(session uint32, pkg sid.SID) string {
	return `\Sessions\` + strconv.FormatUint(uint64(session), 10) + `\AppContainerNamedObjects\` + pkg.String()
}

// MakePackageDirectory creates the directory for the package and session of an AppContainer's token, if it does not
// exist, and returns its path. The token's user, the package, the system and administrators have full access. Its
// label is Low, so that the package's processes may write. It exists until the system closes. A token that does not
// belong to an AppContainer is an error.
func (s *System) MakePackageDirectory(t *token.Token) (string, error) {
	if !t.IsAppContainer() {
		return "", fmt.Errorf(
			"package directory: the token of %s is of no AppContainer: make it with NtCreateLowBoxToken", t.User().SID)
	}
	dir := s.sys.Root
	for _, name := range []string{"Sessions", strconv.FormatUint(uint64(t.SessionID()), 10),
		"AppContainerNamedObjects"} {
		next, err := subdirectory(dir, name, rootDescriptor)
		if err != nil {
			return "", err
		}
		defer next.Deref(ob.TagCall)
		dir = next
	}
	last, err := subdirectory(dir, t.Package().String(), func() *sd.Descriptor { return packageDescriptor(t) })
	if err != nil {
		return "", err
	}
	last.Deref(ob.TagCall)
	return packageDirectory(t.SessionID(), t.Package()), nil
}

// subdirectory returns the object directory with this name in dir, with a reference for the caller. A missing
// directory is created as a permanent one, with the descriptor that protect returns. Concurrent calls return the
// same directory. An object of another type with this name is an error.
func subdirectory(dir *ob.Directory, name string, protect func() *sd.Descriptor) (*ob.Directory, error) {
	for {
		if h := dir.Lookup(name, false); h != nil {
			if d, ok := h.Object().(*ob.Directory); ok {
				return d, nil
			}
			h.Deref(ob.TagCall)
			return nil, fmt.Errorf("package directory: %s: %w", h.Path(), ntstatus.ObjectTypeMismatch.Err())
		}
		d := ob.NewDirectory(protect(), 0)
		d.SetBirth(ob.Birth{Permanent: true})
		switch st := dir.Insert(name, d, false); st {
		case ntstatus.Success:
			return d, nil
		case ntstatus.ObjectNameCollision: // another thread has created it
			d.Deref(ob.TagCall)
		default:
			d.Deref(ob.TagCall)
			return nil, fmt.Errorf("package directory: %s: %w", name, st.Err())
		}
	}
}

// packageDescriptor returns the descriptor of the directory for an AppContainer's named objects, which its children
// inherit. Both checks of an AppContainer's request find an ACE in it: the user's and the package's.
func packageDescriptor(t *token.Token) *sd.Descriptor {
	var aces []sd.ACE
	for _, who := range []sid.SID{t.User().SID, t.Package(), sid.LocalSystem, sid.Administrators} {
		a, err := sd.NewACE(sd.AccessAllowed, sd.ObjectInherit|sd.ContainerInherit, winnt.GENERIC_ALL, who)
		if err != nil {
			panic("kernel: package entry: " + err.Error())
		}
		aces = append(aces, allow(winnt.DIRECTORY_ALL_ACCESS, who), a.WithFlags(a.Flags()|sd.InheritOnly))
	}
	label, err := sd.NewACE(sd.SystemMandatoryLabel, 0, winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, sid.LowLevel)
	if err != nil {
		panic("kernel: package label: " + err.Error())
	}
	list, err1 := sd.NewACL(aces...)
	labels, err2 := sd.NewACL(label)
	if err1 != nil || err2 != nil {
		panic("kernel: package descriptor")
	}
	return sd.New(
		sd.Parts{
			Control: sd.DACLPresent | sd.SACLPresent,
			Owner:   t.User().SID,
			Group:   sid.LocalSystem,
			DACL:    list,
			SACL:    labels,
		},
	)
}
