package mount

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/subids"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Owners maps the SIDs of owners and groups to the host's uids and gids, and back. UID and GID return false for a SID
// without a number; the number is then ignored. SIDOf returns the SID of a uid or gid, and false if the lookup fails
// now. The methods must be safe for concurrent use.
type Owners interface {
	UID(sid.SID) (uint32, bool)
	GID(sid.SID) (uint32, bool)
	SIDOf(id uint32, group bool) (sid.SID, bool)
}

// Config configures a mount. System, Name, Tree, Directory, Accounts and Owners are required.
type Config struct {
	System    *kernel.System
	Name      string        // name of the tree in System
	Tree      nt.FileSystem // the tree that System has under that name
	Directory string        // where the tree is mounted
	Source    string        // the source that df shows; identifies a dead mount at a later start (M-39); "": Name
	Accounts  Accounts
	Owners    Owners
	Traverse  fileaccess.Traverse // the policy of the tree
	// TokenLife is how long a token is cached; 0: 30 seconds.
	TokenLife time.Duration
	// HideUnreadable leaves entries that the caller may not read out of listings.
	HideUnreadable bool
	// Plain sends every read and write to this server. Otherwise the host's kernel directly serves handles that grant
	// everything their open flags allow, if it supports FUSE passthrough.
	Plain bool
	// Modes is the effect of a mode that a program sets with chmod(2), or when it creates a file.
	Modes ModePolicy
	// ListDescriptors lists the attribute user.ntfs_acl, so that programs that copy user attributes copy descriptors.
	ListDescriptors bool
	// Backup opens every file with backup intent, for accounts with SeBackupPrivilege or SeRestorePrivilege. It refuses
	// all others, and implies ListDescriptors.
	Backup bool
	// FollowLinks lets the host's kernel follow the tree's symbolic links, with each program's own rights and
	// wherever they lead. Otherwise programs can create, read and remove links but not follow them (nosymfollow).
	FollowLinks bool
	// Own mounts the tree for the user of this program alone, with fusermount3 and without privileges. Otherwise all
	// users see it, which needs CAP_SYS_ADMIN.
	Own bool
	Log *slog.Logger // nil: nothing is logged
	// Denied is called for each denial that the rate of its user lets through. The request's goroutine calls it
	// without a lock held, so the program waits for it. nil means no call.
	Denied func(*Denial)

	payer func(uid uint32) uint32 // the uid charged for a uid's requests, locks and records; nil: see subids.Charged
	now   func() time.Time        // nil: time.Now
	fatal func(any)               // ends the program; nil: die, which panics
	// device returns the device number of the mounted file system; nil: the function device.
	device func(directory string) (uint64, error)
}

// Default times.
const (
	defaultTokenLife = 30 * time.Second
	attributeLife    = 30 * time.Second
)

// Mount is a mounted tree. It is safe for concurrent use. The zero value is not usable; [Start] returns one.
type Mount struct {
	fuse.RawFileSystem                // answers ENOSYS for methods not defined here
	prefix             string         // immutable; object name of the tree, with which absolute names begin
	root               winnt.Handle   // immutable; the process's handle on the tree's root; 0: names are absolute
	tree               nt.FileSystem  // immutable
	sys                *kernel.System // immutable
	process            *kernel.Process
	owners             Owners              // immutable
	traverse           fileaccess.Traverse // immutable
	directory          string              // immutable
	device             uint64              // number of the mounted file system; immutable once Start returned
	hide               bool                // immutable
	plain              bool                // immutable
	modes              ModePolicy          // immutable
	listed             bool                // immutable: listings have user.ntfs_acl
	backup             bool                // immutable: opens have backup intent
	log                *slog.Logger        // immutable
	accounts           *accounts           // immutable
	workers            *workers            // immutable
	nodes              *nodes              // immutable
	report             func(*Denial)       // immutable; nil: no call
	denials            denialCounts        // counts denials by user
	counts             counts              // counts requests by operation
	locks              *lockers            // immutable
	fatal              func(any)           // immutable; ends the program
	now                func() time.Time    // immutable
	linksRead          atomic.Bool         // atomic; readlink works
	server             *fuse.Server        // immutable once Start returned
	served             sync.WaitGroup

	mu sync.Mutex
	// +checklocks:mu
	opens map[uint64]*open // guarded by mu
	// +checklocks:mu
	backings map[*node]*backing // guarded by mu: who serves each open file
	// +checklocks:mu
	next uint64 // guarded by mu: number of the last handle
}

