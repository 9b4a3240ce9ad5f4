package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Kernel mode holds every privilege, and a client below SecurityImpersonation none (T-102).
func TestPrivilegesDependOnModeAndLevel(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-1001"))
	spec.Type, spec.EnabledPrivileges = winnt.TokenImpersonation, spec.Privileges
	for _, c := range []struct {
		level        winnt.SecurityImpersonationLevel
		privilege    winnt.Privilege
		user, kernel bool
	}{
		{winnt.SecurityIdentification, winnt.SeBackupPrivilege, false, true},
		{winnt.SecurityImpersonation, winnt.SeBackupPrivilege, true, true},
		{winnt.SecurityImpersonation, winnt.SeTcbPrivilege, false, true},
	} {
		spec.Level = c.level
		client := k.CaptureToken(check.Must(token.New(spec)), k.Thread())
		check.Success(t, k.PsImpersonateClient(k.Thread(), client, false, false, c.level))
		subject := k.SeCaptureSubjectContext()
		required := &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: c.privilege.LUID()}}}
		found, user := k.SePrivilegeCheck(required, subject, kernel.UserMode)
		check.Equal(t, found.Privilege[0].Attributes == winnt.SE_PRIVILEGE_USED_FOR_ACCESS, c.user, "%v is marked",
			c.privilege)
		_, inKernel := k.SePrivilegeCheck(required, subject, kernel.KernelMode)
		got := [4]bool{user, inKernel, k.SeSinglePrivilegeCheck(c.privilege.LUID(), kernel.UserMode),
			k.SeSinglePrivilegeCheck(c.privilege.LUID(), kernel.KernelMode)}
		check.Equal(t, got, [4]bool{c.user, c.kernel, c.user, c.kernel}, "%v at %v: SePrivilegeCheck in user mode and "+
			"in kernel mode, SeSinglePrivilegeCheck in both", c.privilege, c.level)
		k.SeReleaseSubjectContext(subject)
		k.PsRevertToSelf()
		client.Deref(ob.TagContext)
	}
}
