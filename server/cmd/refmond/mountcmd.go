package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/server/internal/nocores"
	"github.com/refmon/refmon/server/internal/sdnotify"
	"github.com/refmon/refmon/server/lsa/host"
	"github.com/refmon/refmon/server/mount"
	"github.com/refmon/refmon/winnt"
)

type mountCmd struct {
	Tree string `arg:"" help:"The directory with the files."`
	Dir  string `arg:"" help:"The mount point. If it is TREE itself, users cannot bypass the mount."`

	Attribute       string `help:"The extended attribute with the descriptors." default:"security.NTACL"`
	Missing         string `help:"Files without a descriptor: refuse, or synthesise one from the mode." default:"refuse"`
	Traverse        string `help:"${traverse}" placeholder:"POLICY"`
	Share           string `help:"A descriptor that limits the rights of each open, as a share's." placeholder:"SDDL"`
	IgnorePosix     bool   `help:"Ignore modes and POSIX ACLs, as Samba with 'acl_xattr:ignore system acls = yes'."`
	CaseInsensitive bool   `help:"Ignore case in names: plan.txt opens Plan.txt."`
	HideUnreadable  bool   `help:"Hide entries that the caller may not read from listings."`
	FollowLinks     bool   `help:"Let programs follow symbolic links with their own rights, also out of TREE."`
	Mode            string `help:"Effect of chmod: narrow (remove rights), refuse, map (set the DACL)." default:"narrow"`
	ListDescriptors bool   `help:"List the descriptor as user.ntfs_acl, so that tar --xattrs and rsync -X keep it."`
	Backup          string `help:"Mount for backups by USER, and for nobody else." placeholder:"USER"`
	Audit           string `help:"Write denials, and what SACLs audit, to an audit log in DIR." placeholder:"DIR"`
	Metrics         string `help:"Serve metrics at this Unix socket, as refmond serve does." placeholder:"SOCKET"`
	Exposed         bool   `help:"Start even if users other than root can reach the files without the mount."`
}

// Help returns the long text of --help for the command mount.
func (mountCmd) Help() string {
	return `Mounts a tree of files for the programs of this host. Each user gets the access that the descriptors
stored by Samba grant to S-1-22-1-uid, with the host's groups as S-1-22-2-gid. uid 0 has no privilege.

  refmond mount --audit /var/lib/refmon/audit /srv/projects /srv/projects
  refmond mount --attribute user.NTACL ~/work ~/seen

If root mounts a tree, all users see it. An ordinary user mounts it with fusermount3, sees it alone, and needs an
attribute that users can set, such as user.NTACL. The mount ends with SIGTERM, with its terminal, or when it is
unmounted. For accounts from refmond's store use the key mount of a tree in the configuration of refmond serve. See
docs/mount.md.

With --audit, refmond why --audit DIR and refmon audit query DIR print who was denied, and by which entry.`
}

// Run mounts the tree and serves it until SIGTERM, SIGINT, SIGHUP or an unmount. It first removes a stale mount of the
// same tree. It returns an error if the tree, the mount or the log cannot be opened. Everything is closed before it
// returns, and what fails then is joined. SIGHUP is ignored under nohup. Without --metrics no metrics are served. A
// socket of --metrics that cannot be created is only logged.
func (c *mountCmd) Run(std *streams) error {
	log := slog.New(lograte.New(slog.NewTextHandler(std.err, nil)))
	nocores.Set(log)
	dir, source, err := c.paths()
	if err == nil {
		err = mount.RemoveStale(dir, source)
	}
	if err != nil {
		return err
	}
	tree, err := c.tree(log)
	if err != nil {
		return err
	}
	if err := c.closed(tree, dir); err != nil {
		return errors.Join(err, tree.Close())
	}
	records, err := openMountTrail(c.Audit, log)
	if err != nil {
		return errors.Join(err, tree.Close())
	}
	kept, err := records.kernelLog(c.Audit)
	if err != nil {
		return errors.Join(err, tree.Close())
	}
	sys := kernel.Boot(kernel.Config{Log: kept})
	// From here on a signal must not end the program at once: the mount would remain without a server.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	if !signal.Ignored(unix.SIGHUP) { // nohup(1) ignores SIGHUP
		signal.Notify(signals, unix.SIGHUP) // the kernel sends SIGHUP when the terminal closes
	}
	defer signal.Stop(signals)
	m, err := c.start(sys, kept, tree, dir, source, log)
	if err != nil {
		return errors.Join(err, sys.Close(), tree.Close(), records.close())
	}
	var metrics *operations
	if c.Metrics != "" {
		// The mount also works without metrics, for example if the unit's instance name makes their socket's path too long.
		if metrics, err = c.operate(m, records, log); err != nil {
			log.Warn("metrics are not available", "error", err)
			err = nil
		}
	}
	gone := make(chan struct{})
	go func() { m.Wait(); close(gone) }()
	sdnotify.Send(sdnotify.Ready)
	log.Info("ready", "tree", c.Tree, "directory", c.Dir, "for", c.audience())
	select {
	case <-gone:
	case <-signals:
	}
	sdnotify.Send(sdnotify.Stopping)
	if metrics != nil {
		err = metrics.close()
	}
	closed := m.Close()
	if errors.Is(closed, mount.ErrInUse) {
		// The end of this process ends the mount for the programs too (M-27).
		log.Warn("programs still have files of the mount open, and lose them now", "directory", c.Dir)
		return errors.Join(err, records.close())
	}
	return errors.Join(err, closed, sys.Close(), tree.Close(), records.close())
}

