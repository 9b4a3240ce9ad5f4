package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The record of an unsafe elevation names the process of the thread that received the token, not the calling thread's
// process, and has the thread's impersonation level (I-48, I-99, U-20).
func TestElevationRecordNamesElevatedThread(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	w.sys.Audit().Names = everyName{}
	_, k := w.thread(w.process("caller"))
	p := check.Must(w.sys.NewProcess("server", value(t, acting, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege)))
	server, served := w.thread(p)
	drain(m)
	for _, c := range []struct {
		copyOnOpen, effectiveOnly bool
		level                     winnt.SecurityImpersonationLevel
		want                      string
	}{
		{false, true, winnt.SecurityIdentification, "%%1832 %%1843 %%1842 SeDebugPrivilege Privilege, Level"},
		{true, false, winnt.SecurityImpersonation, "%%1833 %%1842 %%1843 SeDebugPrivilege Privilege"},
	} {
		tok := w.token(k, client, winnt.SecurityDelegation, winnt.SeDebugPrivilege)
		check.Success(t, k.PsImpersonateClient(served.Thread(), tok, c.copyOnOpen, c.effectiveOnly, c.level))
		var got []string
		for _, e := range m.Drain() {
			var fields []string
			for _, f := range []string{"SubjectUserSid", "SubjectUserName", "TargetUserSid", "ProcessId", "ProcessName",
				"ThreadId", "ImpersonationLevel", "CopyOnOpen", "EffectiveOnly", "PrivilegeList", "Cause"} {
				text, _ := e.Field(f)
				fields = append(fields, text)
			}
			got = append(got, strings.Join(fields, " "))
		}
		wanted := fmt.Sprintf("%s name of %s %s %#x server %#x %s", acting, acting, client, uint64(p.ID()),
			uint64(served.Thread().ID()), c.want)
		check.That(t, slices.Equal(got, []string{wanted}),
			"records of the elevation:\n%s\nwant\n%s", strings.Join(got, "\n"), wanted)
	}
	tok := w.token(k, client, winnt.SecurityImpersonation, winnt.SeDebugPrivilege)
	h := check.Result(served.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_IMPERSONATE, winnt.TokenObject, kernel.KernelMode))
	check.Success(t, server.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, h))
	check.Equal(t, len(m.Drain()), 0, "records of an impersonation from user mode")
	served.PsRevertToSelf()
}

// everyName is an authority that finds every account.
type everyName struct{}

func (everyName) Account(s sid.SID) (name, domain string, ok bool) {
	return "name of " + s.String(), "d", true
}
