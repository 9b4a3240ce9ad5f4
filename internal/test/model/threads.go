package model

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ImpersonateThread models NtImpersonateThread (I-73).
func (m *Machine) ImpersonateThread(c Caller, server, client winnt.Handle, q QOS, dynamic bool) Result {
	var s, t Slot
	if r, over := refuse("NtImpersonateThread",
		m.handle(c, "O-31", "ServerThreadHandle", server, winnt.THREAD_DIRECT_IMPERSONATION, isThread, &s),
		m.handle(c, "O-31", "ClientThreadHandle", client, winnt.THREAD_IMPERSONATE, isThread, &t),
		several("I-80", "", func() ntstatus.Status {
			return m.Capture(t.Thread, q, dynamic, false, s.Thread.Process).Status
		})); over {
		return r
	}
	last := len(m.Contexts) - 1
	r := m.ImpersonateContext(last, s.Thread)
	m.DeleteContext(last)
	return r
}

// ImpersonateAnonymous models NtImpersonateAnonymousToken (I-74).
func (m *Machine) ImpersonateAnonymous(c Caller, thread winnt.Handle) Result {
	var s Slot
	if r, over := refuse("NtImpersonateAnonymousToken",
		m.handle(c, "O-31", "ThreadHandle", thread, winnt.THREAD_IMPERSONATE, isThread, &s),
		when("I-74", "", ntstatus.AccessDenied, func() bool {
			return !c.KernelMode && c.Process.Primary.Value.restricted()
		})); over {
		return r
	}
	v := Value{User: Anonymous, Owner: Anonymous, Primary: Anonymous, Type: winnt.TokenPrimary, Logon: 0x3E6,
		FromSystem: true, Policy: 3, Elevation: winnt.TokenElevationTypeDefault}
	tok := m.newToken(v, copyGuard(&v, &s.Thread.Process.Primary.Value), nil)
	r := m.Impersonate(s.Thread, tok, true, false, 2)
	return r
}
