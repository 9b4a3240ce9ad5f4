// Package inspect defines the messages for inspecting a running refmond: refmond ps, handles,
// tokens and trace, and the console of refmon-gateway use them.
//
// A tool sends one [Query] as JSON over its connection with [client.Conn.Inspect], and the daemon
// returns one [Reply]. The daemon uses the effective token of the calling thread. A reply contains
// what that token may see, and does not reveal whether there is more (W-27).
//
// The package contains values only, so a client does not link the kernel.
//
// [client.Conn.Inspect]: https://pkg.go.dev/github.com/refmon/refmon/client#Conn.Inspect
package inspect

import (
	"time"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Query requests one part of the daemon's state. An unknown What or an unknown field returns
// STATUS_INVALID_PARAMETER.
type Query struct {
	// What is "sessions", "acting", "token", "lent", "calls", "denials", "accounts" or "revoke".
	What    string   `json:"what"`
	Threads []uint64 `json:"threads,omitempty"` // acting: thread ids; token: the impersonating thread, else Process counts
	After   uint64   `json:"after,omitempty"`   // calls, denials: number of the last one received
	Process uint64   `json:"process,omitempty"` // calls, denials: only of this process, 0: of all; token: see Threads
	// Path selects: for denials, object names that contain it; for revoke, a file and everything below it, by a path
	// of the host or by the name in the kernel.
	Path string `json:"path,omitempty"`
	// User selects: for revoke, the SID of an account or a group, "" with Path; for accounts, a name in a domain, such
	// as EXAMPLE\alice or alice@EXAMPLE.COM.
	User string `json:"user,omitempty"`
	Now  bool   `json:"now,omitempty"` // revoke: do not wait for calls in progress

	Since time.Time `json:"since,omitzero"` // calls, denials: after that time
}

// Reply is the response to a query. Only the fields of its What are set.
type Reply struct {
	Sessions []Session          `json:"sessions,omitempty"`
	Tickets  []TicketSession    `json:"tickets,omitempty"` // returned with the sessions
	Acting   []ActingThread     `json:"acting,omitempty"`
	Token    *Token             `json:"token,omitempty"`
	Lent     []PassedDescriptor `json:"lent,omitempty"`
	Calls    []Call             `json:"calls,omitempty"`
	Next     uint64             `json:"next,omitempty"` // value for After in the next query
	Lost     uint64             `json:"lost,omitempty"` // number of calls that were dropped before this reply
	Revoked  *Revoked           `json:"revoked,omitempty"`
	Accounts []string           `json:"accounts,omitempty"` // SIDs of the users with the name
}

// Session is one connection.
type Session struct {
	Process uint64    `json:"process"`
	Name    string    `json:"name"`
	UID     uint32    `json:"uid"`
	PID     int       `json:"pid"` // on the host; the process may have ended since
	User    string    `json:"user"`
	Session string    `json:"session"`        // logon session
	Full    bool      `json:"full,omitempty"` // connected at adminSocket
	Since   time.Time `json:"since"`
}

// TicketSession is a logon session that a client's Kerberos ticket opened.
type TicketSession struct {
	Session string `json:"session"`
	User    string `json:"user"`
	Proof   string `json:"proof"` // identifies the ticket
}

// ActingThread is a thread that impersonates a client.
type ActingThread struct {
	Thread uint64 `json:"thread"`
	Since  int64  `json:"since"` // 100-ns units since 1601-01-01 UTC
	// User and Level describe the client. Only a caller with SeDebugPrivilege gets them,
	// because the client's token may refuse to be opened.
	User  string `json:"user,omitempty"`
	Level string `json:"level,omitempty"`
	// Proof identifies the ticket that authenticated the client. Only a caller that may open the
	// client's token gets it.
	Proof string `json:"proof,omitempty"`
}

// Call is a service call that a client made.
type Call struct {
	Number  uint64    `json:"number"`
	Time    time.Time `json:"time"`
	Process uint64    `json:"process"`
	Lines   []string  `json:"lines"` // formatted as a transcript
	// User and Proof name the impersonated client and its ticket. Only a caller with
	// SeDebugPrivilege gets them.
	User  string `json:"user,omitempty"`
	Proof string `json:"proof,omitempty"`
}

// Token is the contents of a token.
type Token struct {
	User       sid.SID                          `json:"user"`
	Type       winnt.TokenType                  `json:"type"`
	Level      winnt.SecurityImpersonationLevel `json:"level,omitempty"` // level of an impersonation token
	Session    winnt.LUID                       `json:"session"`         // logon session
	Integrity  sid.SID                          `json:"integrity"`
	Groups     []Attributed                     `json:"groups,omitempty"`
	Privileges []Attributed                     `json:"privileges,omitempty"`
	Proof      string                           `json:"proof,omitempty"` // identifies the user's ticket
}

// Attributed is a group or a privilege with its attributes, SE_GROUP_* or SE_PRIVILEGE_*.
type Attributed struct {
	Group      sid.SID         `json:"group,omitzero"`
	Privilege  winnt.Privilege `json:"privilege,omitempty"`
	Attributes uint32          `json:"attributes"`
}

// PassedDescriptor is a file whose descriptor the daemon passed to a program. It does not say
// whether the program still holds the descriptor, or passed it on.
type PassedDescriptor struct {
	Process uint64           `json:"process"`
	Name    string           `json:"name"` // kernel name of the file
	Used    winnt.AccessMask `json:"used"` // the rights that the descriptor conveys
	Since   time.Time        `json:"since"`
	Times   uint64           `json:"times"` // how often the daemon passed it
}

// Revoked is the result of a revocation: what ended, and what the daemon cannot end.
type Revoked struct {
	Sessions int `json:"sessions"` // connections
	Tokens   int `json:"tokens"`   // tokens without rights from now on, in any process
	Files    int `json:"files"`    // open files on which every call fails from now on
	// Remains lists at most 4096 files that programs can go on using, because the host's kernel serves them.
	Remains []Remaining `json:"remains,omitempty"`
	More    int         `json:"more,omitempty"` // further entries that Remains would have
}

// Remaining is an open file that only the end of its program closes.
type Remaining struct {
	Kind    string `json:"kind"` // "descriptor": passed by the daemon; "passthrough": opened on a mount
	Name    string `json:"name"` // kernel name; "": further files of the process
	Process uint64 `json:"process,omitempty"`
	UID     uint32 `json:"uid"`
	PID     int    `json:"pid,omitempty"` // process ID of a descriptor's program at connect
}
