package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/lsa/host"
	"github.com/refmon/refmon/server/mount"
)

type mountCmd struct {
	Tree string `arg:"" help:"The directory whose files are shown."`
	Dir  string `arg:"" help:"Where they are shown; TREE itself closes the way past the descriptors."`

	Attribute       string `help:"Where the descriptors are." default:"security.NTACL"`
	Missing         string `help:"A file without a descriptor: refuse, or synthesise of its mode." default:"refuse"`
	Traverse        string `help:"Who passes a directory: privilege, always or never." default:"privilege"`
	Share           string `help:"A descriptor that each open is cut down to." placeholder:"SDDL"`
	IgnorePosix     bool   `help:"As Samba with 'acl_xattr:ignore system acls = yes'."`
	CaseInsensitive bool   `help:"plan.txt finds Plan.txt."`
	HideUnreadable  bool   `help:"Leave out of listings what the caller may not read."`
	FollowLinks     bool   `help:"Let programs be led along symbolic links, each by its own rights, out of TREE too."`
	Exposed         bool   `help:"Start though others than root reach the files past their descriptors."`
}

// Help returns the long help of the verb.
func (mountCmd) Help() string {
	return `Shows a tree of files to every program of this host: each sees what the descriptors that Samba
keeps of the files give its user, S-1-22-1-uid with the groups of the host as S-1-22-2-gid. uid 0 has no
privilege. It serves until it is told to stop (SIGTERM), its terminal closes or it is unmounted. Root shows
it to all users; an ordinary user to himself alone, by fusermount3, with an attribute that users can set.
Without a store of accounts; with one, the configuration of refmond serve has mount: under a tree. docs/mount.md.

  refmond mount /srv/projects /srv/projects
  refmond mount --attribute user.NTACL ~/work ~/seen`
}

// Run serves until it is told to stop.
func (c *mountCmd) Run(std *streams) error {
	log := slog.New(slog.NewTextHandler(std.err, nil))
	dir, err := filepath.Abs(c.Dir)
	if err == nil {
		err = mount.RemoveStale(dir)
	}
	if err != nil {
		return err
	}
	tree, err := c.tree()
	if err != nil {
		return err
	}
	if err := c.closed(tree, dir); err != nil {
		return errors.Join(err, tree.Close())
	}
	sys := kernel.Boot(kernel.Config{})
	m, err := c.start(sys, tree, dir, log)
	if err != nil {
		return errors.Join(err, sys.Close(), tree.Close())
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	if !signal.Ignored(unix.SIGHUP) { // as nohup(1) has it
		// The terminal that it was started from is closed: a mount without its server would stay.
		signal.Notify(signals, unix.SIGHUP)
	}
	defer signal.Stop(signals)
	gone := make(chan struct{})
	go func() { m.Wait(); close(gone) }()
	notify("READY=1")
	log.Info("ready", "tree", c.Tree, "directory", c.Dir, "for", audience())
	select {
	case <-gone:
	case <-signals:
	}
	notify("STOPPING=1")
	return errors.Join(m.Close(), sys.Close(), tree.Close())
}

// tree holds the directory that is shown.
func (c *mountCmd) tree() (*hostfs.Tree, error) {
	path, err := filepath.Abs(c.Tree)
	if err != nil {
		return nil, err
	}
	s := treeSettings{Path: path, Attribute: c.Attribute, Share: c.Share, Traverse: c.Traverse, Missing: c.Missing,
		IgnorePosix: c.IgnorePosix, CaseInsensitive: c.CaseInsensitive}
	checked, err := s.check(treeName)
	if err != nil {
		return nil, err
	}
	return hostfs.Open(checked.Config)
}

// treeName is the name of the one tree of this command.
const treeName = "tree"

// closed refuses a tree whose files are reached past the mount. The path that the mount
// covers is closed by it.
func (c *mountCmd) closed(tree *hostfs.Tree, dir string) error {
	if c.Exposed {
		return nil
	}
	open, err := tree.Exposure()
	if err != nil {
		return err
	}
	covered, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(line string) bool { return strings.HasPrefix(line, covered+": ") })
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("%s can reach its files past their descriptors: chmod go= a directory on the way, mount over TREE "+
		"itself, or say --exposed", strings.Join(open, "; "))
}

// start mounts the tree.
func (c *mountCmd) start(sys *kernel.System, tree *hostfs.Tree, dir string, log *slog.Logger) (*mount.Mount, error) {
	if err := sys.AddTree(treeName, tree); err != nil {
		return nil, err
	}
	return mount.Start(mount.Config{System: sys, Name: treeName, Tree: tree, Directory: dir,
		Accounts: mount.Hosted{Peers: auth.Accounts{}, Hosts: host.New()}, Owners: mount.HostOwners{},
		Traverse: traverses[c.Traverse], HideUnreadable: c.HideUnreadable, FollowLinks: c.FollowLinks,
		Own: os.Geteuid() != 0, Log: log})
}

// audience says who sees a mount of this program.
func audience() string {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Sprintf("uid %d alone", uid)
	}
	return "all users"
}
