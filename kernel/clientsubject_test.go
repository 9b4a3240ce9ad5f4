package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// I-80: a client captured from a subject's context is the one that the subject acts with,
// the process's own where it impersonates none, and no more than it gives.
func TestClientOfASubject(t *testing.T) {
	own := sid.MustParse("S-1-5-21-1-2-3-1001")
	spec := token.StandardUser(own)
	spec.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	spec.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	sys, th := userThread(t, spec)
	k := sys.KernelMode(th)
	thread := sys.ThreadObject(th)
	client := k.NewToken(plain(t, "S-1-5-21-1-2-3-1500", winnt.TokenImpersonation))
	defer k.PsDereferenceImpersonationToken(client)
	q := nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	for _, c := range []struct {
		acts  bool
		level winnt.SecurityImpersonationLevel
		user  sid.SID
		want  ntstatus.Status
	}{
		{false, 0, own, ntstatus.Success},
		{true, winnt.SecurityImpersonation, client.Value().User().SID, ntstatus.Success},
		{true, winnt.SecurityIdentification, sid.SID{}, ntstatus.BadImpersonationLevel},
	} {
		k.PsRevertToSelf()
		if c.acts {
			if st := k.PsImpersonateClient(thread, client, false, false, c.level); st != ntstatus.Success {
				t.Fatal(st)
			}
		}
		s := k.SeCaptureSubjectContext()
		x, out := thread.Process().System().CreateClientSecurityFromSubject(s, q, false, thread.Process())
		k.SeReleaseSubjectContext(s)
		if out.Status != c.want {
			t.Errorf("I-80: impersonating %t at %d: %s, want %s", c.acts, c.level, out.Status, c.want)
		}
		if out.Status != ntstatus.Success {
			continue
		}
		if got := x.Token.Value().User().SID; got != c.user {
			t.Errorf("I-80: impersonating %t: captured %s, want %s", c.acts, got, c.user)
		}
		k.SeDeleteClientSecurity(x)
	}
	k.PsRevertToSelf()
}
