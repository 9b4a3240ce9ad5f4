package kernel

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// As runs fn while a thread of this system impersonates a client, as a server
// does for each request. The client is a token value, for which As creates a
// token object. As impersonates at the client's level, or for a primary token
// at SecurityImpersonation. When fn returns or panics, the thread has its
// previous state again (I-76). fn never runs if the impersonation fails. A
// thread that may only identify the client impersonates at
// SecurityIdentification (I-43), and opens in fn are then refused.
func (s *System) As(th *nt.Thread, client *token.Token, fn func() error) error {
	if th == nil || client.IsZero() || fn == nil {
		return errors.New("kernel: impersonate: a thread, a token and a function are needed")
	}
	if s.KernelMode(th) == nil {
		return errors.New("kernel: impersonate: the thread is of another system, or has ended")
	}
	ticket := th.Services().SaveImpersonation()
	defer th.Services().RestoreImpersonation(ticket)
	if err := s.actAs(th, client); err != nil {
		return err
	}
	return fn()
}

// actAs makes a thread impersonate a client, at the client's level or for a primary token at SecurityImpersonation. The
// caller must end that with a revert. On an error the thread keeps its previous state. A nil or zero client and a
// thread that has ended are errors.
func (s *System) actAs(th *nt.Thread, client *token.Token) error {
	k := s.KernelMode(th)
	if k == nil || client.IsZero() {
		return errors.New("kernel: impersonate: a thread that has not ended and a token are needed")
	}
	level := winnt.SecurityImpersonation
	if client.Type() == winnt.TokenImpersonation {
		level = client.Level()
	}
	t := k.CaptureToken(client, k.Thread())
	defer t.Deref(ob.TagContext)
	if st := k.PsImpersonateClient(k.Thread(), t, false, false, level); !st.IsSuccess() {
		return fmt.Errorf("kernel: impersonate %s: %w", client.User().SID, st.Err())
	}
	return nil
}

// NewThreadAs creates a thread of the process that impersonates a client, as in
// [System.As], until [nt.Thread.Close]. Use it for one request or session and no other.
// If the impersonation fails, no thread is created. A nil or zero client is an error.
func (p *Process) NewThreadAs(client *token.Token) (*nt.Thread, error) {
	th, err := p.NewThread()
	if err != nil {
		return nil, err
	}
	if err := p.sys.actAs(th, client); err != nil {
		th.Close()
		return nil, err
	}
	return th, nil
}
