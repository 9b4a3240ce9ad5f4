package answer

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// machine answers the questions that need a kernel, which it boots for each. It is immutable.
type machine struct{ profile nt.Profile }

// withThread boots a kernel with one process that has a primary token, and calls fn in kernel mode on its thread.
// A reference that is left at the end is an error.
func (m machine) withThread(primary *token.Token, fn func(*kernel.KernelThread) (*kit.Out, error)) (out *kit.Out,
	err error) {
	sys := kernel.Boot(kernel.Config{Profile: m.profile})
	defer func() { err = errors.Join(err, sys.Close()) }()
	p, err := sys.NewProcess("server", primary)
	if err != nil {
		return nil, err
	}
	th, err := p.NewThread()
	if err != nil {
		return nil, err
	}
	return fn(sys.KernelMode(th))
}

// duplicate calls NtDuplicateToken on a thread of LocalSystem. in.Type "impersonation" requests an impersonation
// token, any other a primary token. A nil level means no quality of service. A failed call is an answer with only its
// status. A token that cannot be built or opened is an error.
func (m machine) duplicate(in *kit.DuplicateIn) (*kit.Out, error) {
	t, err := newToken(in.Token)
	if err != nil {
		return nil, err
	}
	primary, err := token.New(token.LocalSystem())
	if err != nil {
		return nil, err
	}
	typ := winnt.TokenPrimary
	if in.Type == "impersonation" {
		typ = winnt.TokenImpersonation
	}
	return m.withThread(primary, func(k *kernel.KernelThread) (*kit.Out, error) {
		object := k.NewToken(t)
		defer k.PsDereferenceImpersonationToken(object)
		h, st := k.ObOpenObjectByPointer(object, 0, winnt.TOKEN_DUPLICATE|winnt.TOKEN_QUERY, winnt.TokenObject,
			kernel.KernelMode)
		if !st.IsSuccess() {
			return nil, fmt.Errorf("opening the token: %w", st.Err())
		}
		defer k.ZwClose(h)
		var attributes nt.ObjectAttributes
		if in.Level != nil {
			attributes.SecurityQualityOfService = &nt.SecurityQualityOfService{
				ImpersonationLevel: winnt.SecurityImpersonationLevel(*in.Level)}
		}
		attributes.Attributes = winnt.OBJ_KERNEL_HANDLE
		n, st := k.Zw().NtDuplicateToken(h, 0, &attributes, in.EffectiveOnly, typ)
		if !st.IsSuccess() {
			return &kit.Out{Status: st.String()}, nil
		}
		defer k.ZwClose(n)
		o, _, st := k.ObReferenceObjectByHandle(n, 0, winnt.TokenObject, kernel.KernelMode)
		if !st.IsSuccess() {
			return nil, fmt.Errorf("referencing the duplicate: %w", st.Err())
		}
		defer k.ObDereferenceObject(o)
		return result(o.(*kernel.AccessToken).Value(), st), nil
	})
}

// impersonate calls PsImpersonateClient on a thread of the process token, with the client's token. It returns the
// status, and after a success also the level that the thread then has. A token that cannot be built is an error.
func (m machine) impersonate(in *kit.ImpersonateIn) (*kit.Out, error) {
	primary, err := newToken(in.Process)
	if err != nil {
		return nil, err
	}
	client, err := newToken(in.Client)
	if err != nil {
		return nil, err
	}
	return m.withThread(primary, func(k *kernel.KernelThread) (*kit.Out, error) {
		object := k.NewToken(client)
		defer k.PsDereferenceImpersonationToken(object)
		level := winnt.SecurityImpersonationLevel(in.Level)
		if st := k.PsImpersonateClient(k.Thread(), object, false, false, level); !st.IsSuccess() {
			return &kit.Out{Status: st.String()}, nil
		}
		defer k.PsRevertToSelf()
		acting, _, _, level := k.PsReferenceImpersonationToken(k.Thread())
		defer k.PsDereferenceImpersonationToken(acting)
		now := int(level)
		return &kit.Out{Status: ntstatus.Success.String(), Level: &now}, nil
	})
}
