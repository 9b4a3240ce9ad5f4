package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// SeImpersonateClient, which returns no status, impersonates like SeImpersonateClientEx (I-81).
func TestSeImpersonateClientImpersonates(t *testing.T) {
	spec := token.LocalSystem()
	spec.EnabledPrivileges = spec.Privileges
	sys, th := userThread(t, spec)
	k := sys.KernelMode(th)
	c := check.Result(k.SeCreateClientSecurity(k.Thread(), nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation}, false))
	for range 2 {
		k.SeImpersonateClient(c, k.Thread())
		got, copies, _, level := k.PsReferenceImpersonationToken(k.Thread())
		if got == nil || !copies || level != winnt.SecurityImpersonation {
			t.Errorf("I-81: after SeImpersonateClient the thread's token is %v, copy on open %t, level %v; want "+
				"a token, true, SecurityImpersonation", got, copies, level)
		}
		k.PsDereferenceImpersonationToken(got)
		k.PsRevertToSelf()
	}
	k.SeDeleteClientSecurity(c)
}

// A client context captured from a subject context has the token of the subject's client, or of its process if there
// is not a client. A request above the level of the client fails (I-80).
func TestClientContextFromSubjectHasItsClient(t *testing.T) {
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
			check.Require(t, k.PsImpersonateClient(thread, client, false, false, c.level), ntstatus.Success,
				"PsImpersonateClient")
		}
		s := k.SeCaptureSubjectContext()
		x, out := thread.Process().System().CreateClientSecurityFromSubject(s, q, false, thread.Process())
		k.SeReleaseSubjectContext(s)
		check.Equal(t, out.Status, c.want, "I-80: capture from a subject that impersonates: %t, at level %d", c.acts,
			c.level)
		if out.Status != ntstatus.Success {
			continue
		}
		check.Equal(t, x.Token.Value().User().SID, c.user, "I-80: capture from a subject that impersonates: %t: user",
			c.acts)
		k.SeDeleteClientSecurity(x)
	}
	k.PsRevertToSelf()
}

// A remote server may capture a client that itself impersonates only at the level Delegation (I-80).
func TestRemoteServerNeedsClientAtDelegation(t *testing.T) {
	spec := token.LocalSystem()
	spec.EnabledPrivileges = spec.Privileges
	sys, th := userThread(t, spec)
	k := sys.KernelMode(th)
	client := k.NewToken(plain(t, "S-1-5-21-1-2-3-1500", winnt.TokenPrimary).WithTypeLevel(winnt.TokenImpersonation,
		winnt.SecurityDelegation))
	defer k.PsDereferenceImpersonationToken(client)
	for _, c := range []struct {
		level  winnt.SecurityImpersonationLevel
		remote bool
		want   ntstatus.Status
	}{
		{winnt.SecurityImpersonation, false, ntstatus.Success},
		{winnt.SecurityImpersonation, true, ntstatus.BadImpersonationLevel},
		{winnt.SecurityDelegation, true, ntstatus.Success},
	} {
		check.Success(t, k.PsImpersonateClient(k.Thread(), client, false, false, c.level))
		x, st := k.SeCreateClientSecurity(k.Thread(), nt.SecurityQualityOfService{
			ImpersonationLevel: winnt.SecurityImpersonation}, c.remote)
		check.Equal(t, st, c.want, "I-80: client at level %d, remote %t", c.level, c.remote)
		if x != nil {
			check.Equal(t, x.Remote, c.remote, "I-80: context of a remote server")
			k.SeDeleteClientSecurity(x)
		}
		k.PsRevertToSelf()
	}
}

// A token object made from a nil or zero token value has no rights. A thread that impersonates it acts as Anonymous;
// it does not revert, as it would with a NULL token.
func TestEmptyTokenObjectHasNoRights(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k := check.Must(sys.SystemThread())
	for _, v := range []*token.Token{nil, new(token.Token)} {
		for _, tok := range []*kernel.AccessToken{k.NewToken(v), check.Result(k.NewTokenProtected(v, nil)),
			k.CaptureToken(v, k.Thread())} {
			if got := tok.Value(); got.User().SID != sid.MustParse("S-1-0-0") || got.GroupCount() > 1 || got.Present() != 0 ||
				got.Level() != winnt.SecurityAnonymous {
				t.Errorf("A-150: token object made from an empty value: %+v, want S-1-0-0 at SecurityAnonymous "+
					"without privileges", got.Spec())
			}
			k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation)
			if got, _, _, level := k.PsReferenceImpersonationToken(k.Thread()); got == nil || level != winnt.SecurityAnonymous {
				t.Errorf("A-150: the thread impersonates %v at %v, want a token at SecurityAnonymous", got, level)
			}
			k.PsRevertToSelf()
		}
		if p, err := sys.CreateProcess(kernel.ProcessSpec{Name: "p", Token: v}); err == nil || p != nil {
			t.Errorf("A-150: CreateProcess with an empty token: %v, %v; want nil and an error", p, err)
		}
	}
}

// A captured token admits the client and the server's user, and not the user of the process that captured it (I-23).
func TestCapturedTokenAdmitsServer(t *testing.T) {
	client, caller := plain(t, "S-1-5-21-1-2-3-1001", winnt.TokenImpersonation), plain(t, "S-1-5-21-1-2-3-1002",
		winnt.TokenPrimary)
	server := plain(t, "S-1-5-21-1-2-3-1003", winnt.TokenPrimary)
	sys, th := userThread(t, caller.Spec())
	k := sys.KernelMode(th)
	remote := check.Must(check.Must(sys.NewProcess("server", server)).NewThread())
	tok := k.CaptureToken(client, sys.ThreadObject(remote))
	defer k.PsDereferenceImpersonationToken(tok)
	for who, want := range map[*token.Token]bool{client: true, server: true, caller: false} {
		d := check.Must(access.Check(who, tok.Security(), winnt.TOKEN_QUERY, winnt.TokenObject))
		check.Equal(t, d.Allowed(), want, "I-23: %s may query the token", who.User().SID)
	}
	own := k.NewToken(client)
	defer k.PsDereferenceImpersonationToken(own)
	for who, want := range map[*token.Token]bool{client: true, server: false, caller: false} {
		d := check.Must(access.Check(who, own.Security(), winnt.TOKEN_QUERY, winnt.TokenObject))
		check.Equal(t, d.Allowed(), want, "%s may query a token that was not captured", who.User().SID)
	}
}
