package services

import (
	"cmp"
	"errors"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// LsaLogonUser logs a user on and opens the token with all rights. It records the logon, or the refusal, in the audit
// log. With a failure no token exists, and the session ends again. result.Answer is set only with a token. A record
// that cannot be kept fails the logon if the policy fails closed. The session's memory is charged to the user.
func (c *Context) LsaLogonUser(in nt.LsaLogonUserIn) (out nt.LsaLogonUserOut, st ntstatus.Status) {
	// capture
	r, st := c.captureLogon(&in)
	if st != ntstatus.Success {
		return out, st
	}
	// decide
	result, st := c.Sys.LSA.LogOn(r)
	from := c.logonSource(&in, r.Origin)
	from.Proof, from.Peer = result.Proof, c.limitedUser(&r, &result, st)
	if st != ntstatus.Success {
		out, said := c.refusedLogon(st)
		c.Sys.RecordRefusedLogon(from, in.LogonType, named(&r, result.Account), said, cmp.Or(result.Reason, st))
		return out, said
	}
	result.Token.SessionID = c.self.Process().Token().SessionID()
	if s := in.SourceContext.V; s != nil {
		result.Token.Source = *s
	}
	if c.Sys.Fault("se: create token") {
		return out, c.Fail("O-81", ntstatus.InsufficientResources)
	}
	v, end, st := c.Sys.OpenSession(&result)
	if st != ntstatus.Success {
		// A user in too many groups is refused too, and each refusal is recorded (L-49).
		c.Sys.RecordRefusedLogon(from, in.LogonType, named(&r, result.Account), st, st)
		return out, c.Fail("L-4", st)
	}
	defer end()
	if st := c.Sys.RecordLogon(from, in.LogonType, v); st != ntstatus.Success {
		// Under a policy that fails closed, a logon without its record fails (L-48).
		return out, c.Fail("L-48", st)
	}
	tok := c.Sys.Security.NewToken(v, se.DefaultDescriptor(v, winnt.TokenObject))
	defer tok.Deref(ob.TagCall)
	// commit
	// The token is charged as memory that the server holds for the client.
	payer := c.self.PayerFor(v.User().SID)
	if st := c.pay(tok, payer); st != ntstatus.Success {
		return out, st
	}
	if linked := c.Sys.Security.Sessions.Linked(v); linked != nil {
		// Its session keeps the linked token as long as the token lives.
		if st := tok.PayMore(payer, linked.HeapSize()); st != ntstatus.Success {
			return out, c.Fail("Q-5", st)
		}
	}
	if out.Token, st = c.insert(tok, winnt.TOKEN_ALL_ACCESS, 0); st == ntstatus.Success {
		out.LogonID, out.ProfileBuffer = v.AuthenticationID(), result.Answer
	}
	return out, st
}

// limitedUser returns the user of the host within whose rate the record of a logon is written: that of the calling
// process. st is the status of the logon. The result is "" for a record without limit: after the check of a credential,
// for a granted logon by a caller with SeTcbPrivilege, and for a process without a user of the host.
func (c *Context) limitedUser(r *logon.Request, result *logon.Result, st ntstatus.Status) string {
	nameOnly := r.Package == logon.S4U || r.IsAnonymous()
	if granted := st == ntstatus.Success; granted && r.Tcb || !nameOnly && (granted || !result.Unchecked) {
		return ""
	}
	// Without a check, one user could cause thousands of records per second and fill the disk for all (U-92).
	return c.self.Process().Quota().User()
}

// maxOrigin is the longest OriginName, in bytes.
const maxOrigin = 255

// captureLogon captures the parameters of a logon request. OriginName is dropped for a caller without SeTcbPrivilege
// and SeImpersonatePrivilege (L-64). Errors are, in this order:
//   - unreadable input: the status of its capture
//   - an unknown message type: STATUS_BAD_VALIDATION_CLASS
//   - a list of groups without SeTcbPrivilege: STATUS_PRIVILEGE_NOT_HELD
//   - an OriginName longer than maxOrigin: STATUS_INVALID_PARAMETER
func (c *Context) captureLogon(in *nt.LsaLogonUserIn) (r logon.Request, st ntstatus.Status) {
	for _, st := range []ntstatus.Status{in.LocalGroups.Status, in.SourceContext.Status, sidStatus(in.LocalGroups.V)} {
		if st != ntstatus.Success {
			// Unreadable input, and a group without a SID, is refused first.
			return r, c.Fail("O-3", st)
		}
	}
	info := &in.AuthenticationInformation
	r = logon.Request{Type: in.LogonType, Domain: info.LogonDomainName, Name: info.UserName, Password: info.Password,
		Groups: in.LocalGroups.V, Tcb: c.holds(winnt.SeTcbPrivilege), Caller: c.self.Process().Token().User().SID}
	switch info.MessageType {
	case nt.InteractiveLogon:
		r.Package = logon.Password
	case nt.S4ULogon:
		r.Package = logon.S4U
	case nt.TokenLogon:
		r.Package, r.Token, r.Bindings = logon.Ticket, info.ClientToken, info.ChannelBindings
	default:
		// There are three messages: a name with a password, a name alone, and a client's token.
		return r, c.Fail("L-42", ntstatus.BadValidationClass)
	}
	if in.LocalGroups.V != nil && !r.Tcb {
		// Adding groups needs SeTcbPrivilege.
		return r, c.Fail("L-33", ntstatus.PrivilegeNotHeld)
	}
	if len(in.OriginName) > maxOrigin {
		// The source of a request is an address. No address is longer than maxOrigin.
		return r, c.Fail("L-64", ntstatus.InvalidParameter)
	}
	if r.Tcb || c.holds(winnt.SeImpersonatePrivilege) {
		// Only a program that may act for its clients is believed where they are: another one would
		// name a new place for each guess (L-64).
		r.Origin = in.OriginName
	}
	return r, ntstatus.Success
}

// logonRules has the rule behind each status of a refused logon.
var logonRules = map[ntstatus.Status]string{
	ntstatus.InvalidLogonType: "L-3", ntstatus.LogonFailure: "L-32", ntstatus.AccountLockedOut: "L-31",
	ntstatus.LogonTypeNotGranted: "L-2", ntstatus.TooManyContextIDs: "L-4", ntstatus.PrivilegeNotHeld: "L-33",
	ntstatus.InsufficientResources: "O-81", ntstatus.AccountRestriction: "L-35",
	ntstatus.NoLogonServers: "L-56", ntstatus.NoSuchPackage: "K-49",
	ntstatus.AccountExpired: "L-66", ntstatus.PasswordMustChange: "L-66",
}

// refusedLogon returns the status and substatus that the client gets for a refused logon. st maps as follows:
//   - a disabled account, an expired password, a forbidden time or workstation: STATUS_ACCOUNT_RESTRICTION with
//     substatus st
//   - an unknown name, a wrong password, or success: STATUS_LOGON_FAILURE (L-32, L-35)
//   - any other status: st itself
func (c *Context) refusedLogon(st ntstatus.Status) (out nt.LsaLogonUserOut, _ ntstatus.Status) {
	switch st {
	case ntstatus.AccountDisabled, ntstatus.PasswordExpired, ntstatus.InvalidLogonHours, ntstatus.InvalidWorkstation:
		// These four are substatuses of STATUS_ACCOUNT_RESTRICTION; others are the status itself (L-66).
		out.SubStatus, st = st, ntstatus.AccountRestriction
	case ntstatus.NoSuchUser, ntstatus.WrongPassword, ntstatus.Success:
		st = ntstatus.LogonFailure
	}
	rule := logonRules[st]
	if rule == "" {
		rule = "L-32"
	}
	return out, c.Fail(rule, st)
}

// OpenSession opens the logon sessions of a result and returns the value of its token (L-10). The caller must call end
// once: after token objects hold the session, or to end it. For a token of a well-known session it opens no session,
// and end has no effect. On an error end is nil. A user with too many groups is STATUS_TOO_MANY_CONTEXT_IDS, and data
// that makes no token has the status of its fault.
func (s *System) OpenSession(r *logon.Result) (v *token.Token, end func(), st ntstatus.Status) {
	sessions := &s.Security.Sessions
	ids := []winnt.LUID{s.Security.AllocateLUID(), s.Security.AllocateLUID()}
	if r.Linked == nil {
		ids = ids[:1]
	}
	spec, linked := r.InSession(ids[0], ids[len(ids)-1])
	if len(spec.Groups) > token.MaxGroups {
		// There is no room for the logon SID in addition to the user's groups (L-4).
		return nil, nil, ntstatus.TooManyContextIDs
	}
	spec.ModifiedID = s.Security.AllocateLUID()
	v, err := token.New(spec)
	var full *token.Token
	if linked != nil && err == nil {
		linked.ModifiedID = s.Security.AllocateLUID()
		full, err = token.New(*linked)
	}
	if err != nil {
		// What makes no token is refused with the status of its fault; a zero result too (L-10).
		var fault *token.SpecError
		if st = ntstatus.InvalidParameter; errors.As(err, &fault) {
			st = fault.Status
		}
		return nil, nil, st
	}
	if r.Token.AuthenticationID != 0 {
		// The sessions of the system and of Anonymous are always there (L-10).
		return v, func() {}, ntstatus.Success
	}
	for _, id := range ids {
		sessions.Open(id)
		sessions.Hold(id)
	}
	end = func() {
		for _, id := range ids {
			sessions.Finish(id)
		}
	}
	if full != nil {
		if st := sessions.Link(full, v); st != ntstatus.Success {
			end()
			return nil, nil, st
		}
	}
	return v, end, ntstatus.Success
}
