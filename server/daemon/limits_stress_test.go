package daemon_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// attacker is a connection that calls services in a loop.
type attacker struct {
	*testing.T
	conn *client.Conn
	th   *nt.Thread
	self winnt.Handle // its token
	n    int
}

// call calls a service by its row.
func (a *attacker) call(name string, in any) (any, ntstatus.Status) {
	return a.th.CallRow(nt.NtTable.Find(name), in)
}

// longName returns attributes with a new long name and a descriptor of 200 entries.
func (a *attacker) longName() nt.Captured[*nt.ObjectAttributes] {
	a.n++
	return nt.Cap(&nt.ObjectAttributes{
		ObjectName:         fmt.Sprintf(`\BaseNamedObjects\%d%s`, a.n, strings.Repeat("ÿ", 500)),
		SecurityDescriptor: longDescriptor,
	})
}

var longDescriptor = sddl.MustParse("D:" + strings.Repeat("(A;;GA;;;WD)", 200))

// attack is a call that makes the kernel keep memory each time. Either in returns the parameters of the next call, or
// prepare returns a function that makes the call.
type attack struct {
	in      func(*attacker) any
	prepare func(*attacker) func() ntstatus.Status
}

// allocating has an attack for each service that makes the kernel keep memory.
var allocating = map[string]attack{
	"NtCreateEvent":  {in: func(a *attacker) any { return nt.CreateEventIn{ObjectAttributes: a.longName()} }},
	"NtCreateMutant": {in: func(a *attacker) any { return nt.CreateMutantIn{ObjectAttributes: a.longName()} }},
	"NtCreateSemaphore": {in: func(a *attacker) any {
		return nt.CreateSemaphoreIn{ObjectAttributes: a.longName(), MaximumCount: 1}
	}},
	"NtCreateTimer": {in: func(a *attacker) any { return nt.CreateTimerIn{} }},
	"NtCreateDirectoryObject": {in: func(a *attacker) any {
		return nt.CreateDirectoryObjectIn{DesiredAccess: winnt.DIRECTORY_ALL_ACCESS, ObjectAttributes: a.longSD()}
	}},
	"NtCreateSymbolicLinkObject": {in: func(a *attacker) any {
		return nt.CreateSymbolicLinkObjectIn{DesiredAccess: winnt.SYMBOLIC_LINK_ALL_ACCESS,
			ObjectAttributes: a.longSD(), LinkTarget: nt.Cap(`\` + strings.Repeat("x", 30_000))}
	}},
	"NtCreateJobObject": {in: func(a *attacker) any { return nt.CreateJobObjectIn{ObjectAttributes: a.longName()} }},
	"NtCreatePort":      {in: func(a *attacker) any { return nt.CreatePortIn{ObjectAttributes: a.longSD()} }},
	"NtCreateNamedPipeFile": {in: func(a *attacker) any {
		a.n++
		return nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ, ShareAccess: 3,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: fmt.Sprintf(`\??\pipe\%d%s`, a.n,
				strings.Repeat("p", 5000)), SecurityDescriptor: longDescriptor})}
	}},
	"NtOpenFile": {in: func(a *attacker) any {
		return nt.OpenFileIn{DesiredAccess: winnt.FILE_READ_DATA,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\NUL`})}
	}},
	"NtCreateFile": {in: func(a *attacker) any {
		return nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: winnt.FILE_OPEN,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\NUL`})}
	}},
	"NtWriteFile": {prepare: func(a *attacker) func() ntstatus.Status { return a.writes(60_000) }},
	"NtDuplicateToken": {in: func(a *attacker) any {
		return nt.DuplicateTokenIn{ExistingTokenHandle: a.self, TokenType: winnt.TokenPrimary, ObjectAttributes: a.longSD()}
	}},
	"NtFilterToken":   {prepare: func(a *attacker) func() ntstatus.Status { return a.filters("NtFilterToken") }},
	"NtFilterTokenEx": {prepare: func(a *attacker) func() ntstatus.Status { return a.filters("NtFilterTokenEx") }},
	"NtDuplicateObject": {in: func(a *attacker) any {
		return nt.DuplicateObjectIn{SourceProcessHandle: winnt.NtCurrentProcess, SourceHandle: a.self,
			TargetProcessHandle: winnt.NtCurrentProcess, Options: nt.DuplicateOptions(winnt.DUPLICATE_SAME_ACCESS)}
	}},
	"NtCreateLowBoxToken": {in: func(a *attacker) any {
		a.n++
		return nt.CreateLowBoxTokenIn{ExistingTokenHandle: a.self, DesiredAccess: winnt.TOKEN_QUERY,
			PackageSID: nt.Cap(sid.MustParse(fmt.Sprintf("S-1-15-2-1-2-3-4-5-6-%d", a.n)))}
	}},
	"NtOpenProcessToken": {in: func(a *attacker) any {
		return nt.OpenProcessTokenIn{ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: winnt.TOKEN_QUERY}
	}},
	"NtCreateUserProcess": {in: func(a *attacker) any {
		return nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}
	}},
	"NtSetSecurityObject": {prepare: (*attacker).setsSecurity},
	"NtQueueApcThread": {prepare: func(a *attacker) func() ntstatus.Status {
		return func() ntstatus.Status {
			for {
				_, st := a.call("NtQueueApcThread", nt.QueueApcThreadIn{ThreadHandle: winnt.NtCurrentThread, ApcRoutine: 1})
				if st != ntstatus.InsufficientResources {
					return st
				}
				th, err := a.conn.NewThread() // the queue of this one is full
				if err != nil {
					return ntstatus.QuotaExceeded
				}
				a.th = th
			}
		}
	}},
	"NtConnectPort":          {prepare: (*attacker).connects},
	"NtRequestWaitReplyPort": {prepare: (*attacker).requests},
	"NtGetNextProcess": {in: func(a *attacker) any {
		return nt.GetNextProcessIn{DesiredAccess: winnt.PROCESS_QUERY_INFORMATION}
	}},
	"NtSetInformationJobObject": {prepare: (*attacker).limitsJobs},
	"new thread": {prepare: func(a *attacker) func() ntstatus.Status {
		return func() ntstatus.Status {
			if _, err := a.conn.NewThread(); err != nil {
				return ntstatus.QuotaExceeded // or the bound of a connection
			}
			return ntstatus.Success
		}
	}},
}

func (a *attacker) repeat(name string, in func() any) func() ntstatus.Status {
	return func() ntstatus.Status {
		_, st := a.call(name, in())
		return st
	}
}

// longSD returns attributes with a long descriptor alone.
func (a *attacker) longSD() nt.Captured[*nt.ObjectAttributes] {
	return nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: longDescriptor})
}

// writes fills pipes, one after the other.
func (a *attacker) writes(n int) func() ntstatus.Status {
	data := make([]byte, n)
	var end winnt.Handle
	return func() ntstatus.Status {
		for {
			if end != 0 {
				_, st := a.call("NtWriteFile", nt.WriteFileIn{FileHandle: end, Buffer: nt.Cap(data)})
				if st != ntstatus.PipeBusy {
					return st
				}
			}
			a.n++
			name := nt.Cap(&nt.ObjectAttributes{ObjectName: fmt.Sprintf(`\??\pipe\w%d`, a.n)})
			_, st := a.call("NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ,
				ShareAccess: 3, InboundQuota: 1 << 24, ObjectAttributes: name})
			if st != ntstatus.Success {
				return st
			}
			out, st := a.call("NtOpenFile", nt.OpenFileIn{DesiredAccess: winnt.GENERIC_WRITE, ObjectAttributes: name})
			if st != ntstatus.Success {
				return st
			}
			end = out.(nt.OpenFileOut).FileHandle
		}
	}
}

func (a *attacker) filters(name string) func() ntstatus.Status {
	var groups []token.Group
	for i := range 1000 {
		groups = append(groups, token.Group{SID: sid.MustParse(fmt.Sprintf("S-1-5-21-1-2-3-%d", i+1))})
	}
	return a.repeat(name, func() any {
		if name == "NtFilterToken" {
			return nt.FilterTokenIn{ExistingTokenHandle: a.self, RestrictedSIDs: nt.Cap(groups)}
		}
		return nt.FilterTokenExIn{ExistingTokenHandle: a.self, RestrictedSIDs: nt.Cap(groups)}
	})
}

// setsSecurity gives events one after the other a long descriptor.
func (a *attacker) setsSecurity() func() ntstatus.Status {
	return func() ntstatus.Status {
		out, st := a.call("NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)")})})
		if st != ntstatus.Success {
			return st
		}
		_, st = a.call("NtSetSecurityObject", nt.SetSecurityObjectIn{Handle: out.(nt.EventOut).EventHandle,
			SecurityInformation: nt.SecurityInformation(winnt.DACL_SECURITY_INFORMATION),
			SecurityDescriptor:  nt.Cap(longDescriptor)})
		return st
	}
}

// port creates a connection port and returns its name.
func (a *attacker) port() string {
	a.n++
	name := fmt.Sprintf(`\BaseNamedObjects\port%d`, a.n)
	_, st := a.call("NtCreatePort", nt.CreatePortIn{ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name})})
	check.Success(a, st)
	return name
}

func (a *attacker) connects() func() ntstatus.Status {
	name, info := a.port(), make([]byte, 60_000)
	return func() ntstatus.Status {
		for {
			_, st := a.call("NtConnectPort", nt.ConnectPortIn{PortName: name, ConnectionInformation: nt.Cap(info)})
			if st != ntstatus.InsufficientResources {
				return st
			}
			name = a.port() // this port has the maximum number of waiting clients
		}
	}
}

// requests sends requests that no server receives.
func (a *attacker) requests() func() ntstatus.Status {
	data := make([]byte, 60_000)
	var end winnt.Handle
	return func() ntstatus.Status {
		for {
			if end != 0 {
				_, st := a.call("NtRequestWaitReplyPort", nt.RequestWaitReplyPortIn{PortHandle: end, Request: nt.Cap(data)})
				switch st {
				case ntstatus.Pending:
					return ntstatus.Success
				case ntstatus.InsufficientResources:
				default:
					return st
				}
			}
			out, st := a.call("NtConnectPort", nt.ConnectPortIn{PortName: a.port()})
			if st != ntstatus.Success {
				return st
			}
			end = out.(nt.PortOut).PortHandle
		}
	}
}

func (a *attacker) limitsJobs() func() ntstatus.Status {
	var groups []token.Group
	for i := range 2000 {
		groups = append(groups, token.Group{SID: sid.MustParse(fmt.Sprintf("S-1-5-21-1-2-3-%d", i+1))})
	}
	return func() ntstatus.Status {
		out, st := a.call("NtCreateJobObject", nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS})
		if st != ntstatus.Success {
			return st
		}
		_, st = a.call("NtSetInformationJobObject", nt.SetInformationJobObjectIn{
			JobHandle:                 out.(nt.CreateJobObjectOut).JobHandle,
			JobObjectInformationClass: nt.JobObjectSecurityLimitInformation, JobObjectInformationLength: 40,
			JobObjectInformation: nt.Cap(&nt.JobSecurityLimitInformation{
				SecurityLimitFlags: winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS, SidsToDisable: groups})})
		return st
	}
}

// attackTime returns the maximum time for which a service is called: REFMON_QUOTA_TIME, or a second.
func attackTime(t *testing.T) time.Duration {
	d, err := time.ParseDuration(os.Getenv("REFMON_QUOTA_TIME"))
	if err != nil {
		check.RequireThat(t, os.Getenv("REFMON_QUOTA_TIME") == "", "%v", err)
		return time.Second
	}
	return d
}

// TestServicesStayWithinTheQuota calls each service that makes the kernel keep memory, by one account, until it is
// rejected, at most 2,000 times or 20,000 with REFMON_DEEP=1. The heap stays within one and a half times the quota,
// calls of another account succeed, and no object or memory remains.
func TestServicesStayWithinTheQuota(t *testing.T) {
	const quota = 4 << 20
	var account atomic.Uint32
	d := start(t, func(c *daemon.Config) {
		c.Limits = daemon.Limits{Quota: quota, Total: 4 * quota, Reserve: quota}
		c.Quota = func(uint32) uint32 { return account.Load() }
	})
	for name, attack := range allocating {
		t.Run(name, func(t *testing.T) {
			account.Store(1)
			other := d.dial()
			defer other.Close()
			account.Store(2)
			a := &attacker{T: t, conn: d.dial()}
			a.th = a.conn.Thread()
			a.self = check.Result(a.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
			call := attack.prepare
			if call == nil {
				call = func(a *attacker) func() ntstatus.Status {
					return a.repeat(name, func() any { return attack.in(a) })
				}
			}
			next := call(a)
			before := liveHeap()
			var others atomic.Int64
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				th := other.Thread()
				for {
					select {
					case <-stop:
						return
					default:
					}
					h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
					if st != ntstatus.Success || th.NtClose(h) != ntstatus.Success {
						t.Errorf("a call of another account: %v", st)
						return
					}
					others.Add(1)
				}
			}()
			made, st := 0, ntstatus.Success
			most := randtest.Size(20_000)
			end := time.Now().Add(attackTime(t))
			for ; st == ntstatus.Success && made < most && time.Now().Before(end); made++ {
				st = next()
			}
			// Objects that the other account's calls allocate during a collection would count as live.
			close(stop)
			<-stopped
			grown := liveHeap() - before
			t.Logf("%d calls: %v, the heap has grown by %d KiB, %d calls of another account", made, st, grown>>10, others.Load())
			check.That(t, st == ntstatus.Success || st == ntstatus.QuotaExceeded,
				"%d calls end with %v, want STATUS_QUOTA_EXCEEDED", made, st)
			if grown > quota*3/2 {
				t.Errorf("the heap has grown by %d bytes, want at most %d", grown, quota*3/2)
			}
			check.That(t, others.Load() != 0, "another account made no call")
			_, _ = a.conn.Close(), other.Close()
			d.awaitRelease()
			check.Eventually(t, func() bool { return len(d.Stats().Quotas) == 0 }, "quotas remain")
			left := liveHeap() - before
			check.That(t, left <= quota/8, "%d bytes of the heap remain, want at most %d", left, quota/8)
		})
	}
}

// covered maps services to the service whose attack allocates the same kind of memory.
var covered = map[string]string{
	"LsaOpenPolicy": "NtDuplicateObject", "LsaLogonUser": "NtDuplicateToken", "NtAcceptConnectPort": "NtConnectPort",
	"NtCreateToken": "NtFilterToken", "NtCreateTokenEx": "NtFilterToken", "NtFsControlFile": "NtWriteFile",
	"NtImpersonateAnonymousToken": "new thread", "NtImpersonateClientOfPort": "new thread",
	"NtImpersonateThread": "new thread", "NtGetNextThread": "NtGetNextProcess", "NtOpenProcess": "NtDuplicateObject",
	"NtOpenThread": "NtDuplicateObject", "NtOpenProcessTokenEx": "NtOpenProcessToken",
	"NtOpenThreadToken": "NtDuplicateToken", "NtOpenThreadTokenEx": "NtDuplicateToken",
	"NtOpenDirectoryObject": "NtDuplicateObject", "NtOpenEvent": "NtDuplicateObject",
	"NtOpenJobObject": "NtDuplicateObject",
	"NtOpenMutant":    "NtDuplicateObject", "NtOpenSemaphore": "NtDuplicateObject", "NtOpenTimer": "NtDuplicateObject",
	"NtOpenSymbolicLinkObject": "NtDuplicateObject", "NtQueryInformationToken": "NtDuplicateToken",
	"NtReplyPort": "NtRequestWaitReplyPort", "NtAssignProcessToJobObject": "NtCreateUserProcess",
	"NtFlushBuffersFile": "NtWriteFile", "NtReadFile": "NtWriteFile", "NtSetTimer": "NtQueueApcThread",
	"NtQueryDirectoryFile": "NtCreateFile", "NtSetInformationFile": "NtCreateFile",
	"NtAdjustTokenClaimsAndDeviceGroups": "NtDuplicateToken",
	"NtSetInformationToken":              "NtDuplicateToken", "NtAdjustGroupsToken": "NtDuplicateToken",
	"NtAdjustPrivilegesToken": "NtDuplicateToken",
}

// passing lists the services that keep no memory in the kernel.
const passing = `LsaClose LsaEnumerateAccountRights LsaLookupSids LsaQueryInformationPolicy NtAccessCheck
NtAccessCheckAndAuditAlarm NtAccessCheckByType NtAccessCheckByTypeAndAuditAlarm NtAccessCheckByTypeResultList
NtAccessCheckByTypeResultListAndAuditAlarm NtAccessCheckByTypeResultListAndAuditAlarmByHandle
NtAllocateLocallyUniqueId NtCancelIoFile NtCancelIoFileEx NtCancelSynchronousIoFile NtCancelTimer NtClearEvent NtClose
NtCloseObjectAuditAlarm NtCompareObjects NtCompareTokens NtCompleteConnectPort NtDeleteFile NtDeleteObjectAuditAlarm
NtListenPort NtMakePermanentObject NtMakeTemporaryObject NtOpenObjectAuditAlarm NtPrivilegeCheck
NtPrivilegeObjectAuditAlarm NtPrivilegedServiceAuditAlarm NtQueryDirectoryObject NtQueryInformationFile
NtQueryInformationProcess NtQueryInformationThread NtQueryMutant NtQueryObject NtQuerySecurityAttributesToken
NtQuerySecurityObject NtQuerySemaphore NtQuerySymbolicLinkObject NtQueryTimer NtQueryVolumeInformationFile
NtReleaseMutant NtReleaseSemaphore NtReplyWaitReceivePort NtResetEvent NtResumeThread NtSetEvent
NtSetInformationObject NtSetInformationProcess NtSetInformationThread NtSuspendThread NtTerminateProcess NtTestAlert
LsaLookupNames2 NtWaitForSingleObject`

// TestEachServiceHasMemoryAttackOrExemption checks that each row of the service table has an attack
// or is listed as keeping no memory, so that all memory is charged.
func TestEachServiceHasMemoryAttackOrExemption(t *testing.T) {
	passes := map[string]bool{}
	for _, name := range strings.Fields(passing) {
		passes[name] = true
	}
	for row := range nt.NtTable.All {
		name := row.Info().Name
		_, attacked := allocating[name]
		as, isCovered := covered[name]
		if _, ok := allocating[as]; isCovered && !ok {
			t.Errorf("%s is covered by %s, which has no attack", name, as)
		}
		n := 0
		for _, in := range []bool{attacked, isCovered, passes[name]} {
			if in {
				n++
			}
		}
		check.Equal(t, n, 1, "%s: number of lists of allocating, covered and passing that name it", name)
	}
}
