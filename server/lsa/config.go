package lsa

import (
	"context"
	"time"

	"github.com/refmon/refmon/logon"
)

// Config says where a store is and what it may ask. Only Folder is required.
type Config struct {
	Folder   string // the state folder; the uid that owns it is the first administrator
	Computer string // name of the computer's own domain; "" for the host's name
	Root     string // the account that uid 0 is; "" for none: uid 0 has no rights
	Hosts    Hosts  // users and groups of the host; nil knows none
	// Domains is asked by the maps of backend winbind; nil: those maps give no SIDs.
	Domains Domains
	// Numbers is asked by the maps of backend ad: uidNumber and gidNumber of the
	// directory. nil: those maps give no SIDs.
	Numbers Domains
	// Audit is told of each change before it is made; an error refuses the
	// change. nil keeps no record.
	Audit func(Change) error
	// Logons is told of each attempt to log on with a password. nil keeps no record.
	Logons   func(Attempt)
	Now      func() time.Time // nil: time.Now
	Password Hashing          // the zero value is the default cost
	Subuids  []string         // files of subordinate ids; nil: /etc/subuid and /etc/subgid
}

// Hosts tells who the users and groups of the host are. A name that is not found
// is no proof that the host has no such user.
type Hosts interface {
	// UserName and GroupName return the name of an id, ok false where it is not
	// found or no service answered.
	UserName(ctx context.Context, uid uint32) (name string, ok bool)
	GroupName(ctx context.Context, gid uint32) (name string, ok bool)
	// UID and GID return the id of a name.
	UID(ctx context.Context, name string) (uid uint32, ok bool)
	GID(ctx context.Context, name string) (gid uint32, ok bool)
	// Groups returns all groups of a user, the primary one first.
	Groups(ctx context.Context, name string) (gids []uint32, ok bool)
}

// Change is one change of the store, for the record.
type Change struct {
	By      string // who: a SID
	What    string // "account created", "right granted" …
	Subject string // what was changed: a name or a SID
	Detail  string // the right, the member, the map; never a secret
}

// Attempt is one logon with a password, for the record. What Reason says is
// never said to the client.
type Attempt struct {
	Name    string
	Account logon.Account // the zero value for an unknown name
	Granted bool
	Reason  string // a status such as STATUS_WRONG_PASSWORD
}
