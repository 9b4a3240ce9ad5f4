package main

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// ntfsACL is the attribute through which a mount of refmond returns and accepts a descriptor. The mount decides both.
const ntfsACL = "system.ntfs_acl"

// aclGetCmd holds the arguments and flags of refmon acl get.
type aclGetCmd struct {
	Paths        []string `arg:"" name:"path" help:"Files and directories."`
	Directory    []string `help:"${namesIn}" placeholder:"FILE" short:"d" sep:"none"`
	offlineFlags `embed:""`
}

// Help returns the long text of --help for refmon acl get.
func (aclGetCmd) Help() string {
	return `Reads the descriptor through the mount (refmond mount, or the key mount of a tree) with the rights of the user
who runs this. READ_CONTROL is required for the owner, the group and the DACL, SeSecurityPrivilege for the SACL.

Without a mount, --connect SOCKET reads it through refmond, and PATH is TREE/dir/file. A name such as
\??\projects\plan does the same through the socket in REFMON_SOCKET, or /run/refmon/refmond.sock. With --offline the
command reads the attribute itself; refmon acl export does so for many files.

  refmon acl get /srv/projects/plan
  refmon acl get --connect /run/refmon/refmond.sock projects/plan
  refmon acl get --offline /srv/share/plan -d company.yaml

In a terminal, and with -d, the names of the SIDs follow: of accounts in -d, well-known ones, and those of this host.`
}

// Run prints the descriptor of each path as SDDL, on a terminal with the names of its SIDs. It stops at the first path
// that cannot be read. Several paths are printed before their descriptors. A descriptor that SDDL cannot express is an
// error.
func (c *aclGetCmd) Run(std *streams) error {
	var people *directory.Directory
	if len(c.Directory) > 0 {
		var err error
		if people, err = (&directoryFlags{Directory: c.Directory}).readPeople(std); err != nil {
			return err
		}
	}
	names := namesOf(people)
	for _, path := range c.Paths {
		k, err := c.open(path, false)
		if err != nil {
			return err
		}
		k.close()
		if k.now == nil {
			return fmt.Errorf("%s: its attribute cannot be read", inLine(path))
		}
		text, err := sddl.Format(k.now, sddl.Options{})
		if err != nil {
			return fmt.Errorf("%s: %w", inLine(path), err)
		}
		if len(c.Paths) > 1 {
			text = inLine(path) + "  " + text
		}
		if _, err := fmt.Fprintln(std.out, text); err != nil {
			return err
		}
		// A program that reads the SDDL gets nothing else (U-124).
		if people == nil && std.width == 0 {
			continue
		}
		if err := std.printAllNames(k.now, names); err != nil {
			return err
		}
	}
	return nil
}

// readMounted returns the descriptor that a mount of refmond reports for path. It is an error if path is on no
// such mount, if the user may not read the descriptor, and if the mount's answer does not decode.
func readMounted(path string) (*sd.Descriptor, error) {
	value, err := getAttribute(path, ntfsACL)
	if err != nil {
		return nil, aclError(path, err)
	}
	d, err := sd.Decode(value)
	if err != nil {
		return nil, fmt.Errorf("%s: the mount's answer: %w", inLine(path), err)
	}
	return d, nil
}

// aclSetCmd holds the arguments and flags of refmon acl set.
type aclSetCmd struct {
	Path         string `arg:"" help:"A file or directory."`
	SDDL         string `arg:"" name:"sddl" help:"The parts to change: O:, G:, D:, S:."`
	offlineFlags `embed:""`
}

// Help returns the long text of --help for refmon acl set.
func (aclSetCmd) Help() string {
	return `Changes the descriptor through the mount, or refmond, with the rights of the user who runs this. WRITE_DAC is
required for the DACL, WRITE_OWNER for the owner and the group, ACCESS_SYSTEM_SECURITY for the SACL. Parts that are not
given stay, and the descriptors of descendants do not change. With --offline the command writes the attribute itself,
in the form that a file server accepts.

Text that Windows would repair is an error, because 0x1f01ff with three zeros too many would grant every right.
refmon fmt prints such text as Windows reads it.

  refmon acl set /srv/projects/plan 'D:P(A;;FA;;;S-1-22-1-1000)(A;;FR;;;WD)'
  refmon acl set --connect /run/refmon/refmond.sock projects/plan \
    'O:S-1-22-1-1000'
  refmon acl set --offline /srv/share/plan 'O:BAD:P(A;;FA;;;BA)'`
}

// Run replaces the descriptor of a file, through the mount, at the daemon or offline. SDDL that is not strict changes
// nothing. A descriptor set offline replaces the stored one; otherwise the mount or the daemon merges the parts.
func (c *aclSetCmd) Run(std *streams) error {
	// A repaired mask with too many digits would grant every right (S-80).
	d, err := sddl.ParseStrict(c.SDDL)
	if err != nil {
		return err
	}
	k := &kept{path: c.Path} // the mount or the daemon merges the parts
	if c.isServed(c.Path) {
		if k.served, err = c.dial(c.Path); err != nil {
			return err
		}
		defer k.close()
	}
	if c.Offline {
		if k, err = c.open(c.Path, false); err != nil {
			return err
		}
		defer k.close()
	}
	return k.write(std, d)
}

// aclError adds the path to an error, and advice if the file is on no mount of refmond.
func aclError(path string, err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%s is not on a mount of refmond (%w): mount its tree with refmond mount, or read and "+
			"write the attribute itself with --offline", inLine(path), err)
	}
	return fmt.Errorf("%s: %w", inLine(path), err)
}
