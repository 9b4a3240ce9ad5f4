package main

import (
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// aclInheritCmd holds the arguments and flags of refmon acl inherit.
type aclInheritCmd struct {
	Path         string `arg:"" help:"A file or directory."`
	offlineFlags `embed:""`
}

// Help returns the long text of --help for refmon acl inherit.
func (aclInheritCmd) Help() string {
	return `Lets the DACL inherit again. Its own entries stay, the inherited ones become those that the directory above
passes on now, and the DACL is no longer protected. The descriptors of descendants do not change. The user who runs
this needs READ_CONTROL on the file and its directory, and WRITE_DAC on the file.

  refmon acl inherit /srv/projects/plan
  refmon acl inherit --offline /srv/share/plan`
}

// Run lets a DACL inherit again and keeps its own entries. A file without a DACL is an error. It replaces the inherited
// entries by those that the directory passes on now.
func (c *aclInheritCmd) Run(std *streams) error {
	return c.change(std, c.Path, func(k *kept) ([]sd.ACE, error) {
		if k.now == nil || k.now.DACL() == nil {
			return nil, fmt.Errorf("%s has no DACL that could inherit: see refmon acl reset", inLine(c.Path))
		}
		var own []sd.ACE
		for _, a := range k.now.DACL().All() {
			if a.Flags()&sd.Inherited == 0 {
				own = append(own, a)
			}
		}
		return own, nil
	})
}

// aclResetCmd holds the arguments and flags of refmon acl reset.
type aclResetCmd struct {
	Path         string `arg:"" help:"A file or directory."`
	offlineFlags `embed:""`
}

// Help returns the long text of --help for refmon acl reset.
func (aclResetCmd) Help() string {
	return `Replaces the DACL by the entries that the directory above passes on. The file's own entries are removed. Owner,
group and SACL stay, and the descriptors of descendants do not change. The user who runs this needs READ_CONTROL on the
file and its directory, and WRITE_DAC on the file.

  refmon acl reset /srv/projects/plan
  refmon acl reset --offline /srv/share/plan`
}

// Run replaces a DACL by the entries that it inherits. Its own entries are lost.
func (c *aclResetCmd) Run(std *streams) error {
	return c.change(std, c.Path, func(*kept) ([]sd.ACE, error) { return nil, nil })
}

// change replaces a file's DACL and keeps the other fields of its descriptor (F-170). The new DACL has the entries of
// own and those inherited from the file's directory. If the descriptor of the file or directory cannot be read, that
// is an error, and nothing is written.
func (f *offlineFlags) change(std *streams, path string, own func(*kept) ([]sd.ACE, error)) error {
	k, err := f.open(path, true)
	if err != nil {
		return err
	}
	defer k.close()
	if k.parent == nil {
		return fmt.Errorf("%s: the directory above has no descriptor that can be read", inLine(path))
	}
	if k.now == nil {
		return fmt.Errorf("%s: its attribute cannot be read: see refmon acl set --offline", inLine(path))
	}
	aces, err := own(k)
	if err != nil {
		return err
	}
	aces = append(aces, sd.Inherit(fileaccess.Heritable(k.parent.DACL()), &sd.Heir{Container: k.directory,
		Owner: k.now.Owner(), Group: k.now.Group(), Mapping: &winnt.FileObject.Mapping}, true)...)
	list, err := sd.NewACL(aces...)
	if err != nil {
		return fmt.Errorf("%s: %w", inLine(path), err)
	}
	return k.write(std, sd.New(sd.Parts{DACL: list,
		Control: sd.DACLPresent | sd.DACLAutoInherited | sd.DACLAutoInheritRequest}))
}