// Start mounts c.Tree in c.Directory, serves requests in goroutines of its own, and returns once the mount is ready.
// The caller must call [Mount.Close]. Start first removes a dead mount of the same tree from the directory. It returns
// an error, and leaves nothing mounted, if a required field is nil, if the directory is missing or holds a dead mount
// of another server, or if the root has no stable identity. The caller keeps ownership of System and Tree.
func Start(c Config) (*Mount, error) {
	if c.System == nil || c.Tree == nil || c.Accounts == nil || c.Owners == nil {
		return nil, errors.New("mount: a system, a tree, accounts and owners are needed")
	}
	if c.payer == nil {
		files := subids.Files{Names: subids.UIDs}
		c.payer = func(uid uint32) uint32 { return files.Charged(uid, subids.HostUID) }
	}
	m := &Mount{RawFileSystem: fuse.NewDefaultRawFileSystem(), prefix: `\??\` + c.Name + `\`, tree: c.Tree,
		sys: c.System, owners: c.Owners, traverse: c.Traverse, directory: c.Directory, fatal: c.fatal,
		hide: c.HideUnreadable, log: c.Log, opens: map[uint64]*open{}, next: 1,
		report: c.Denied, plain: c.Plain, modes: c.Modes, listed: c.ListDescriptors || c.Backup, backup: c.Backup,
		backings: map[*node]*backing{}, locks: newLockers(c.payer)}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.fatal == nil {
		m.fatal = die
	}
	if c.now == nil {
		c.now = time.Now
	}
	m.now = c.now
	if c.device == nil {
		c.device = device
	}
	m.denials = denialCounts{now: c.now, users: map[uint32]*deniedUser{}}
	if err := m.prepare(&c); err != nil {
		return nil, fmt.Errorf("mount: %s: %w", c.Directory, err)
	}
	source := cmp.Or(c.Source, c.Name)
	if err := RemoveStale(c.Directory, source); err != nil {
		m.end()
		return nil, fmt.Errorf("mount: %s: %w", c.Directory, err)
	}
	server, err := fuse.NewServer(m, c.Directory, m.options(&c, source))
	if err != nil {
		m.end()
		return nil, fmt.Errorf("mount: %s: %w", c.Directory, err)
	}
	closeFuseOnExec()
	m.server = server
	m.served.Go(server.Serve)
	if m.device, err = c.device(c.Directory); err != nil {
		left := server.Unmount()
		if left == nil {
			m.served.Wait()
		}
		m.end()
		return nil, fmt.Errorf("mount: %s: %w", c.Directory, errors.Join(err, left))
	}
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(fmt.Errorf("mount: %s: %w", c.Directory, err), m.Close())
	}
	m.readLinks(c.FollowLinks)
	return m, nil
}

// options returns the options of the FUSE mount. source is what df shows.
func (m *Mount) options(c *Config, source string) *fuse.MountOptions {
	o := &fuse.MountOptions{
		// The host's kernel checks no mode bits (no default_permissions, M-1). It leaves to the mount:
		// locks, which are taken on the backing files (M-25), set-uid bits, and truncation at an open,
		// which the handle's rights decide.
		EnableLocks:       true,
		ExtraCapabilities: fuse.CAP_HANDLE_KILLPRIV_V2 | fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_DONT_MASK,
		// A mount for one user admits no other user, not even root (M-26).
		AllowOther: !c.Own, DirectMountStrict: !c.Own,
		// Links are followed only if the configuration allows it, because they can lead out of the tree (M-34).
		DirectMountFlags: mountFlags(c.FollowLinks),
		FsName:           source, Name: fileSystem, DisableReadDirPlus: true, DisableSplice: true,
		DisabledCapabilities: fuse.CAP_ALLOW_IDMAP,
		PanicHandler:         m.panicked, Logger: slog.NewLogLogger(m.log.Handler(), slog.LevelDebug)}
	if !c.Own {
		// Beyond this number, requests that no program waits for, such as closes, wait in one queue of the host's
		// kernel. So it is the largest one, and users take turns in the mount (M-72). Linux lowers it to
		// fuse.max_user_bgreq for a server without CAP_SYS_ADMIN in the initial user namespace. SyncRead makes reads
		// synchronous. Otherwise a thread could begin any number, each with a buffer.
		o.MaxBackground, o.SyncRead = math.MaxUint16, true
	}
	return o
}

// prepare creates the mount's process, its threads, its account cache and its node table. It returns an error if the
// root is not a directory or has no stable identity. After an error nothing of it runs.
func (m *Mount) prepare(c *Config) error {
	spec := token.LocalSystem()
	spec.EnabledPrivileges |= winnt.Privileges(winnt.SeBackupPrivilege) // to open the root of the tree
	system, err := token.New(spec)
	if err != nil {
		return err
	}
	if m.process, err = c.System.NewProcess("mount "+c.Name, system); err != nil {
		return err
	}
	m.workers = newWorkers(c.System, m.process)
	self, err := m.workers.make()
	if err != nil {
		m.end()
		return err
	}
	m.accounts = &accounts{from: c.Accounts, life: cmp.Or(c.TokenLife, defaultTokenLife), sys: c.System, self: self,
		backup: c.Backup, now: c.now, log: m.log, payer: c.payer, known: map[person]*account{}}
	root, st := m.identify("", nil)
	if st != ntstatus.Success || !root.dir {
		m.end()
		// Without a birth time or a handle, a later file could have the same identity (F-180).
		return errors.New("cannot identify the root of the tree: it is missing, or its file system reports neither" +
			" birth times nor file handles")
	}
	m.nodes = newNodes(root)
	m.root = self.openRoot(m)
	return nil
}

// openRoot opens the tree's root with the server's rights; names are looked up below it (M-1). So the tree alone
// decides: Anonymous, for example, needs no right on directories of the object namespace. openRoot returns 0 if the
// open fails, as without a descriptor; then names start at the top.
func (t *worker) openRoot(m *Mount) winnt.Handle {
	h, _, st := t.openAt(m, "", nt.CreateFileIn{DesiredAccess: winnt.FILE_TRAVERSE | winnt.SYNCHRONIZE,
		CreateDisposition: winnt.FILE_OPEN,
		CreateOptions:     uint32(fileaccess.DirectoryFile | fileaccess.OpenForBackupIntent)})
	if st != ntstatus.Success {
		return 0
	}
	return h
}

// identify returns the type and number of the file at path, without an access check. "" is the root. It returns an
// error status if the file does not exist, if the tree cannot identify it (M-5), or if its directory has not the
// identity in within (M-11).
func (m *Mount) identify(path string, within *nt.FileIdentity) (id identity, st ntstatus.Status) {
	place, st := m.tree.Find(&fileaccess.Request{Name: path, Options: fileaccess.OpenReparsePoint}, nil)
	if st != ntstatus.Success {
		return id, st
	}
	defer place.Release()
	if st := nt.InDirectory(place, within); st != ntstatus.Success {
		return id, st
	}
	o := &place.Facts().Object
	if !o.Exists {
		return id, ntstatus.ObjectNameNotFound
	}
	id.dir, id.link = o.IsDirectory, o.ReparseTag != 0
	if identified, is := place.(interface{ Identity() (uint64, string) }); is {
		id.number, id.id = identified.Identity()
	}
	if id.id == "" {
		return id, ntstatus.IODeviceError
	}
	return id, ntstatus.Success
}

// DropAccounts removes the cached token of a user, so that the user's next request logs on again. If all is true, it
// removes the tokens of every user and ignores uid. A uid without a token has no effect. Call it after a change of
// accounts or groups. Running requests and open handles keep their rights.
func (m *Mount) DropAccounts(uid uint32, all bool) {
	m.accounts.drop(func(p person, _ *token.Token) bool { return all || p.uid == uid })
}

// String returns "refmon " and the tree's name. go-fuse uses it in its messages.
func (m *Mount) String() string { return "refmon " + strings.Trim(m.prefix, `\?`) }
