//go:build cgo && linux

package main

import (
	"math"
	"os"
	"runtime"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// perEntry returns a result for each entry of a list with at most 4,096 entries. For longer ones it returns no
// results and no list (U-47).
func TestPerEntryLimitsResults(t *testing.T) {
	for n, want := range map[uint32]uint32{0: 0, 1: 1, 4095: 4095, 4096: 4096, 4097: 0, math.MaxUint32: 0} {
		list := nt.Captured[[]access.ObjectTypeEntry]{V: make([]access.ObjectTypeEntry, 1),
			Status: ntstatus.AccessViolation}
		got := perEntry(n, &list)
		kept := list.V != nil && list.Status == ntstatus.AccessViolation
		check.That(t, got == want && kept == (n <= 4096),
			"perEntry of %d entries: %d results, list %v; want %d, list kept: %t", n, got, list, want, n <= 4096)
	}
}

// Each audited check sets GenerateOnClose if it recorded a successful open (U-15). The server has SeAuditPrivilege.
func TestRecordedOpenRequestsRecordOfClose(t *testing.T) {
	s, _ := embedded()
	file := check.Must(os.ReadFile("tests/privileged/token.json"))
	p := check.Must(s.NewProcess("server", check.Must(token.Parse(file))))
	defer p.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	th := check.Must(p.NewThread())
	sys := th.Services()
	c := &caller{t: t, id: register(&thread{nt: th, sys: sys, profile: sys.Profile(), Memory: new(marshal.Memory)})}
	defer detach(c.id)
	log := s.Audit()
	defer log.Policy.Store(log.Policy.Load())
	log.Policy.Store(check.Must(audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnSuccess}})))
	h, generate := make([]byte, 8), make([]byte, 1)
	check.Success(t, c.call("RmImpersonateSelf", uint64(winnt.SecurityImpersonation)))
	check.Success(t, c.call("NtOpenThreadToken", ^uint64(1), uint64(winnt.TOKEN_QUERY), 1, c.bytes(h)))
	types := make([]byte, 16) // an OBJECT_TYPE_LIST, which points to a GUID of zeros
	le.PutUint64(types[8:], c.bytes(make([]byte, 16)))
	name, d := c.unicode("File"), c.bytes(sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)S:(AU;SAFA;FA;;;WD)").Binary())
	client, list, m := le.Uint64(h), c.bytes(types), c.bytes(make([]byte, 16))
	granted, result, at := c.bytes(make([]byte, 4)), c.bytes(make([]byte, 4)), c.bytes(generate)
	for service, args := range map[string][]uint64{
		"NtOpenObjectAuditAlarm":           {name, 0, name, name, d, client, 1, 1, 0, 0, 1, at},
		"NtAccessCheckAndAuditAlarm":       {name, 0, name, name, d, 1, m, 0, granted, result, at},
		"NtAccessCheckByTypeAndAuditAlarm": {name, 0, name, name, d, 0, 1, 0, 0, list, 1, m, 0, granted, result, at},
		"NtAccessCheckByTypeResultListAndAuditAlarm": {name, 0, name, name, d, 0, 1, 0, 0, list, 1, m, 0, granted,
			result, at},
		"NtAccessCheckByTypeResultListAndAuditAlarmByHandle": {name, 0, client, name, name, d, 0, 1, 0, 0, list, 1, m,
			0, granted, result, at},
	} {
		generate[0] = 9
		check.Success(t, c.call(service, args...))
		check.Equal(t, generate[0], 1, "GenerateOnClose of %s", service)
	}
}
