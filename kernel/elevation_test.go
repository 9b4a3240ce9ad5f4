package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Each routine by which kernel mode gives a thread a stronger token than its process has writes one record, with the
// options that the thread then has, with and without a tracer. A token that is not stronger gets none (I-48, I-99).
func TestUnsafeElevationIsRecordedOnce(t *testing.T) {
	m := audit.NewMemory(0, 0)
	sys := boot(t, kernel.Config{Log: &audit.Log{Sink: m}})
	p := check.Must(sys.NewProcess("server", benchToken(t, "S-1-5-21-1-2-3-1001", winnt.TokenPrimary)))
	k := sys.KernelMode(check.Must(p.NewThread()))
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-2000"))
	admin := check.Must(token.New(spec))
	spec.Type, spec.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	strong := k.NewToken(check.Must(token.New(spec)))
	weak := k.NewToken(plain(t, "S-1-5-21-1-2-3-1002", winnt.TokenImpersonation))
	client := check.Must(check.Must(sys.NewProcess("client", admin)).NewThread())
	handle := check.Result(k.ObOpenObjectByPointer(strong, winnt.OBJ_KERNEL_HANDLE, winnt.TOKEN_IMPERSONATE,
		winnt.TokenObject, kernel.KernelMode))
	captured := check.Result(k.SeCreateClientSecurity(sys.ThreadObject(client), nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation, EffectiveOnly: true}, false))
	const yes, no, impersonation = "%%1842", "%%1843", "%%1833"
	for name, c := range map[string]struct {
		call         func()
		copies, only string // "": no record
	}{
		"PsImpersonateClient": {func() {
			check.Success(t, k.PsImpersonateClient(k.Thread(), strong, false, true, winnt.SecurityImpersonation))
		}, no, yes},
		"PsImpersonateClient with CopyOnOpen": {func() {
			check.Success(t, k.PsImpersonateClient(k.Thread(), strong, true, false, winnt.SecurityImpersonation))
		}, yes, no},
		"PsImpersonateClient of a weak token": {func() {
			check.Success(t, k.PsImpersonateClient(k.Thread(), weak, true, false, winnt.SecurityImpersonation))
		}, "", ""},
		"SeImpersonateClientEx":      {func() { check.Success(t, k.SeImpersonateClientEx(captured, nil)) }, yes, yes},
		"SeImpersonateClient":        {func() { k.SeImpersonateClient(captured, nil) }, yes, yes},
		"PsAssignImpersonationToken": {func() { check.Success(t, k.PsAssignImpersonationToken(nil, handle)) }, no, no},
		"ZwSetInformationThread": {func() {
			check.Success(t, k.Zw().NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, handle))
		}, no, no},
		"a level above the token's": {func() {
			check.Success(t, k.PsImpersonateClient(k.Thread(), strong, true, false, winnt.SecurityDelegation))
		}, yes, no},
	} {
		for _, tracer := range []nt.Tracer{nil, new(calls)} {
			k.Trace(tracer)
			m.Drain()
			c.call()
			k.PsRevertToSelf()
			var got [][3]string
			for _, e := range m.Drain() {
				var record [3]string
				for i, field := range []string{"ImpersonationLevel", "CopyOnOpen", "EffectiveOnly"} {
					record[i], _ = e.Field(field)
				}
				got = append(got, record)
			}
			var want [][3]string
			if c.copies != "" {
				want = [][3]string{{impersonation, c.copies, c.only}}
			}
			check.DeepEqual(t, got, want, "%s: level, CopyOnOpen and EffectiveOnly of the records", name)
		}
	}
	k.SeDeleteClientSecurity(captured)
	check.Success(t, k.ZwClose(handle))
	k.PsDereferenceImpersonationToken(strong)
	k.PsDereferenceImpersonationToken(weak)
}
