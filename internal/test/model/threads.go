package model

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ImpersonateThread models NtImpersonateThread (I-73).
func (m *Machine) ImpersonateThread(c Caller, server, client winnt.Handle, q QOS, dynamic bool) Result {
	s, st := m.reference(c, server, winnt.THREAD_DIRECT_IMPERSONATION, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	t, st := m.reference(c, client, winnt.THREAD_IMPERSONATE, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	if r := m.Capture(t.Thread, q, dynamic, false, s.Thread.Process); r.Status != ntstatus.Success {
		return failed(r.Status)
	}
	last := len(m.Contexts) - 1
	r := m.ImpersonateContext(last, s.Thread)
	m.DeleteContext(last)
	return r
}

// ImpersonateAnonymous models NtImpersonateAnonymousToken (I-74).
func (m *Machine) ImpersonateAnonymous(c Caller, thread winnt.Handle) Result {
	s, st := m.reference(c, thread, winnt.THREAD_IMPERSONATE, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	if !c.KernelMode && c.Process.Primary.Value.restricted() {
		return failed(ntstatus.AccessDenied)
	}
	v := Value{User: Anonymous, Owner: Anonymous, Primary: Anonymous, Type: winnt.TokenPrimary, Logon: 0x3E6,
		FromSystem: true, Policy: 3, Elevation: winnt.TokenElevationTypeDefault}
	tok := m.newToken(v, copyGuard(&v, &s.Thread.Process.Primary.Value), nil)
	r := m.Impersonate(s.Thread, tok, true, false, 2)
	return r
}
