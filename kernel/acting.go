package kernel

import (
	"cmp"
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Acting is the client that a thread impersonates. The zero value means none.
type Acting struct {
	Since int64 // 100-ns units since 1601-01-01 UTC, 0 where the system has no clock
	User  sid.SID
	Level winnt.SecurityImpersonationLevel
	Proof string       // by which ticket the client is known; "" for none
	Token *token.Token // the client's
}

// Acting returns the client that the thread with an id impersonates. It returns false if the thread does not
// impersonate, is unknown or has ended.
func (s *System) Acting(thread winnt.Handle) (Acting, bool) {
	t := s.sys.LookupThread(thread)
	if t == nil {
		return Acting{}, false
	}
	defer t.Deref(ob.TagCall)
	r := t.Impersonation(ob.TagCall)
	if r == nil {
		return Acting{}, false
	}
	defer r.Token.Deref(ob.TagCall)
	v := r.Token.Value()
	return Acting{t.ActingSince(), v.User().SID, r.Level, s.sys.Security.Sessions.Proof(v.AuthenticationID()), v}, true
}

// TokenOf returns the primary token of the process with an id, or nil if there is no
// such process.
func (s *System) TokenOf(process winnt.Handle) *token.Token {
	p := s.sys.LookupProcess(process)
	if p == nil {
		return nil
	}
	defer p.Deref(ob.TagCall)
	return p.Token()
}

// Proved is a live logon session whose client presented a ticket. The zero value is
// no session.
type Proved struct {
	Session winnt.LUID
	User    sid.SID
	Proof   string // by which ticket
}

// Proved returns the live logon sessions whose clients presented a ticket, in the order of their ids. It returns nil
// for none.
func (s *System) Proved() (all []Proved) {
	for _, l := range s.sys.Security.Sessions.Proved() {
		all = append(all, Proved{l.Token.AuthenticationID(), l.Token.User().SID, l.Proof})
	}
	slices.SortFunc(all, func(a, b Proved) int { return cmp.Compare(a.Session, b.Session) })
	return all
}
