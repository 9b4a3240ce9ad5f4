package audit

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// systemProcessID is the process whose requests have no process name.
const systemProcessID = 4

// Origin says who caused a record: the subject whose names it contains, and the process that made the call. The zero
// value is an unknown origin.
type Origin struct {
	// Subject is the thread's subject. If the call itself names a client token,
	// that token is Subject.Client.
	Subject     access.Subject
	Names       Names // nil: a Log uses its own; without any, names are recorded as "-"
	ProcessID   uint64
	ProcessName string
	// Wait waits until done is closed, after which the sink has made a record durable. It must not return earlier. With
	// nil, the sink waits in place.
	Wait func(done <-chan struct{})
}

// admin reports whether the origin's effective token is that of an administrator.
func (o *Origin) admin() bool {
	t := o.Subject.Effective()
	return t != nil && t.IsAdmin()
}

// appendSubject adds the four Subject fields, which name the acting account: the client while the thread impersonates
// one, else the account of the primary token (U-20).
func (o *Origin) appendSubject(l *fieldList) {
	if c := o.Subject.Client; c != nil {
		// An anonymous client is recorded as S-1-5-7 (U-21).
		if o.Subject.Level == winnt.SecurityAnonymous {
			o.appendAccount(l, "Subject", sid.Anonymous, winnt.ANONYMOUS_LOGON_LUID)
			return
		}
		o.appendToken(l, "Subject", c)
		return
	}
	o.appendToken(l, "Subject", o.Subject.Primary)
}

// appendPrimary adds the account of the process if the Subject fields name another token, that of a client (U-20). It
// comes after the documented fields.
func (o *Origin) appendPrimary(l *fieldList) {
	if p := o.Subject.Primary; p != nil && o.Subject.Client != nil && p != o.Subject.Client {
		o.appendToken(l, "Primary", p)
	}
}

// appendToken adds the four fields of an account, SID, name, domain and logon id, for the user of token t. prefix,
// such as "Subject", starts their names. A nil token is written as NULL SID in session 0.
func (o *Origin) appendToken(fields *fieldList, prefix string, t *token.Token) {
	if t == nil {
		o.appendAccount(fields, prefix, sid.Nobody, 0)
		return
	}
	o.appendAccount(fields, prefix, t.User().SID, t.AuthenticationID())
}

// appendAccount adds the four fields of an account: its SID, name, domain and logon id. prefix starts their names.
// Without Names, and for an account that Names does not know, it writes "-" for name and domain (U-21).
func (o *Origin) appendAccount(fields *fieldList, prefix string, account sid.SID, session winnt.LUID) {
	f := accountFields(prefix)
	fields.text(f.sid, account.String())
	var name, domain string
	if o.Names != nil {
		if n, d, ok := o.Names.Account(account); ok {
			name, domain = n, d
		}
	}
	// A name that is not found is written "-" (U-21).
	fields.name(f.name, name)
	fields.name(f.domain, domain)
	fields.hex(f.session, uint64(session))
}

// account has the names of the four fields of an account.
type account struct{ sid, name, domain, session string }

// The accounts of almost every record.
var (
	ofSubject = account{"SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId"}
	ofPrimary = account{"PrimaryUserSid", "PrimaryUserName", "PrimaryDomainName", "PrimaryLogonId"}
)

// accountFields returns the names of an account's four fields, such as SubjectUserSid for the prefix Subject.
func accountFields(prefix string) account {
	switch prefix {
	case "Subject":
		return ofSubject
	case "Primary":
		return ofPrimary
	}
	return account{prefix + "UserSid", prefix + "UserName", prefix + "DomainName", prefix + "LogonId"}
}

// appendProcess adds the number and the name of the process.
func (o *Origin) appendProcess(l *fieldList) {
	l.hex("ProcessId", o.ProcessID)
	o.appendProcessName(l)
}

// appendProcessName adds the name of the process: empty for the system process without a name (U-57), and "-" for any
// other without one.
func (o *Origin) appendProcessName(l *fieldList) {
	// The process name of process 4 is empty (U-57).
	if o.ProcessName == "" && o.ProcessID == systemProcessID {
		l.text("ProcessName", "")
		return
	}
	l.name("ProcessName", o.ProcessName)
}
