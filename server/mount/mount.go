package mount

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Owners says which SIDs the owners and groups of files have.
type Owners interface {
	UID(sid.SID) (uint32, bool)
	GID(sid.SID) (uint32, bool)
	UserSID(uint32) sid.SID
	GroupSID(uint32) sid.SID
}

// Config says what is mounted where. System, Name, Tree, Directory, Accounts and Owners
// are needed.
type Config struct {
	System    *kernel.System
	Name      string        // of the tree in the system
	Tree      nt.FileSystem // that has that name there
	Directory string        // where it is shown
	Accounts  Accounts
	Owners    Owners
	Traverse  fileaccess.Traverse // the policy of the tree
	// TokenLife is how long a token is used before it is made anew; 0: 30 seconds.
	TokenLife time.Duration
	// HideUnreadable leaves out of listings what the caller may not read.
	HideUnreadable bool
	// Plain has every read and write come here. Otherwise the host's kernel does those
	// of handles that grant all of it (passthrough), where it can.
	Plain bool
	// FollowLinks lets the host's kernel follow the symbolic links of the tree, for each program
	// by its own rights and wherever they lead. Otherwise they are made, read and removed,
	// and no program is led along them (nosymfollow).
	FollowLinks bool
	// Own shows the tree to the user of this program alone, by fusermount3, which needs
	// no right. Otherwise it is shown to all users, which takes CAP_SYS_ADMIN.
	Own bool
	Log *slog.Logger // nil: none

	now   func() time.Time // nil: the clock's
	fatal func(any)        // ends the program; nil: by a panic
}

// Defaults of the times.
const (
	defaultTokenLife = 30 * time.Second
	attributeLife    = 30 * time.Second
)

// Mount is a tree that is shown in a directory of this host. The zero value is not
// usable: [Start] makes one.
type Mount struct {
	fuse.RawFileSystem                // answers ENOSYS to what has no method here
	prefix             string         // immutable; of names in the system
	root               winnt.Handle   // immutable; of the process, on the root; 0: names go from the top
	tree               nt.FileSystem  // immutable
	sys                *kernel.System // immutable
	process            *kernel.Process
	owners             Owners              // immutable
	traverse           fileaccess.Traverse // immutable
	directory          string              // immutable
	hide               bool                // immutable
	plain              bool                // immutable
	log                *slog.Logger        // immutable
	accounts           *accounts           // immutable
	workers            *workers            // immutable
	nodes              *nodes              // immutable
	locks              *lockers            // immutable
	fatal              func(any)           // immutable; ends the program
	linksRead          atomic.Bool         // atomic; what links say is told
	server             *fuse.Server        // immutable once Start returned
	served             sync.WaitGroup

	mu sync.Mutex
	// +checklocks:mu
	opens map[uint64]*open // guarded by mu
	// +checklocks:mu
	backings map[*node]*backing // guarded by mu: of files that are open
	// +checklocks:mu
	next uint64 // guarded by mu
}