// operate serves metrics at the socket c.Metrics. records may be nil. The caller closes the result.
func (c *mountCmd) operate(m *mount.Mount, records *mountTrail, log *slog.Logger) (*operations, error) {
	var l *auditlog.Log
	if records != nil {
		l = records.log
	}
	return operate(c.Metrics, func(w io.Writer) { writeMounts(w, map[string]mount.Stats{treeName: m.Stats()}) }, l,
		func() uint64 { return 0 }, log)
}

// tree checks the options and opens the directory of the tree. The caller closes it. It does not check whether the
// files are reachable otherwise. A malformed option is an error.
func (c *mountCmd) tree(log *slog.Logger) (*hostfs.Tree, error) {
	path, err := filepath.Abs(c.Tree)
	if err != nil {
		return nil, err
	}
	checked, err := c.settings(path).check(treeName)
	if err != nil {
		return nil, err
	}
	checked.Unbelieved = logUnbelieved(log, path)
	if err := checkUncovered(path); err != nil {
		return nil, err
	}
	return hostfs.Open(checked.Config)
}

// settings returns the settings of the command's tree, as a configuration would have them.
func (c *mountCmd) settings(path string) *treeSettings {
	return &treeSettings{Path: path, Attribute: c.Attribute, Share: c.Share, Traverse: c.Traverse, Missing: c.Missing,
		IgnorePosix: c.IgnorePosix, CaseInsensitive: c.CaseInsensitive}
}

// treeName is the name of the one tree of this command.
const treeName = "tree"

// closed returns an error if users can reach the files without the mount. A path that the mount itself covers does not
// count. With --exposed closed returns nil. The error names each open path and how to close it.
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
	return fmt.Errorf("%s can reach the files without the mount: chmod go= a directory above TREE, mount over "+
		"TREE itself, or give --exposed (a chmod of TREE takes refmon acl repair --rehash TREE afterwards)",
		strings.Join(open, "; "))
}

// start mounts the tree, which source names, on dir. It returns an error for a malformed option. After an error sys may
// keep the tree. Denials are recorded if kept is not nil. The caller closes the mount.
func (c *mountCmd) start(sys *kernel.System, kept *audit.Log, tree *hostfs.Tree, dir, source string,
	log *slog.Logger) (*mount.Mount, error) {
	modes, err := mount.ParseModePolicy(c.Mode)
	var accounts auth.Accounts
	if err == nil && c.Backup != "" {
		accounts.Privileges, err = c.backupUser()
	}
	if err == nil {
		err = sys.AddTree(treeName, tree)
	}
	if err != nil {
		return nil, err
	}
	var denied func(*mount.Denial)
	if kept != nil {
		denied = record(kept, kept.Names)
	}
	return mount.Start(mount.Config{System: sys, Name: treeName, Tree: tree, Directory: dir, Source: source,
		Accounts: mount.Hosted{Peers: accounts, Hosts: host.New()}, Owners: mount.HostOwners{},
		Traverse: traverses[c.settings("").traverse()], HideUnreadable: c.HideUnreadable, FollowLinks: c.FollowLinks,
		Modes:           modes,
		ListDescriptors: c.ListDescriptors, Backup: c.Backup != "",
		Own: !mayMount(), Log: log, Denied: denied})
}

// backupUser returns the privileges of the user for whom the mount is made, by uid. It returns an error if the caller
// is not root, the user is unknown, or other options contradict a backup.
func (c *mountCmd) backupUser() (map[uint32]winnt.PrivilegeSet, error) {
	switch {
	case !mayMount():
		return nil, errors.New("--backup: only root can mount a tree for backup")
	case c.HideUnreadable || c.FollowLinks || c.Mode != "narrow":
		return nil, errors.New("--backup: omit --hide-unreadable, --follow-links and --mode: a backup sees every " +
			"entry, follows no link, and chmod does not change restored descriptors")
	}
	uid, err := userID(c.Backup)
	if err != nil {
		return nil, fmt.Errorf("--backup: %w", err)
	}
	return map[uint32]winnt.PrivilegeSet{uid: winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege)}, nil
}

// paths returns the absolute paths of the mount point and the tree. An empty argument is an error, because it would
// name the working directory. So is a missing tree, a mount point above the tree, and a path of --audit or --metrics in
// the tree or below the mount point.
func (c *mountCmd) paths() (dir, source string, err error) {
	switch "" {
	case c.Tree:
		return "", "", errors.New("TREE is empty: name the directory with the files")
	case c.Dir:
		return "", "", errors.New("DIR is empty: name the mount point")
	}
	if dir, err = filepath.Abs(c.Dir); err != nil {
		return "", "", err
	}
	if source, err = filepath.Abs(c.Tree); err != nil {
		return "", "", err
	}
	// A dead mount on the tree fails in another way, and Run removes it.
	if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("%s does not exist: TREE names the directory with the files: %w", source, fs.ErrNotExist)
	}
	if covers(dir, source) {
		return "", "", coverError(dir, source)
	}
	for _, own := range []string{c.Audit, c.Metrics} {
		path, err := filepath.Abs(own)
		if err != nil {
			return "", "", err
		}
		if own != "" && (contains(source, path) || contains(dir, path)) {
			return "", "", fmt.Errorf("%s is in the tree or in its mount, whose users could replace it: want another path",
				path)
		}
	}
	return dir, source, nil
}

// mayMount reports whether this program can mount for all users: it has CAP_SYS_ADMIN, as root or by its unit. It is
// false if the host's kernel does not say.
func mayMount() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// audience describes for the log who sees the mount: "the user NAME alone" for a mount for backup, "all users" if the
// program may mount for all (CAP_SYS_ADMIN), otherwise "uid N alone" with its own user.
func (c *mountCmd) audience() string {
	if c.Backup != "" {
		return "the user " + c.Backup + " alone"
	}
	if uid := os.Geteuid(); !mayMount() {
		return fmt.Sprintf("uid %d alone", uid)
	}
	return "all users"
}
