package daemon_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
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

// named returns attributes with a new long name and a descriptor of 200 entries.
func (a *attacker) named() nt.Captured[*nt.ObjectAttributes] {
	a.n++
	return nt.Cap(&nt.ObjectAttributes{
		ObjectName:         fmt.Sprintf(`\BaseNamedObjects\%d%s`, a.n, strings.Repeat("ÿ", 500)),
		SecurityDescriptor: longDescriptor,
	})
}

var longDescriptor = sddl.MustParse("D:" + strings.Repeat("(A;;GA;;;WD)", 200))

// must returns the handle of a call that an attack is prepared by.
func must[T any](t *testing.T, v T, st ntstatus.Status) T {
	t.Helper()
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	return v
}

// allocating has an attack for each service that makes the kernel keep memory. It prepares the
// service's parameters and returns the repeated call.
var allocating = map[string]func(*attacker) func() ntstatus.Status{
	"NtCreateEvent": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateEvent", func() any { return nt.CreateEventIn{ObjectAttributes: a.named()} })
	},
	"NtCreateMutant": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateMutant", func() any { return nt.CreateMutantIn{ObjectAttributes: a.named()} })
	},
	"NtCreateSemaphore": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateSemaphore", func() any {
			return nt.CreateSemaphoreIn{ObjectAttributes: a.named(), MaximumCount: 1}
		})
	},
	"NtCreateTimer": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateTimer", func() any { return nt.CreateTimerIn{} })
	},
	"NtCreateDirectoryObject": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateDirectoryObject", func() any {
			return nt.CreateDirectoryObjectIn{DesiredAccess: winnt.DIRECTORY_ALL_ACCESS, ObjectAttributes: a.unnamed()}
		})
	},
	"NtCreateSymbolicLinkObject": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateSymbolicLinkObject", func() any {
			return nt.CreateSymbolicLinkObjectIn{DesiredAccess: winnt.SYMBOLIC_LINK_ALL_ACCESS,
				ObjectAttributes: a.unnamed(), LinkTarget: nt.Cap(`\` + strings.Repeat("x", 30_000))}
		})
	},
	"NtCreateJobObject": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateJobObject", func() any { return nt.CreateJobObjectIn{ObjectAttributes: a.named()} })
	},
	"NtCreatePort": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreatePort", func() any { return nt.CreatePortIn{ObjectAttributes: a.unnamed()} })
	},
	"NtCreateNamedPipeFile": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateNamedPipeFile", func() any {
			a.n++
			return nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ, ShareAccess: 3,
				ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: fmt.Sprintf(`\??\pipe\%d%s`, a.n,
					strings.Repeat("p", 5000)), SecurityDescriptor: longDescriptor})}
		})
	},
	"NtOpenFile": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtOpenFile", func() any {
			return nt.OpenFileIn{DesiredAccess: winnt.FILE_READ_DATA,
				ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\NUL`})}
		})
	},
	"NtCreateFile": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateFile", func() any {
			return nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: winnt.FILE_OPEN,
				ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\NUL`})}
		})
	},
	"NtWriteFile":       func(a *attacker) func() ntstatus.Status { return a.writes(60_000) },
	"NtFsControlFile":   nil, // FSCTL_PIPE_TRANSCEIVE queues a message as NtWriteFile does, one an instance
	"NtDuplicateToken":  func(a *attacker) func() ntstatus.Status { return a.duplicates() },
	"NtFilterToken":     func(a *attacker) func() ntstatus.Status { return a.filters("NtFilterToken") },
	"NtFilterTokenEx":   func(a *attacker) func() ntstatus.Status { return a.filters("NtFilterTokenEx") },
	"NtDuplicateObject": func(a *attacker) func() ntstatus.Status { return a.duplicatesHandles() },
	"NtCreateLowBoxToken": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateLowBoxToken", func() any {
			a.n++
			return nt.CreateLowBoxTokenIn{ExistingTokenHandle: a.self, DesiredAccess: winnt.TOKEN_QUERY,
				PackageSID: nt.Cap(sid.MustParse(fmt.Sprintf("S-1-15-2-1-2-3-4-5-6-%d", a.n)))}
		})
	},
	"NtOpenProcessToken": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtOpenProcessToken", func() any {
			return nt.OpenProcessTokenIn{ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: winnt.TOKEN_QUERY}
		})
	},
	"NtCreateUserProcess": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtCreateUserProcess", func() any {
			return nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
				ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}
		})
	},
	"NtSetSecurityObject": func(a *attacker) func() ntstatus.Status { return a.setsSecurity() },
	"NtQueueApcThread": func(a *attacker) func() ntstatus.Status {
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
	},
	"NtConnectPort":          func(a *attacker) func() ntstatus.Status { return a.connects() },
	"NtRequestWaitReplyPort": func(a *attacker) func() ntstatus.Status { return a.requests() },
	"NtGetNextProcess": func(a *attacker) func() ntstatus.Status {
		return a.loop("NtGetNextProcess", func() any {
			return nt.GetNextProcessIn{DesiredAccess: winnt.PROCESS_QUERY_INFORMATION}
		})
	},
	"NtSetInformationJobObject": func(a *attacker) func() ntstatus.Status { return a.limitsJobs() },
	"new thread": func(a *attacker) func() ntstatus.Status {
		return func() ntstatus.Status {
			if _, err := a.conn.NewThread(); err != nil {
				return ntstatus.QuotaExceeded // or the bound of a connection
			}
			return ntstatus.Success
		}
	},
}

func (a *attacker) loop(name string, in func() any) func() ntstatus.Status {
	return func() ntstatus.Status {
		_, st := a.call(name, in())
		return st
	}
}

// unnamed returns attributes with a long descriptor alone.
func (a *attacker) unnamed() nt.Captured[*nt.ObjectAttributes] {
	return nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: longDescriptor})
}

// writes fills pipes, each until it has no room.
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

func (a *attacker) duplicates() func() ntstatus.Status {
	return a.loop("NtDuplicateToken", func() any {
		return nt.DuplicateTokenIn{ExistingTokenHandle: a.self, TokenType: winnt.TokenPrimary, ObjectAttributes: a.unnamed()}
	})
}

func (a *attacker) filters(name string) func() ntstatus.Status {
	var groups []token.Group
	for i := range 1000 {
		groups = append(groups, token.Group{SID: sid.MustParse(fmt.Sprintf("S-1-5-21-1-2-3-%d", i+1))})
	}
	return a.loop(name, func() any {
		if name == "NtFilterToken" {
			return nt.FilterTokenIn{ExistingTokenHandle: a.self, RestrictedSIDs: nt.Cap(groups)}
		}
		return nt.FilterTokenExIn{ExistingTokenHandle: a.self, RestrictedSIDs: nt.Cap(groups)}
	})
}

func (a *attacker) duplicatesHandles() func() ntstatus.Status {
	return a.loop("NtDuplicateObject", func() any {
		return nt.DuplicateObjectIn{SourceProcessHandle: winnt.NtCurrentProcess, SourceHandle: a.self,
			TargetProcessHandle: winnt.NtCurrentProcess, Options: nt.DuplicateOptions(winnt.DUPLICATE_SAME_ACCESS)}
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

// port makes a connection port and returns its name.
func (a *attacker) port() string {
	a.n++
	name := fmt.Sprintf(`\BaseNamedObjects\port%d`, a.n)
	_, st := a.call("NtCreatePort", nt.CreatePortIn{ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name})})
	must(a.T, 0, st)
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
			name = a.port() // this one has as many clients that wait as it may
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

// attackTime is for how long a service is called at most: REFMON_QUOTA_TIME, or a second.
func attackTime(t *testing.T) time.Duration {
	d, err := time.ParseDuration(os.Getenv("REFMON_QUOTA_TIME"))
	if err != nil {
		if os.Getenv("REFMON_QUOTA_TIME") != "" {
			t.Fatal(err)
		}
		return time.Second
	}
	return d
}

// TestServicesStayWithinTheQuota calls, by one account, each service that makes the kernel keep something, until it
// is rejected. The heap stays within one and a half times the quota, calls of another account go on, and nothing
// remains.
func TestServicesStayWithinTheQuota(t *testing.T) {
	const quota = 4 << 20
	var account atomic.Uint32
	d := start(t, func(c *daemon.Config) {
		c.Limits = daemon.Limits{Quota: quota, Total: 4 * quota, Reserve: quota}
		c.Quota = func(uint32) uint32 { return account.Load() }
	})
	for name, attack := range allocating {
		if attack == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			account.Store(1)
			other := d.dial()
			defer other.Close()
			account.Store(2)
			a := &attacker{T: t, conn: d.dial()}
			a.th = a.conn.Thread()
			a.self = ownToken(t, a.th)
			call := attack(a)
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
			for end := time.Now().Add(attackTime(t)); st == ntstatus.Success && time.Now().Before(end); made++ {
				st = call()
			}
			grown := liveHeap() - before
			close(stop)
			<-stopped
			t.Logf("%d calls: %v, the heap has grown by %d KiB, %d calls of another account", made, st, grown>>10, others.Load())
			if st != ntstatus.Success && st != ntstatus.QuotaExceeded {
				t.Errorf("%d calls end with %v, want STATUS_QUOTA_EXCEEDED", made, st)
			}
			if grown > quota*3/2 {
				t.Errorf("the heap has grown by %d bytes, want at most %d", grown, quota*3/2)
			}
			if others.Load() == 0 {
				t.Error("another account made no call")
			}
			_, _ = a.conn.Close(), other.Close()
			d.settles()
			for end := time.Now().Add(time.Minute); len(d.Stats().Quotas) > 0; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%+v are left", d.Stats().Quotas)
				}
			}
		})
	}
}

func ownToken(t *testing.T, th *nt.Thread) winnt.Handle {
	t.Helper()
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	return must(t, h, st)
}

// covered has the services that keep something which the attack on another service fills: the
// name of that one.
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
	"NtQueryDirectoryFile": "NtCreateFile", "NtAdjustTokenClaimsAndDeviceGroups": "NtDuplicateToken",
	"NtSetInformationToken": "NtDuplicateToken", "NtAdjustGroupsToken": "NtDuplicateToken",
	"NtAdjustPrivilegesToken": "NtDuplicateToken",
}

// passing lists the services that leave nothing in the kernel.
const passing = `LsaClose LsaEnumerateAccountRights LsaLookupSids LsaQueryInformationPolicy NtAccessCheck
NtAccessCheckAndAuditAlarm NtAccessCheckByType NtAccessCheckByTypeAndAuditAlarm NtAccessCheckByTypeResultList
NtAccessCheckByTypeResultListAndAuditAlarm NtAccessCheckByTypeResultListAndAuditAlarmByHandle
NtAllocateLocallyUniqueId NtCancelIoFile NtCancelIoFileEx NtCancelSynchronousIoFile NtCancelTimer NtClearEvent NtClose
NtCloseObjectAuditAlarm NtCompareObjects NtCompareTokens NtCompleteConnectPort NtDeleteFile NtDeleteObjectAuditAlarm
NtListenPort NtMakePermanentObject NtMakeTemporaryObject NtOpenObjectAuditAlarm NtPrivilegeCheck
NtPrivilegeObjectAuditAlarm NtPrivilegedServiceAuditAlarm NtQueryDirectoryObject NtQueryInformationFile
NtQueryInformationProcess NtQueryInformationThread NtQueryMutant NtQueryObject NtQuerySecurityAttributesToken
NtQuerySecurityObject NtQuerySemaphore NtQuerySymbolicLinkObject NtQueryTimer NtQueryVolumeInformationFile
NtReleaseMutant NtReleaseSemaphore NtReplyWaitReceivePort NtResetEvent NtResumeThread NtSetEvent NtSetInformationFile
NtSetInformationObject NtSetInformationProcess NtSetInformationThread NtSuspendThread NtTerminateProcess NtTestAlert
LsaLookupNames2 NtWaitForSingleObject`

// TestEachServiceIsAttackedOrKeepsNothing checks that each row of the service table has an attack
// or is listed as keeping no memory, so that all memory is charged.
func TestEachServiceIsAttackedOrKeepsNothing(t *testing.T) {
	passes := map[string]bool{}
	for _, name := range strings.Fields(passing) {
		passes[name] = true
	}
	for row := range nt.NtTable.All {
		name := row.Info().Name
		attack, attacked := allocating[name]
		as := covered[name]
		if attacked && attack == nil && as == "" {
			t.Errorf("%s has no attack", name)
		}
		if as != "" && allocating[as] == nil {
			t.Errorf("%s is covered by %s, which has no attack", name, as)
		}
		if n := count(attacked && attack != nil, as != "", passes[name]); n != 1 {
			t.Errorf("%s is in %d of the lists allocating, covered and passing, want 1", name, n)
		}
	}
}

func count(all ...bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}
