package daemon

import (
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// token returns the contents of the token that a query selects, or nil. One thread in q.Threads selects its client's
// token, with the impersonation's level and proof. Any other number of threads selects the token of process
// q.Process. Nil means no SeDebugPrivilege, an unknown process, or a thread that does not impersonate.
func (l *inspector) token(q *inspect.Query) *inspect.Token {
	// A token's descriptor often does not name administrators. SeDebugPrivilege lets them open the process, so it also
	// lets them read the token's contents, but not open the token (W-95).
	if !l.who.Holds(winnt.SeDebugPrivilege) {
		return nil
	}
	if len(q.Threads) != 1 {
		if v := l.d.sys.TokenOf(winnt.Handle(q.Process)); v != nil {
			return contents(v)
		}
		return nil
	}
	a, ok := l.d.sys.Acting(winnt.Handle(q.Threads[0]))
	if !ok {
		return nil
	}
	t := contents(a.Token)
	t.Level, t.Proof = a.Level, a.Proof
	return t
}

// contents converts a token to the form of an inspection's reply. It leaves Level and Proof unset. v must not be nil.
func contents(v *token.Token) *inspect.Token {
	t := &inspect.Token{
		User: v.User().SID, Type: v.Type(), Session: v.AuthenticationID(), Integrity: v.IntegrityLevel().SID,
	}
	for _, g := range v.Groups() {
		t.Groups = append(t.Groups, inspect.Attributed{Group: g.SID, Attributes: g.Attributes})
	}
	for p, attributes := range v.Privileges() {
		t.Privileges = append(t.Privileges, inspect.Attributed{Privilege: p, Attributes: attributes})
	}
	return t
}