// Start shows a tree of a system in a directory, where every program of the host finds
// it, until [Mount.Close].
func Start(c Config) (*Mount, error) {
	if c.System == nil || c.Tree == nil || c.Accounts == nil || c.Owners == nil {
		return nil, errors.New("mount: a system, a tree, accounts and owners are needed")
	}
	m := &Mount{RawFileSystem: fuse.NewDefaultRawFileSystem(), prefix: `\??\` + c.Name + `\`, tree: c.Tree,
		sys: c.System, owners: c.Owners, traverse: c.Traverse, directory: c.Directory, fatal: c.fatal,
		hide: c.HideUnreadable, log: c.Log, opens: map[uint64]*open{}, next: 1,
		plain: c.Plain, backings: map[*node]*backing{}, locks: newLockers()}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.fatal == nil {
		m.fatal = die
	}
	if c.now == nil {
		c.now = time.Now
	}
	if err := m.prepare(&c); err != nil {
		return nil, fmt.Errorf("mount: %s: %w", c.Directory, err)
	}
	if err := RemoveStale(c.Directory); err != nil {
		m.end()
		return nil, fmt.Errorf("mount: %s: %w", c.Directory, err)
	}
	// The host's kernel leaves the locks of programs to us, which are taken on the files below
	// (M-25), leaves set-uid bits to us, and has a file emptied with its open, by what the
	// handle grants. It checks nothing (no default_permissions). M-1
	// Where it is mounted for one user, the kernel lets no other in, not even root (M-26).
	// Links are not followed unless that was said: no name leads out of the tree. M-34
	server, err := fuse.NewServer(m, c.Directory, &fuse.MountOptions{AllowOther: !c.Own, DirectMountStrict: !c.Own,
		DirectMountFlags: mountFlags(c.FollowLinks),
		FsName:           c.Name, Name: "refmon", DisableReadDirPlus: true, DisableSplice: true, EnableLocks: true,
		ExtraCapabilities: fuse.CAP_HANDLE_KILLPRIV_V2 | fuse.CAP_ATOMIC_O_TRUNC, DisabledCapabilities: fuse.CAP_ALLOW_IDMAP,
		PanicHandler: m.panicked, Logger: slog.NewLogLogger(m.log.Handler(), slog.LevelDebug)})
	if err != nil {
		m.end()
		return nil, fmt.Errorf("mount: %s: %w", c.Directory, err)
	}
	m.server = server
	m.served.Go(server.Serve)
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(fmt.Errorf("mount: %s: %w", c.Directory, err), m.Close())
	}
	m.readLinks(c.FollowLinks)
	return m, nil
}

// prepare makes the process, its threads and the table of files.
func (m *Mount) prepare(c *Config) error {
	spec := token.LocalSystem()
	spec.EnabledPrivileges |= winnt.Privileges(winnt.SeBackupPrivilege) // for the root of the tree
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
		return err
	}
	m.accounts = &accounts{from: c.Accounts, life: cmp.Or(c.TokenLife, defaultTokenLife), sys: c.System, self: self,
		now: c.now, log: m.log, known: map[person]*account{}}
	root, ok := m.identify("")
	if !ok || !root.dir {
		m.end()
		// Without it a file could be taken for the one that had its number before (F-180).
		return errors.New("the root of the tree is not to be found, or its file system tells neither" +
			" the time of a file's birth nor a handle")
	}
	m.nodes = newNodes(root)
	m.root = self.openRoot(m)
	return nil
}

// openRoot opens the root of the tree for names to be looked up below it. The way to the
// name of the tree is the server's then: who may not pass through the directories of the
// system's own names, as Anonymous may not, is decided about by the tree (M-1). No handle
// comes of a root without a descriptor: its names are looked up from the top.
func (t *worker) openRoot(m *Mount) winnt.Handle {
	h, _, st := t.openAt(m, "", nt.CreateFileIn{DesiredAccess: winnt.FILE_TRAVERSE | winnt.SYNCHRONIZE,
		CreateDisposition: winnt.FILE_OPEN,
		CreateOptions:     uint32(fileaccess.DirectoryFile | fileaccess.OpenForBackupIntent)})
	if st != ntstatus.Success {
		return 0
	}
	return h
}

// identify finds out what has a name, without a decision: nothing but the kind of the
// file and its number is taken from it. M-5
func (m *Mount) identify(path string) (id identity, ok bool) {
	place, st := m.tree.Find(&fileaccess.Request{Name: path, Options: fileaccess.OpenReparsePoint}, nil)
	if st != ntstatus.Success {
		return id, false
	}
	defer place.Release()
	o := &place.Facts().Object
	identified, is := place.(interface{ Identity() (uint64, string) })
	if !o.Exists || !is {
		return id, false
	}
	id.dir, id.link = o.IsDirectory, o.ReparseTag != 0
	id.number, id.id = identified.Identity()
	return id, id.id != ""
}

// DropAccounts makes the tokens of a user anew, with its next request; all is for those
// of every user, as after a change of groups.
func (m *Mount) DropAccounts(uid uint32, all bool) {
	m.accounts.drop(func(p person) bool { return all || p.uid == uid })
}

// Wait returns when the file system is mounted no more.
func (m *Mount) Wait() { m.served.Wait() }

// Close ends the mount at once, for the programs too that have files of it open, and in
// every mount namespace that has a copy of it: they are told that it is not connected.
func (m *Mount) Close() error {
	err := finish(m.directory)
	if errors.Is(err, unix.EPERM) {
		// An ordinary user's own mount: what is busy is taken out of its directory. M-26
		if err = m.server.Unmount(); err != nil {
			err = detach(m.directory)
		}
	}
	m.served.Wait()
	m.end()
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

// end gives up what the mount holds of the system.
func (m *Mount) end() {
	if m.accounts != nil {
		m.accounts.drop(func(person) bool { return true })
		m.accounts.closing.Wait()
	}
	m.mu.Lock()
	left := maps.Clone(m.opens)
	m.mu.Unlock()
	m.locks.end(left)
	m.workers.end()
	if m.accounts != nil {
		m.accounts.self.Close()
	}
	m.process.Exit()
	m.process.Close()
}

// String implements fuse.RawFileSystem.
func (m *Mount) String() string { return "refmon " + strings.Trim(m.prefix, `\?`) }
