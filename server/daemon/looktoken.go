package daemon

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Token tells what a token says of its user.
type Token struct {
	User       sid.SID                          `json:"user"`
	Type       winnt.TokenType                  `json:"type"`
	Level      winnt.SecurityImpersonationLevel `json:"level,omitempty"` // of an impersonation token
	Session    winnt.LUID                       `json:"session"`         // logon session
	Integrity  sid.SID                          `json:"integrity"`
	Groups     []Attributed                     `json:"groups,omitempty"`
	Privileges []Attributed                     `json:"privileges,omitempty"`
	Proof      string                           `json:"proof,omitempty"` // by which ticket the user is known
}

// Attributed is a group or a privilege with its attributes, SE_GROUP_* or SE_PRIVILEGE_*.
type Attributed struct {
	Group      sid.SID         `json:"group,omitzero"`
	Privilege  winnt.Privilege `json:"privilege,omitempty"`
	Attributes uint32          `json:"attributes"`
}

// token returns the token of a process, or of the client of a thread; nil if it does not exist,
// and for those who may not be told.
func (l *looker) token(q *Question) *Token {
	// A token's descriptor often names its user and no administrator, whose SeDebugPrivilege
	// opens the process: he is told what it says, and gets no handle that could be used (W-95).
	if !l.who.Holds(winnt.SeDebugPrivilege) {
		return nil
	}
	if len(q.Threads) != 1 {
		if v := l.d.sys.TokenOf(winnt.Handle(q.Process)); v != nil {
			return told(v)
		}
		return nil
	}
	a, ok := l.d.sys.Acting(winnt.Handle(q.Threads[0]))
	if !ok {
		return nil
	}
	t := told(a.Token)
	t.Level, t.Proof = a.Level, a.Proof
	return t
}

func told(v *token.Token) *Token {
	t := &Token{User: v.User().SID, Type: v.Type(), Session: v.AuthenticationID(), Integrity: v.IntegrityLevel().SID}
	for _, g := range v.Groups() {
		t.Groups = append(t.Groups, Attributed{Group: g.SID, Attributes: g.Attributes})
	}
	for p, attributes := range v.Privileges() {
		t.Privileges = append(t.Privileges, Attributed{Privilege: p, Attributes: attributes})
	}
	return t
}
