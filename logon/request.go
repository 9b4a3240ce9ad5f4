package logon

import (
	"fmt"
	"io"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Secret is a text that never appears in a trace, transcript or record. Every
// fmt verb and every text encoder prints it as ***. The zero value is empty.
type Secret string

const stars = "***"

// String returns ***.
func (Secret) String() string { return stars }

// Format writes *** for every verb (L-1).
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, stars) } //nolint:errcheck // a State has no errors

// MarshalText returns *** (L-1).
func (Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// Package is the authentication package of a request: how the client proves its identity. The zero value proves
// nothing.
type Package uint8

// The packages.
const (
	Password Package = 1 + iota // a name and a password
	S4U                         // a name alone: a service answers for its client
	Ticket                      // a client's token for a service of this host
)

// Request has the parameters of a logon. An authority refuses the zero value.
type Request struct {
	Package  Package
	Type     winnt.LogonType
	Domain   string // "" for none given, "." for accounts of this computer only
	Name     string // NAME, DOMAIN\NAME or NAME@DOMAIN
	Password Secret
	// Token is the client's token, and Bindings identifies the channel through which
	// it came. Both are in base64.
	Token    Secret
	Bindings string
	// Tcb is true if the caller has SeTcbPrivilege enabled.
	Tcb bool
	// Caller is the user of the calling program, or zero if it is unknown. Origin is the
	// client's address, given by a program that may act for clients, or "". Both are used
	// only for limits and records.
	Caller sid.SID
	Origin string
	// Groups are added to the token. Only a caller with Tcb may add groups.
	Groups []token.Group
}

// IsAnonymous reports whether the request is a network logon without name and
// password (L-34).
func (r *Request) IsAnonymous() bool {
	return r.Package == Password && r.Name == "" && r.Password == "" && r.Type == winnt.LOGON32_LOGON_NETWORK
}

// Result has the data of a logon's token. The zero value makes no token.
type Result struct {
	// Token has no logon SID and, except for sessions that always exist, no
	// AuthenticationID. The kernel assigns both.
	Token token.Spec
	// Linked is the other token of an administrator's pair, or nil without one.
	Linked  *token.Spec
	Account Account
	// Reason is the reason for a refusal that only the record contains:
	// STATUS_WRONG_PASSWORD or STATUS_NO_SUCH_USER. Account is then the account, if
	// known.
	Reason ntstatus.Status
	// Proof is for the record. It describes how the client proved its identity, and
	// is "" for a name and a password. For a refusal it is the reason why the token
	// was not accepted. Answer is sent back to the client, in base64.
	Proof, Answer string
	// Unchecked is true for a refusal before any credential was checked, for example of an
	// overlong password. Such refusals cost a caller nothing, so their records are limited (U-92).
	Unchecked bool
}

// Account is a name with its SID. The zero value is not an account.
type Account struct {
	SID       sid.SID
	Use       winnt.SIDNameUse
	Domain    string // "" for Everyone and the like
	DomainSID sid.SID
	Name      string // "" for a domain
}

// Authority checks logons and looks up accounts. Its methods are called from
// many goroutines, without a lock held, and may block.
type Authority interface {
	// LogOn returns the data of a token, or one of the documented statuses of
	// LsaLogonUser.
	LogOn(Request) (Result, ntstatus.Status)
	// LookupName returns the account NAME, DOMAIN\NAME or NAME@DOMAIN, ignoring
	// case. It returns false for an unknown name.
	LookupName(name string) (Account, bool)
	// LookupSID returns the account or domain with a SID. It returns false for an
	// unknown SID.
	LookupSID(sid.SID) (Account, bool)
	// Computer returns the domain of this computer's own accounts.
	Computer() Account
	// AccountRights returns the privileges and logon rights that this computer assigns to a SID
	// itself, not those of its groups. Both are empty for an unknown SID.
	AccountRights(sid.SID) (winnt.PrivilegeSet, Rights)
}
