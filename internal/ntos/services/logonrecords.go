package services

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// LogonSource says who requested a logon and from where, for the logon's audit record.
type LogonSource struct {
	Subject    access.Subject // zero: the system itself
	Process    string         // LogonProcessName; "" for none
	Package    string         // AuthenticationPackageName; "" for none
	ClientID   uint64         // requesting process
	ClientName string         // its name
	Proof      string         // how the client proved who it is, or why it did not; "" where Package says all
	Address    string         // of the client; "" where it is not known
	// Peer is the user of the host who caused a logon without a checked credential: a connection that
	// only the host's kernel identified, or a logon by name. It is "" for a logon that was proved. Its
	// records count against that user, and no call waits for them, unless the token is powerful (U-92).
	Peer string
}

// process returns the audit field LogonProcessName: the name of the requesting process, "-" for none, then ": " and the
// proof if there is one (K-50).
func (s *LogonSource) process() []string {
	name := cmp.Or(s.Process, "-")
	if s.Proof != "" {
		name += ": " + s.Proof
	}
	return []string{name}
}

// logonSource returns the source of an LsaLogonUser request, with the package of its message type. It makes origin
// printable.
func (c *Context) logonSource(in *nt.LsaLogonUserIn, origin string) LogonSource {
	from := LogonSource{Subject: c.self.Subject(), Process: "LsaLogonUser", Package: "password",
		ClientID: uint64(c.self.Process().ID()), ClientName: c.self.Process().Name(), Address: printable.Line(origin)}
	if in.AuthenticationInformation.MessageType == nt.S4ULogon {
		from.Package = "s4u"
	}
	if in.AuthenticationInformation.MessageType == nt.TokenLogon {
		from.Package = "kerberos"
	}
	return from
}

// longest is the number of bytes that are recorded of a name from a client.
const longest = 64

// named returns the account to write into a logon record: a, or the names of the request if the account is unknown. It
// cuts both names to longest bytes of whole characters.
func named(r *logon.Request, a logon.Account) logon.Account {
	if a.Name == "" {
		a = logon.Account{Domain: r.Domain, Name: r.Name}
	}
	for _, text := range []*string{&a.Domain, &a.Name} {
		if len(*text) > longest {
			*text = strings.ToValidUTF8((*text)[:longest], "")
		}
	}
	return a
}

// logonOrigin returns the origin of a logon record. A source without a subject means the System process.
func (s *System) logonOrigin(from *LogonSource) audit.Origin {
	subject := from.Subject
	if subject.Primary == nil {
		subject.Primary = s.SystemProcess().Token()
	}
	return audit.Origin{Subject: subject, Names: s.Log.Names, ProcessID: from.ClientID, ProcessName: from.ClientName}
}

// RecordLogon records a logon and marks its session, so that the session's end is recorded too (L-48). It records
// each token of a linked pair as a separate logon, and after each its sensitive privileges. It returns the status of
// the first record that cannot be written; the session is then not marked. A logon with from.Peer always succeeds
// unless a token is powerful: a record beyond the user's rate is left out (U-92).
func (s *System) RecordLogon(from LogonSource, t winnt.LogonType, tok *token.Token) ntstatus.Status {
	all := []*token.Token{tok}
	linked := s.Security.Sessions.Linked(tok)
	if linked != nil {
		all = []*token.Token{linked, tok}
	}
	peer := from.Peer != "" && !slices.ContainsFunc(all, powerful)
	for i, v := range all {
		other := winnt.LUID(0)
		if linked != nil {
			other = all[1-i].AuthenticationID()
		}
		if peer {
			if s.recordUnproved(&from, t, v, other) {
				s.Security.Sessions.Note(se.Logon{Token: v, Type: t, Proof: from.Proof, Peer: true})
			}
			continue
		}
		if st := s.recordToken(&from, t, v, other, strongest(all)); st != ntstatus.Success {
			return st
		}
	}
	if peer {
		return ntstatus.Success
	}
	for _, v := range all {
		s.Security.Sessions.Note(se.Logon{Token: v, Type: t, Proof: from.Proof})
	}
	return ntstatus.Success
}

