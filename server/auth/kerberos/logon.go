package kerberos

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Authority logs clients on by their tickets, and passes all other requests to the store. It
// implements [logon.Authority].
type Authority struct {
	*lsa.Store
	// Tickets returns the current acceptor. If it returns nil, tickets are not accepted. Required.
	Tickets func() *Acceptor
	// Refused logs why a token was rejected, without any byte of it. client is the address or the
	// calling program. nil: no log.
	Refused func(client string, why error)
	// Checks bounds the concurrent ticket checks and serves requesters round-robin. nil: no bound.
	Checks *admission.Pool
	// Stopping ends the waits for Checks when it is done, with STATUS_CANCELLED. nil: nothing ends them before
	// waitChecks.
	Stopping context.Context
}

// waitChecks is the longest wait for Checks.
const waitChecks = 30 * time.Second

// sourceName is the token source that Windows also uses for tickets.
const sourceName = "Kerberos"

// LogOn logs on the client of a ticket, and passes every other request to the store. Tickets fail with
// STATUS_NO_SUCH_PACKAGE without an acceptor, with STATUS_PRIVILEGE_NOT_HELD if the request adds groups without
// SeTcbPrivilege, with STATUS_INVALID_LOGON_TYPE unless it is a network logon, and with STATUS_LOGON_FAILURE if the
// ticket is rejected. If too many tickets wait, or this one waits too long, the status is
// STATUS_INSUFFICIENT_RESOURCES. After Stopping is done, a ticket that waits fails with STATUS_CANCELLED. A result
// without a token has the reason for the audit record. The error of a rejected ticket is passed to Refused if that is
// set.
func (a Authority) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	if r.Package != logon.Ticket {
		return a.Store.LogOn(r)
	}
	tickets := a.Tickets()
	switch {
	case tickets == nil:
		// Without a keytab there is no ticket package (K-49).
		return logon.Result{Unchecked: true}, ntstatus.NoSuchPackage
	case len(r.Groups) > 0 && !r.Tcb:
		// Only a caller with SeTcbPrivilege may add groups to a token (L-33).
		return logon.Result{Unchecked: true}, ntstatus.PrivilegeNotHeld
	case r.Type != winnt.LOGON32_LOGON_NETWORK:
		// A service ticket is for network logons (K-52).
		return logon.Result{Unchecked: true}, ntstatus.InvalidLogonType
	}
	if a.Checks != nil {
		if st := a.enter(&r); st != ntstatus.Success {
			return logon.Result{Unchecked: true}, st
		}
		defer a.Checks.Leave()
		// A reload during the wait can have removed a key or the keytab, or forbidden delegation (K-82).
		if tickets = a.Tickets(); tickets == nil {
			return logon.Result{Unchecked: true}, ntstatus.NoSuchPackage
		}
	}
	c, err := accept(tickets, &r)
	if err != nil {
		// The client learns only that it was rejected. The reason is in the log and the audit
		// record (K-51).
		if a.Refused != nil {
			client, _ := a.Requester(&r)
			a.Refused(client, err)
		}
		return RejectedLogon(err)
	}
	return a.logOnClient(c, &r)
}

// enter waits for a place to check a ticket. After STATUS_SUCCESS the caller must call Checks.Leave.
func (a Authority) enter(r *logon.Request) ntstatus.Status {
	stopping := a.Stopping
	if stopping == nil {
		stopping = context.Background()
	}
	ctx, cancel := context.WithTimeout(stopping, waitChecks)
	defer cancel()
	// One process parses all tokens, so a flood from one requester must not delay all others (L-74).
	origin, _ := a.Requester(r)
	switch {
	case a.Checks.Enter(ctx, origin):
		return ntstatus.Success
	case stopping.Err() != nil:
		return ntstatus.Cancelled // the daemon stops and cancels all waiting calls (W-19)
	}
	return ntstatus.InsufficientResources
}

