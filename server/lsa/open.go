package lsa

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/internal/subids"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// File is the store's file name in the state folder.
const File = "accounts.db"

// lockWait is how long Open waits for another daemon to close the store.
const lockWait = 2 * time.Second

// Store is an open account database. The zero value is not usable; see [Open].
type Store struct {
	cfg      Config // immutable, with its defaults filled in
	computer string // immutable
	db       *bbolt.DB
	now      atomic.Pointer[state]
	write    sync.Mutex // one writer; held over the transaction of bbolt
	// +checklocks:write
	unsure      bool // guarded by write; the file may have a change that is not in now, because its sync failed
	throttle    throttle
	subids      subids.Files
	domainUsers domainUsers
}

// Open opens the store of the state folder cfg.Folder, which must exist. In a folder without a store it creates one,
// whose only administrator is the folder's owner. It waits up to two seconds while another daemon has the store open,
// then fails. A damaged store is an error. The caller closes the store with [Store.Close]. cfg.Folder must be on a
// local file system. After an error nothing stays open.
func Open(cfg Config) (*Store, error) { return openStore(cfg, newInitialState) }

// openStore is [Open]. In a folder without a store it creates the state that initial returns for the folder's owner.
func openStore(cfg Config, initial func(owner uint32) (*state, error)) (*Store, error) {
	info, err := os.Stat(cfg.Folder)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w: make it, owned by the first administrator", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return nil, fmt.Errorf("state folder %s: this is not a folder of a local file system", cfg.Folder)
	}
	s, err := newStore(cfg)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(cfg.Folder, File)
	if err := recoverPanic(func() error { return checkSize(path) }); err != nil {
		return nil, fmt.Errorf("account store %s: %w", path, timedOut(err))
	}
	if s.db, err = openFile(path); err != nil {
		return nil, fmt.Errorf("account store %s: %w", path, timedOut(err))
	}
	if err := recoverPanic(func() error { return s.load(owner.Uid, initial) }); err != nil {
		s.db.Close() //nolint:errcheck // the error of load is the cause
		return nil, fmt.Errorf("account store %s: %w", path, err)
	}
	return s, nil
}

// timedOut explains why a store cannot be opened while another daemon has it open. It returns other errors, and nil,
// unchanged.
func timedOut(err error) error {
	if errors.Is(err, berrors.ErrTimeout) {
		return errors.New("another daemon has it open: stop that one first")
	}
	return err
}

// newStore returns a store with the defaults of the configuration. It does not open the file. It returns an error if
// the computer has no name or a limit is not valid.
func newStore(cfg Config) (*Store, error) {
	s := &Store{cfg: cfg, computer: cfg.Computer}
	if s.computer == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("name of the computer: %w: set it in the configuration", err)
		}
		s.computer, _, _ = strings.Cut(host, ".")
	}
	s.computer = strings.ToUpper(s.computer)
	if s.cfg.Lookups == nil {
		s.cfg.Lookups = s.cfg.Hosts
	}
	if s.cfg.Now == nil {
		s.cfg.Now = time.Now
	}
	if s.cfg.Subuids == nil {
		s.cfg.Subuids = subids.Both
	}
	s.subids.Names = s.cfg.Subuids
	return s, s.throttle.init(&s.cfg)
}

// load reads the store into s. An empty store first gets the state that initial returns for owner. An invalid state is
// an error and leaves s unchanged. If the failed logons cannot be loaded, load returns an error, but the state is in
// effect.
func (s *Store) load(owner uint32, initial func(owner uint32) (*state, error)) error {
	var st *state
	err := s.db.View(func(tx *bbolt.Tx) (err error) {
		st, err = readState(tx)
		return err
	})
	if err == nil && st == nil {
		if st, err = initial(owner); err == nil {
			err = s.change(func(tx *bbolt.Tx) error { return writeState(tx, nil, st) })
		}
	}
	if err != nil {
		return err
	}
	st.index()
	// An old store opens even if ids in it have become subordinate since; the overlapping maps are
	// skipped (L-24, L-54).
	if err := st.valid(st, nil); err != nil {
		return err
	}
	s.now.Store(st)
	return s.loadFailures()
}

// Close closes the file after the running transactions have ended, and blocks until then. Afterwards every
// change fails.
func (s *Store) Close() error { return s.db.Close() }

// firstRID is the RID of the first account or group that is added.
const firstRID = 1001

// newInitialState returns the initial state: a random machine SID, no accounts, and the uid that owns the
// state folder as the only member of Administrators (L-21).
func newInitialState(owner uint32) (*state, error) {
	var random [12]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("random numbers for the SID of this machine: %w", err)
	}
	part := func(i int) uint32 { return binary.LittleEndian.Uint32(random[4*i:]) }
	machine, _ := sid.New(5, 21, part(0), part(1), part(2))
	st := &state{machine: machine, next: firstRID, accounts: map[uint32]Account{}, groups: map[sid.SID]Group{},
		grants: newInitialGrants()}
	for id, members := range map[sid.SID][]sid.SID{
		sid.Administrators: {fileaccess.UnixUser(owner)}, sid.Users: {sid.AuthenticatedUsers, sid.Interactive},
		sid.Guests: nil, sid.BackupOperators: nil, sid.PowerUsers: nil, sid.RemoteDesktopUsers: nil,
	} {
		_, name := sid.Account(id)
		st.groups[id] = Group{Name: name, SID: id, Members: members}
	}
	return st, nil
}

// newInitialGrants returns the rights of a new store. None includes SeTcbPrivilege: only LocalSystem
// has it, whose token comes from elsewhere (L-22).
func newInitialGrants() map[sid.SID]Grant {
	users := winnt.Privileges(winnt.SeShutdownPrivilege, winnt.SeUndockPrivilege, winnt.SeIncreaseWorkingSetPrivilege,
		winnt.SeTimeZonePrivilege)
	operators := winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege, winnt.SeShutdownPrivilege)
	administrators := users | operators | winnt.Privileges(winnt.SeIncreaseQuotaPrivilege, winnt.SeSecurityPrivilege,
		winnt.SeTakeOwnershipPrivilege, winnt.SeLoadDriverPrivilege, winnt.SeSystemProfilePrivilege,
		winnt.SeSystemtimePrivilege, winnt.SeProfileSingleProcessPrivilege, winnt.SeIncreaseBasePriorityPrivilege,
		winnt.SeCreatePagefilePrivilege, winnt.SeDebugPrivilege, winnt.SeSystemEnvironmentPrivilege,
		winnt.SeRemoteShutdownPrivilege, winnt.SeManageVolumePrivilege, winnt.SeImpersonatePrivilege,
		winnt.SeCreateGlobalPrivilege, winnt.SeCreateSymbolicLinkPrivilege,
		winnt.SeDelegateSessionUserImpersonatePrivilege)
	return map[sid.SID]Grant{
		sid.Everyone: {winnt.Privileges(winnt.SeChangeNotifyPrivilege), logon.SeNetworkLogonRight},
		sid.Users:    {users, logon.SeInteractiveLogonRight},
		sid.Administrators: {administrators, logon.SeInteractiveLogonRight | logon.SeNetworkLogonRight |
			logon.SeBatchLogonRight | logon.SeRemoteInteractiveLogonRight},
		sid.BackupOperators: {operators, logon.SeInteractiveLogonRight | logon.SeNetworkLogonRight |
			logon.SeBatchLogonRight},
		sid.RemoteDesktopUsers: {0, logon.SeRemoteInteractiveLogonRight},
		sid.Guests:             {0, 0},
		sid.Service: {winnt.Privileges(winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege),
			0},
	}
}
