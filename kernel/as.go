package kernel

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// As runs fn while a thread of this system impersonates a client that is given
// by value, as a server does with each request. It makes the token object, and
// impersonates at the client's level, a primary token at SecurityImpersonation.
// When fn returns or panics the thread acts again as it did before (I-76). fn
// never runs when the impersonation failed. A thread that may only identify
// the client impersonates at SecurityIdentification (I-43): what fn opens is
// then refused.
func (s *System) As(th *nt.Thread, client *token.Token, fn func() error) error {
	if th == nil || client == nil || fn == nil {
		return errors.New("kernel: impersonate: a thread, a token and a function are needed")
	}
	k := s.KernelMode(th)
	if k == nil {
		return errors.New("kernel: impersonate: the thread is of another system, or has ended")
	}
	level := winnt.SecurityImpersonation
	if client.Type() == winnt.TokenImpersonation {
		level = client.Level()
	}
	t := k.CaptureToken(client, k.Thread())
	defer t.Deref(ob.TagContext)
	ticket := th.Services().SaveImpersonation()
	defer th.Services().RestoreImpersonation(ticket)
	if st := k.PsImpersonateClient(k.Thread(), t, false, false, level); !st.IsSuccess() {
		return fmt.Errorf("kernel: impersonate %s: %w", client.User().SID, st.Err())
	}
	return fn()
}