// RejectedLogon returns the logon result and the status for a client whose logon failed with err. The result has the
// reason, and the client's name if the ticket could be opened. It is unchecked for malformed input. An error that is
// not a [*Refusal] is STATUS_LOGON_FAILURE with an empty result (K-80).
func RejectedLogon(err error) (logon.Result, ntstatus.Status) {
	var r *Refusal
	if !errors.As(err, &r) {
		return logon.Result{}, ntstatus.LogonFailure
	}
	malformed := slices.ContainsFunc(append(tokenErrors[:len(tokenErrors):len(tokenErrors)], errBindingsEncoding),
		func(why error) bool { return errors.Is(r.Why, why) })
	return logon.Result{Reason: r.Reason, Proof: printable.Line(clip(r.Error())), Unchecked: malformed,
		Account: logon.Account{Name: printable.Line(r.Client), Domain: printable.Line(r.Realm)}}, r.Status
}

// longestWhy limits a reason in an audit record, in bytes.
const longestWhy = 512

// clip limits the length of a reason for a log: it returns text cut to longestWhy bytes, with "…" if it was cut.
func clip(text string) string {
	if len(text) > longestWhy {
		return text[:longestWhy] + "…"
	}
	return text
}

var errBindingsEncoding = errors.New("the channel bindings are not base64")

// accept decodes the base64 of a request's token and bindings, and verifies the token with a. Errors are [*Refusal]. A
// token over MaxBlob is refused before it is decoded. A request without bindings is one over a channel without them.
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
		return nil, refuse(nil, errBindingsEncoding)
	}
	return a.Accept(blob, bindings)
}

// logOnClient logs an authenticated client on at the store. The result has the groups of the request added, the level
// that the client allows, and the answer to send to the client. A failure of the store is returned as it is.
func (a Authority) logOnClient(c *Client, r *logon.Request) (logon.Result, ntstatus.Status) {
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

// User returns the client's SIDs, names and claims for the account store. Its names have no control characters.
// It shares slices with c, which the caller must not change.
func (c *Client) User() lsa.DomainUser {
	l := &c.PAC.Logon
	return lsa.DomainUser{Account: logon.Account{SID: c.Identity.User, Use: winnt.SidTypeUser,
		Domain: printable.Line(l.LogonDomainName), DomainSID: l.DomainID, Name: printable.Line(l.EffectiveName)},
		PrimaryGroup: c.Identity.PrimaryGroup, Groups: c.Identity.Groups,
		DeviceGroups: c.Identity.DeviceGroups, UserClaims: c.Identity.UserClaims, DeviceClaims: c.Identity.DeviceClaims}
}

// maxDroppedSIDs limits the dropped SIDs that the record of one logon names.
const maxDroppedSIDs = 8

// Proof returns a line for the audit record: the ticket's service, times, encryption and issuer (K-50), the services it
// was delegated through, and the SIDs that were dropped (K-81), of which it names the first maxDroppedSIDs. It replaces
// control characters.
func (c *Client) Proof() string {
	text := c.String() + fmt.Sprintf(" (valid from %s to %s, encryption type %d, session key of type %d, issued by %s",
		c.start.UTC().Format(time.RFC3339), c.end.UTC().Format(time.RFC3339), c.etype, c.used, c.issuer)
	if dc := c.PAC.Logon.LogonServer; dc != "" {
		text += ", logged on at " + clip(dc)
	}
	text += ")"
	if d := c.PAC.Delegation; d != nil {
		// Record the services that acted for the client, even if the list is empty (K-87).
		text += ", by delegation " + d.String()
	}
	if n := len(c.Identity.Dropped); n > 0 {
		text += fmt.Sprintf(", without %d SIDs:", n)
		for _, d := range c.Identity.Dropped[:min(maxDroppedSIDs, n)] {
			text += fmt.Sprintf(" %v (%s)", d.SID, d.Why)
		}
	}
	return printable.Line(text)
}
