package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// a token object of no value has no rights. Impersonating it is not what
// impersonating NULL is, which would give the thread its process's rights back.
func TestTokenOfNothing(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k, err := sys.SystemThread()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []*token.Token{nil, new(token.Token)} {
		for _, tok := range []*kernel.AccessToken{k.NewToken(v), k.NewTokenProtected(v, nil),
			k.CaptureToken(v, k.Thread())} {
			if got := tok.Value(); got.User().SID != sid.MustParse("S-1-0-0") || got.GroupCount() > 1 || got.Present() != 0 ||
				got.Level() != winnt.SecurityAnonymous {
				t.Errorf("A-150: the token of %v", got.Spec())
			}
			k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation)
			if got, _, _, level := k.PsReferenceImpersonationToken(k.Thread()); got == nil ||
				level != winnt.SecurityAnonymous {
				t.Errorf("A-150: impersonating %v, level %v", got, level)
			}
			k.PsRevertToSelf()
		}
		if p, err := sys.CreateProcess(kernel.ProcessSpec{Name: "p", Token: v}); err == nil || p != nil {
			t.Error("A-150: a process without a token")
		}
	}
}

// a check for a context that nothing was captured in denies.
func TestCheckWithoutSubject(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k, err := sys.SystemThread()
	if err != nil {
		t.Fatal(err)
	}
	d := sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")
	for _, c := range []*kernel.SubjectContext{nil, {}} {
		out := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(d), SubjectSecurityContext: c,
			DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: nt.Cap(winnt.FileObject.Mapping),
			AccessMode: access.User})
		if out.Result || out.AccessStatus == ntstatus.Success || out.GrantedAccess != 0 {
			t.Errorf("A-150: %+v: %+v", c, out)
		}
		for _, mode := range []kernel.ProcessorMode{kernel.UserMode, kernel.KernelMode} {
			required := &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}}
			if set, held := k.SePrivilegeCheck(required, c, mode); held || len(set.Privilege) != 1 ||
				set.Privilege[0].Attributes != 0 {
				t.Errorf("A-150: %+v in mode %d holds a privilege: %+v", c, mode, set)
			}
		}
	}
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}
