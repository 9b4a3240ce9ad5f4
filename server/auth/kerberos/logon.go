package kerberos

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Authority logs clients on by their tickets; everything else the store answers. It
// is a [logon.Authority].
type Authority struct {
	*lsa.Store
	// Tickets returns what takes tickets at the moment, nil for nothing.
	Tickets func() *Acceptor
	// Refused is told why a token was not taken, with no byte of it. nil: nothing is told.
	Refused func(error)
}

// sourceName is that of tokens that Windows makes of tickets, too.
const sourceName = "Kerberos"

// LogOn implements [logon.Authority].
func (a Authority) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	if r.Package != logon.Ticket {
		return a.Store.LogOn(r)
	}
	tickets := a.Tickets()
	switch {
	case tickets == nil:
		// Without a keytab a token is of no package. K-49
		return logon.Result{}, ntstatus.NoSuchPackage
	case len(r.Groups) > 0 && !r.Tcb:
		// Only a caller with SeTcbPrivilege adds groups to a token. L-33
		return logon.Result{}, ntstatus.PrivilegeNotHeld
	case r.Type != winnt.LOGON32_LOGON_NETWORK:
		// A ticket for a service is a client's that comes over the network. K-52
		return logon.Result{}, ntstatus.InvalidLogonType
	}
	c, err := accept(tickets, &r)
	if err != nil {
		// The client hears that it was refused, and the log and the record alone why. K-51
		if a.Refused != nil {
			a.Refused(err)
		}
		return Refused(err)
	}
	return a.token(c, &r)
}

// Refused makes the result of a client that was not taken: the record has the fault, and the
// name in a ticket that was opened (K-80).
func Refused(err error) (logon.Result, ntstatus.Status) {
	var r *Refusal
	if !errors.As(err, &r) {
		return logon.Result{}, ntstatus.LogonFailure
	}
	return logon.Result{Reason: r.Reason, Proof: printable.Line(clipped(r.Error())),
		Account: logon.Account{Name: printable.Line(r.Client), Domain: printable.Line(r.Realm)}}, r.Status
}

// longestWhy is how many bytes of a reason a record has.
const longestWhy = 512

func clipped(text string) string {
	if len(text) > longestWhy {
		return text[:longestWhy] + "…"
	}
	return text
}

// accept decodes and takes a client's token.
func accept(a *Acceptor, r *logon.Request) (*Client, error) {
	if base64.StdEncoding.DecodedLen(len(r.Token)) > MaxBlob+2 {
		return nil, refuse(nil, errOuter)
	}
	blob, err := base64.StdEncoding.DecodeString(string(r.Token))
	if err != nil {
		return nil, refuse(nil, errOuter)
	}
	bindings, err := base64.StdEncoding.DecodeString(r.Bindings)
	if err != nil {
		return nil, refuse(nil, errors.New("what names the channel is not in base64"))
	}
	return a.Accept(blob, bindings)
}

// token makes the result of a client that proved who it is.
func (a Authority) token(c *Client, r *logon.Request) (logon.Result, ntstatus.Status) {
	u := c.User()
	if len(r.Groups) > 0 {
		u.Groups = slices.Concat(u.Groups, r.Groups)
	}
	out, st := a.LogOnDomainUser(&u, r.Type)
	if st != ntstatus.Success {
		return out, st
	}
	out.Token.Level = c.Level
	out.Token.Source = token.Source{Name: sourceName}
	out.Proof = c.Proof()
	out.Answer = base64.StdEncoding.EncodeToString(c.Answer)
	return out, st
}

// User returns who the client is to the store.
func (c *Client) User() lsa.DomainUser {
	l := &c.PAC.Logon
	return lsa.DomainUser{Account: logon.Account{SID: c.Identity.User, Use: winnt.SidTypeUser,
		Domain: printable.Line(l.LogonDomainName), DomainSID: l.DomainID, Name: printable.Line(l.EffectiveName)},
		PrimaryGroup: c.Identity.PrimaryGroup, Groups: c.Identity.Groups,
		DeviceGroups: c.Identity.DeviceGroups, UserClaims: c.Identity.UserClaims, DeviceClaims: c.Identity.DeviceClaims}
}

// most is how many services or SIDs the record of one logon lists.
const most = 8

// Proof tells the record by which ticket the client is known: its service, times, encryption
// and issuer, through which services it went, and which SIDs of it were dropped (K-81). K-50
func (c *Client) Proof() string {
	text := c.String() + fmt.Sprintf(" (valid from %s to %s, encryption type %d, session key of type %d, issued by %s",
		c.start.UTC().Format(time.RFC3339), c.end.UTC().Format(time.RFC3339), c.etype, c.used, c.issuer)
	if dc := c.PAC.Logon.LogonServer; dc != "" {
		text += ", logged on at " + clipped(dc)
	}
	text += ")"
	if d := c.PAC.Delegation; d != nil && len(d.Transited) > 0 {
		text += fmt.Sprintf(", by delegation through %d services: %s", len(d.Transited),
			strings.Join(d.Transited[:min(most, len(d.Transited))], ", "))
	}
	if n := len(c.Identity.Dropped); n > 0 {
		text += fmt.Sprintf(", without %d SIDs:", n)
		for _, d := range c.Identity.Dropped[:min(most, n)] {
			text += fmt.Sprintf(" %v (%s)", d.SID, d.Why)
		}
	}
	return printable.Line(text)
}
