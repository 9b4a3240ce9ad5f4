package logon

import (
	"fmt"
	"io"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Secret is a text that no trace, transcript or record shows: every verb of fmt
// and every encoder of texts prints it as ***. The zero value is empty.
type Secret string

const stars = "***"

// String returns ***.
func (Secret) String() string { return stars }

// Format writes *** for every verb (L-1).
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, stars) } //nolint:errcheck // a State has no errors

// MarshalText returns *** (L-1).
func (Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// Package says how a request proves who it is about. The zero value proves
// nothing.
type Package uint8

// The packages.
const (
	Password Package = 1 + iota // a name and a password
	S4U                         // a name alone: a service answers for its client
	Ticket                      // a client's token for a service of this host
)

// Request has what a logon is asked with. The zero value is refused.
type Request struct {
	Package  Package
	Type     winnt.LogonType
	Domain   string // "" for none given, "." for accounts of this computer only
	Name     string // NAME, DOMAIN\NAME or NAME@DOMAIN
	Password Secret
	// Token is the client's, and Bindings name the channel that it came through, both
	// in base64.
	Token    Secret
	Bindings string
	// Tcb says that the caller has SeTcbPrivilege enabled.
	Tcb bool
	// Caller is the user of the program that asks; zero where it is not known. Origin is the
	// address of the client, as a program says that may act for clients; "" for none. They
	// count for limits and records only.
	Caller sid.SID
	Origin string
	// Groups are added to the token; only a caller with Tcb may add some.
	Groups []token.Group
}

// IsAnonymous reports whether the request is that of a client without a name: a
// network logon without name and password. L-34
func (r *Request) IsAnonymous() bool {
	return r.Package == Password && r.Name == "" && r.Password == "" && r.Type == winnt.LOGON32_LOGON_NETWORK
}

// Result has what the token of a logon is made of. The zero value makes no
// token.
type Result struct {
	// Token has no logon SID and, but for sessions that are always there, no
	// AuthenticationID: the kernel gives both.
	Token token.Spec
	// Linked is the other token of an administrator's pair, nil without one.
	Linked  *token.Spec
	Account Account
	// Reason says, beside a status that refuses, what the record alone tells:
	// STATUS_WRONG_PASSWORD, STATUS_NO_SUCH_USER. Account is then who it was, if known.
	Reason ntstatus.Status
	// Proof tells the record how the client proved who it is, "" for a name and a
	// password, or, beside a status that refuses, why its token was not taken; Answer
	// goes back to the client, in base64.
	Proof, Answer string
}

// Account is a name with its SID. The zero value names nothing.
type Account struct {
	SID       sid.SID
	Use       winnt.SIDNameUse
	Domain    string // "" for Everyone and the like
	DomainSID sid.SID
	Name      string // "" for a domain
}

// Authority answers who is who. Its methods are called from many goroutines,
// may block, and are called with no lock held.
type Authority interface {
	// LogOn returns what a token is made of, or why it is refused: the
	// documented statuses of LsaLogonUser.
	LogOn(Request) (Result, ntstatus.Status)
	// LookupName finds an account by NAME, DOMAIN\NAME or NAME@DOMAIN, in any case.
	LookupName(name string) (Account, bool)
	// LookupSID finds an account or a domain by its SID.
	LookupSID(sid.SID) (Account, bool)
	// Computer returns the domain of this computer's own accounts.
	Computer() Account
}
