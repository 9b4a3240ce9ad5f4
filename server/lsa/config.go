package lsa

import (
	"context"
	"time"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/logon"
)

// Config configures a [Store]. Only Folder is required.
type Config struct {
	Folder   string // the state folder; the uid that owns it is the first administrator
	Computer string // name of the computer's own domain; "" for the host's name
	Root     string // the account of uid 0; "" for none: uid 0 is an ordinary user of the host
	Hosts    Hosts  // users and groups of the host, for logons; nil has none
	// Lookups has the same users and groups, for the names and SIDs that clients look up. nil: Hosts.
	Lookups Hosts
	// Domains resolves ids and SIDs for maps with backend winbind. nil: users with an id in those maps cannot log on.
	Domains Domains
	// Numbers resolves the directory's uidNumber and gidNumber for maps with backend ad. nil: users with an id in
	// those maps cannot log on.
	Numbers Domains
	// Audit receives each change before it is committed. An error rejects the whole update. It is called with the
	// store's write lock held, so it must not change the store. nil records nothing.
	Audit func(Change) error
	// Changed is called after each successful Update or Import, when the change is in effect. The caller holds no lock.
	// nil: no call.
	Changed func()
	// Logons receives each attempt to log on with a password. nil records nothing.
	Logons   func(Attempt)
	Now      func() time.Time // nil: time.Now
	Password Hashing          // the zero value is the default cost
	Subuids  []string         // files of subordinate ids; nil: /etc/subuid and /etc/subgid
	// Faults is called before each operation on the file of the store, see [diskio.Faults]: "write" before a
	// transaction is written, "sync" where bbolt syncs the page that makes it count. Only tests set it.
	Faults diskio.Faults
}

// Hosts resolves the users and groups of the host. A name that it does not find may still exist,
// because the name service may have failed.
type Hosts interface {
	// UserName and GroupName return the name of an id. ok is false if no entry was found or no
	// service answered.
	UserName(ctx context.Context, uid uint32) (name string, ok bool)
	GroupName(ctx context.Context, gid uint32) (name string, ok bool)
	// UID and GID return the id of a name, with the same ok.
	UID(ctx context.Context, name string) (uid uint32, ok bool)
	GID(ctx context.Context, name string) (gid uint32, ok bool)
	// Groups returns all groups of a user, the primary one first.
	Groups(ctx context.Context, name string) (gids []uint32, ok bool)
	// GroupsOf is Groups for a uid. It returns no groups and true if the host has no such user. After a failed lookup
	// ok is false.
	GroupsOf(ctx context.Context, uid uint32) (gids []uint32, ok bool)
}

// Change is one change of the store, for the audit record.
type Change struct {
	By      string // the caller's SID
	What    string // "account created", "right granted" …
	Subject string // the changed object: a name or a SID
	Detail  string // the right, the member, the map, the new values of an account; never a secret
}

// Attempt is one logon with a password, for the audit record. Clients never see Reason.
type Attempt struct {
	Name    string        // as the client sent it; shortened if the logon was refused
	Account logon.Account // the zero value for an unknown name
	Granted bool
	Reason  string // a status such as STATUS_WRONG_PASSWORD
}