// strongest returns the token that identifies the user of a logon in its records: the administrator's token of a linked
// pair, or the first if neither is one. all must not be empty.
func strongest(all []*token.Token) *token.Token {
	if i := slices.IndexFunc(all, (*token.Token).IsAdmin); i > 0 {
		return all[i]
	}
	return all[0]
}

// powerful reports whether a logon must be recorded even beyond the user's rate: the token is an administrator's or
// has a sensitive privilege. A token at level Identification is not powerful, because it grants nothing.
func powerful(v *token.Token) bool {
	return !onlyIdentifies(v) && (v.IsAdmin() || audit.Sensitive(v.Spec().Privileges) != 0)
}

// onlyIdentifies reports whether a token has an impersonation level that grants no access.
func onlyIdentifies(v *token.Token) bool {
	return v.Type() == winnt.TokenImpersonation && v.Level() < winnt.SecurityImpersonation
}

// recordUnproved records one token of a logon in which no credential was checked, within the rate of from.Peer. Event
// 4672 for sensitive privileges counts as another record. recordUnproved reports whether to record the end of the
// session: if its start was recorded, or the policy excludes logons.
func (s *System) recordUnproved(from *LogonSource, t winnt.LogonType, v *token.Token, linked winnt.LUID) bool {
	if s.Log.Records(audit.Logon, audit.Success, v) {
		e, err := s.loggedOn(from, t, v, linked)
		if err != nil || !s.recordPeer(from.Peer, e) {
			return false
		}
	} else if _, ok := s.Peers.take(from.Peer, time.Now()); !ok {
		return false // the record of the end counts within the rate
	}
	if e, ok, err := s.specialLogon(t, v); ok && err == nil {
		s.recordPeer(from.Peer, e)
	}
	return true
}

// loggedOn builds the audit event 4624 for a logon with the token v. linked is the logon ID of the linked token, 0
// without one. An empty address or package is "-".
func (s *System) loggedOn(from *LogonSource, t winnt.LogonType, v *token.Token, linked winnt.LUID) (audit.Event,
	error) {
	values := s.target(v.User().SID, v.AuthenticationID())
	values["LogonType"] = text("%d", t)
	values["LogonProcessName"] = from.process()
	values["AuthenticationPackageName"] = text("%s", from.Package)
	values["IpAddress"] = text("%s", from.Address)
	values["ImpersonationLevel"] = text("%s", levelCode(v))
	values["TargetLinkedLogonId"] = text("0x%x", uint64(linked))
	values["VirtualAccount"] = text("%s", yesNo(false))
	values["ElevatedToken"] = text("%s", yesNo(v.IsElevated()))
	e, err := audit.Make(4624, audit.Success, s.logonOrigin(from), values)
	return e.Of(v), err
}

// recordToken writes the audit records of one token of a logon. Event 4624 records the logon, and event 4672
// sensitive privileges. The records count as those of whose, the stronger token of a linked pair. If the policy
// requires no record, the result is success. A record that cannot be stored returns its status.
func (s *System) recordToken(from *LogonSource, t winnt.LogonType, v *token.Token, linked winnt.LUID,
	whose *token.Token) ntstatus.Status {
	if s.Log.Records(audit.Logon, audit.Success, v) {
		e, err := s.loggedOn(from, t, v, linked)
		if err != nil {
			return ntstatus.AuditFailed
		}
		if st := s.Log.Write(e.Of(whose)); st != ntstatus.Success {
			return st
		}
	}
	// Sensitive privileges are recorded right after the logon that brings them (L-48).
	e, ok, err := s.specialLogon(t, v)
	switch {
	case !ok:
		return ntstatus.Success
	case err != nil:
		return ntstatus.AuditFailed
	}
	return s.Log.Write(e)
}

// specialLogon builds the audit event 4672 for the sensitive privileges of a token. ok is false for a token
// without them, and if the policy excludes the event.
func (s *System) specialLogon(t winnt.LogonType, v *token.Token) (e audit.Event, ok bool, err error) {
	held := audit.SpecialPrivileges(v.Spec().Privileges, t)
	if held == nil || !s.Log.Records(audit.SpecialLogon, audit.Success, v) {
		return e, false, nil
	}
	origin := audit.Origin{Subject: access.Subject{Primary: v}, Names: s.Log.Names}
	e, err = audit.Make(4672, audit.Success, origin, audit.Values{"PrivilegeList": held})
	return e, true, err
}

