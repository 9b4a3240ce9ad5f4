package ps_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestCapturedLevels: a server acts as a captured client at the level that the client allows,
// whatever the client's own token would let it do, and copies on open (I-80, I-81).
func TestCapturedLevels(t *testing.T) {
	w := newWorld(t, nt.Documented)
	server, client := w.thread(w.process("server", privileged)), w.thread(w.process("client", nil))
	for _, acts := range []bool{false, true} {
		if acts {
			impersonate(t, client, w.token(svc, winnt.SecurityDelegation), false, false, winnt.SecurityDelegation)
		}
		for _, tracking := range []bool{winnt.SECURITY_STATIC_TRACKING, winnt.SECURITY_DYNAMIC_TRACKING} {
			for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
				for _, effectiveOnly := range []bool{false, true} {
					c, out := client.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: level,
						ContextTrackingMode: tracking, EffectiveOnly: effectiveOnly}, false, server.Process())
					if out.Status != ntstatus.Success {
						t.Fatalf("%v: %+v", level, out)
					}
					if out := c.Impersonate(server); out.Status != ntstatus.Success {
						t.Fatalf("%v: %+v", level, out)
					}
					r := server.Impersonation(ob.TagCall)
					if r == nil || r.Level != level || r.EffectiveOnly != effectiveOnly || !r.CopyOnOpen {
						t.Errorf("the client acts %t, dynamic %t, level %v, effective only %t: %+v", acts, tracking, level,
							effectiveOnly, r)
					}
					if r != nil {
						r.Token.Deref(ob.TagCall)
					}
					server.RevertToSelf()
					c.Delete()
				}
			}
		}
	}
}