// RecordRefusedLogon records a refused logon with the status that the client got and, as the substatus, the reason
// (L-49). The substatus is 0 if both are equal. A failure to write the record is ignored.
func (s *System) RecordRefusedLogon(from LogonSource, t winnt.LogonType, who logon.Account, said,
	why ntstatus.Status) {
	if !s.Log.Records(audit.Logon, audit.Failure, nil) {
		return
	}
	if who.SID.IsZero() {
		who.SID = sid.Nobody
	}
	if why == said {
		why = ntstatus.Success
	}
	reason := cmp.Or(failureCodes[why], failureCodes[said], "%%2304")
	e, err := audit.Make(4625, audit.Failure, s.logonOrigin(&from), audit.Values{
		"TargetUserSid":  text("%s", who.SID),
		"TargetUserName": text("%s", who.Name), "TargetDomainName": text("%s", who.Domain),
		"Status": text("0x%x", uint32(said)), "SubStatus": text("0x%x", uint32(why)), "FailureReason": text("%s", reason),
		"LogonType": text("%d", t), "LogonProcessName": from.process(),
		"AuthenticationPackageName": text("%s", from.Package),
		"IpAddress":                 text("%s", from.Address),
	})
	switch {
	case err != nil: // the catalogue and this function disagree
	case from.Peer != "":
		s.recordPeer(from.Peer, e.Of(nil))
	default:
		// The refusal does not depend on the success of its record.
		_ = s.Log.Write(e.Of(nil))
	}
}

// RecordLogoff records the end of a logon's session (L-48), if the policy asks for it. It ignores a failure to write
// the record.
func (s *System) RecordLogoff(o se.Logon) {
	if !s.Log.Records(audit.Logoff, audit.Success, o.Token) {
		return
	}
	values := s.target(o.Token.User().SID, o.Token.AuthenticationID())
	values["LogonType"] = text("%d", o.Type)
	e, err := audit.Make(4634, audit.Success, audit.Origin{Names: s.Log.Names}, values)
	switch {
	case err != nil: // the catalogue and this function disagree
	case o.Peer:
		s.Log.WriteLater(e.Of(o.Token)) // needs no rate limit: the record of the logon was within the limit
	default:
		_ = s.Log.Write(e.Of(o.Token)) // the session ends even if its record cannot be written
	}
}

// target returns the fields of an audit record that name an account and its session. An account without a name gets
// "-".
func (s *System) target(user sid.SID, session winnt.LUID) audit.Values {
	name, domain, ok := "", "", false
	if s.Log.Names != nil {
		name, domain, ok = s.Log.Names.Account(user)
	}
	if !ok {
		name, domain = "", "" // audit.Make writes "-" (U-57)
	}
	return audit.Values{"TargetUserSid": text("%s", user), "TargetUserName": text("%s", name),
		"TargetDomainName": text("%s", domain), "TargetLogonId": text("0x%x", uint64(session))}
}

// text formats v as the only value of a field of an audit record.
func text(format string, v any) []string { return []string{fmt.Sprintf(format, v)} }

// failureCodes are the message codes of field FailureReason.
var failureCodes = map[ntstatus.Status]string{
	ntstatus.AccountLockedOut: "%%2307", ntstatus.LogonTypeNotGranted: "%%2308", ntstatus.AccountDisabled: "%%2310",
	ntstatus.WrongPassword: "%%2313", ntstatus.NoSuchUser: "%%2313", ntstatus.LogonFailure: "%%2313",
	ntstatus.NameTooLong: "%%2313", ntstatus.AccountExpired: "%%2305", ntstatus.PasswordExpired: "%%2309",
	ntstatus.PasswordMustChange: "%%2309", ntstatus.InvalidLogonHours: "%%2311", ntstatus.InvalidWorkstation: "%%2312",
}

// yesNo returns the message code by which an audit record says yes or no.
func yesNo(yes bool) string {
	if yes {
		return "%%1842"
	}
	return "%%1843"
}

// levelCode returns the message code of the token's impersonation level. A primary token counts as
// SecurityImpersonation, and so does a token at SecurityDelegation.
func levelCode(v *token.Token) string {
	if onlyIdentifies(v) {
		return "%%1832"
	}
	return "%%1833"
}
