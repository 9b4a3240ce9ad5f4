package services_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The pseudo handle -1 grants the rights that the process has on itself now, in every call, also for a thread that
// existed before the process got its token (O-14, O-17).
func TestProcessPseudoHandleFollowsNewToken(t *testing.T) {
	const always, suspend = winnt.AccessMask(0x1F07FB), winnt.PROCESS_SUSPEND_RESUME
	for text, want := range map[string]winnt.AccessMask{
		"D:(A;;GA;;;SY)": always,
		fmt.Sprintf("D:(A;;GA;;;SY)(A;;%#x;;;%s)", uint32(suspend), client): always | suspend,
	} {
		checkProcessPseudoHandle(t, text, want)
	}
}

// checkProcessPseudoHandle gives a process with a descriptor another token, and checks the rights of -1.
func checkProcessPseudoHandle(t *testing.T, descriptor string, after winnt.AccessMask) {
	t.Helper()
	w, th, k := newProcess(t, winnt.SeAssignPrimaryTokenPrivilege)
	made := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED,
		ProcessObjectAttributes: nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse(descriptor)})}))
	child := w.sys.Process(made.ClientID.UniqueProcess).FirstThread()
	granted := func() winnt.AccessMask {
		t.Helper()
		v := check.Result(child.NtQueryObject(winnt.NtCurrentProcess, nt.ObjectBasicInformation))
		return v.(nt.BasicInformation).GrantedAccess
	}
	if got := granted(); got != winnt.PROCESS_ALL_ACCESS {
		t.Errorf("rights of -1 before the new token: %#x, want %#x", uint32(got), uint32(winnt.PROCESS_ALL_ACCESS))
	}
	h := assignable(k, value(t, client, winnt.TokenPrimary, 0))
	want(t, "give it to the child", th.NtSetInformationProcess(made.ProcessHandle, nt.ProcessAccessToken, h),
		ntstatus.Success)
	if got := granted(); got != after {
		t.Errorf("rights of -1 with %s after the new token: %#x, want %#x", descriptor, uint32(got), uint32(after))
	}
}

// T-102, W-13: a new thread has the mode of its creator. It is released with the system if it was never ended, and
// only once if it is ended twice.
func TestNewThreadHasModeOfCreator(t *testing.T) {
	_, th, k := newProcess(t)
	sys, live := th.Services().(*services.Context).Sys, map[*services.Context]bool{}
	adopt, disown := sys.Adopt, sys.Disown
	sys.Adopt = func(c *services.Context) { live[c] = true; adopt(c) }
	sys.Disown = func(c *services.Context) { delete(live, c); disown(c) }
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	for _, c := range []struct {
		of   nt.Services
		want ntstatus.Status
	}{{th.Services(), ntstatus.PrivilegeNotHeld}, {k.Zw().Services(), ntstatus.Success}} {
		for _, end := range []int{0, 1, 2} {
			s, _, st := c.of.NewThread()
			want(t, "make a thread", st, ntstatus.Success)
			want(t, "in its mode", check.Status(s.NtMakePermanentObject(nt.MakePermanentObjectIn{Handle: event})), c.want)
			s.SaveImpersonation()
			for range end {
				s.EndThread()
			}
			check.Equal(t, live[s.(*services.Context)], end == 0, "ended %d times: the system keeps the thread", end)
		}
	}
}

// I-61, I-76: each ticket restores the state of its creation, once. Unused tickets are released with the thread.
func TestTicketRestoresItsStateOnce(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	s := th.Services()
	act := func(user string) {
		t.Helper()
		w.impersonate(k, user, winnt.SecurityImpersonation)
	}
	is := func(what, user string) {
		t.Helper()
		got := "itself"
		if tok, _, _, _ := k.PsReferenceImpersonationToken(k.Thread()); tok != nil {
			got = tok.Value().User().SID.String()
			k.PsDereferenceImpersonationToken(tok)
		}
		check.Equal(t, got, user, "%s: the thread acts as", what)
	}
	none := s.SaveImpersonation()
	act(client)
	first := s.SaveImpersonation()
	act(acting)
	second := s.SaveImpersonation()
	s.SaveImpersonation() // never used
	s.RestoreImpersonation(first)
	is("the first", client)
	s.RestoreImpersonation(second)
	is("the second", acting)
	s.RestoreImpersonation(first)
	is("the first again", acting)
	s.RestoreImpersonation(none)
	is("the one before", "itself")
	s.RestoreImpersonation(second)
	is("the second again", "itself")
	s.RestoreImpersonation(99)
	is("one that was never made", "itself")
}

// TakeWhy returns the reason of the last call once. It never returns the reason of an earlier call.
func TestReasonIsReportedOnce(t *testing.T) {
	th := newThread(t)
	s := th.Services()
	fail := func() {
		_, st := s.NtCompareObjects(nt.CompareObjectsIn{FirstObjectHandle: 0x7770})
		want(t, "an invalid handle", st, ntstatus.InvalidHandle)
	}
	rule := func(what, wanted string) {
		t.Helper()
		got := s.TakeWhy()
		check.That(t, got.Rule == wanted, "%s: TakeWhy() = %+v, want rule %q", what, got, wanted)
	}
	fail()
	rule("no tracer", "")
	s.RecordWhy(true)
	rule("nothing happened", "")
	fail()
	rule("a failure", "O-31")
	rule("taken", "")
	fail()
	s.RecordWhy(true)
	rule("restarted", "")
	s.RecordWhy(false)
	fail()
	rule("without a tracer again", "")
}

// O-27, O-28, O-29, O-34, T-47: each service that creates a handle creates exactly one, in the requested table with the
// requested attributes and rights. Closing it removes the object, which is counted. OBJ_EXCLUSIVE with OBJ_INHERIT is
// refused (P-5).
func TestHandleHasRequestedAttributes(t *testing.T) {
	privileges := []winnt.Privilege{winnt.SeImpersonatePrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeCreateGlobalPrivilege}
	for _, debug := range []bool{false, true} { // opens by id take another way with SeDebugPrivilege
		if debug {
			privileges = append(privileges, winnt.SeDebugPrivilege)
		}
		w, th, k := newProcess(t, privileges...)
		// The first process of the enumeration can be opened.
		all := makers(t, w, th, k)
		w.impersonate(k, svc, winnt.SecurityImpersonation, privileges...)
		for _, m := range all {
			for mode, by := range map[string]*nt.Thread{"user": th, "kernel": k.Zw()} {
				_, st := m.call(by, winnt.OBJ_EXCLUSIVE|winnt.OBJ_INHERIT)
				want(t, m.name+", "+mode+" mode, exclusive and inherited", st, ntstatus.InvalidParameter)
				for _, attributes := range []uint32{0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE,
					winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE} {
					inKernel := mode == "kernel" && attributes&winnt.OBJ_KERNEL_HANDLE != 0
					if mode == "kernel" && (attributes&m.refused != 0 || m.kernel && attributes == 0) {
						continue // TestKernelHandleAttributeOfTokens
					}
					before := len(handles(t, th))
					objects, count, _ := w.sys.Counts()
					used := w.quota.Used()
					h, st := m.call(by, attributes)
					if st != ntstatus.Success {
						t.Errorf("%s, %s mode, attributes %#x: %v, want %v", m.name, mode, attributes, st, ntstatus.Success)
						continue
					}
					got := check.Result(by.NtQueryObject(h, nt.ObjectBasicInformation)).(nt.BasicInformation)
					wanted := attributes & winnt.OBJ_INHERIT &^ m.never
					if (h < 0) != inKernel || got.Attributes&^winnt.OBJ_PERMANENT != wanted || got.GrantedAccess != m.granted {
						t.Errorf("%s, %s mode, attributes %#x: handle %#x with attributes %#x and rights %v, "+
							"want attributes %#x and rights %v",
							m.name, mode, attributes, int64(h), got.Attributes, got.GrantedAccess, wanted, m.granted)
					}
					made := 1
					if inKernel {
						made = 0
					}
					check.Equal(t, len(handles(t, th)), before+made,
						"%s, %s mode, attributes %#x: process: handles", m.name, mode, attributes)
					o, _, _ := w.sys.Counts()
					check.Equal(t, o, objects+m.objects, "P-5: %s, %s mode, attributes %#x: objects", m.name, mode, attributes)
					check.That(t, m.objects == 0 || w.quota.Used() > used, "Q-2: %s, %s mode: no charge", m.name, mode)
					check.Success(t, by.NtClose(h))
					o, n, _ := w.sys.Counts()
					check.Equal(t, [2]int64{o, n}, [2]int64{objects, count}, "P-5: %s: objects and handles after the close", m.name)
				}
			}
		}
		k.PsRevertToSelf()
	}
}

// Kernel mode needs no privileges. In user mode each of these calls needs one, and the thread's process holds none
// (O-1, T-102).
func TestKernelModeNeedsNoPrivileges(t *testing.T) {
	_, th, k := newProcess(t)
	withSACL := nt.Cap(&nt.ObjectAttributes{Attributes: winnt.OBJ_KERNEL_HANDLE,
		SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")})
	v := value(t, svc, winnt.TokenPrimary, 0)
	user := v.User()
	made := nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS, TokenType: winnt.TokenPrimary,
		AuthenticationID: nt.Cap(v.AuthenticationID()), User: nt.Cap(&user), Groups: nt.Cap([]token.Group{}),
		Privileges: nt.Cap([]nt.LUIDAndAttributes{}), PrimaryGroup: nt.Cap(user.SID), Source: nt.Cap(&token.Source{})}
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	set := func(class winnt.TokenInfoClass, v any) func(nt.Services) ntstatus.Status {
		return func(s nt.Services) ntstatus.Status {
			return check.Status(s.NtSetInformationToken(nt.SetInformationTokenIn{TokenHandle: own,
				TokenInformationClass: class, TokenInformation: nt.Cap(v), TokenInformationLength: ^uint32(0)}))
		}
	}
	for name, call := range map[string]func(nt.Services) ntstatus.Status{
		"alarm": func(s nt.Services) ntstatus.Status {
			_, st := s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ClientToken: own})
			return st
		},
		"end of an alarm": func(s nt.Services) ntstatus.Status {
			return check.Status(s.NtCloseObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				GenerateOnClose: true}))
		},
		"create a token": func(s nt.Services) ntstatus.Status { return check.Status(s.NtCreateToken(made)) },
		"a SACL for a token": func(s nt.Services) ntstatus.Status {
			return check.Status(s.NtDuplicateToken(nt.DuplicateTokenIn{ExistingTokenHandle: own,
				TokenType: winnt.TokenPrimary, DesiredAccess: winnt.TOKEN_QUERY, ObjectAttributes: withSACL}))
		},
		"make permanent": func(s nt.Services) ntstatus.Status {
			return check.Status(s.NtMakePermanentObject(nt.MakePermanentObjectIn{Handle: event}))
		},
		"audit policy": func(s nt.Services) ntstatus.Status {
			return check.Status(s.NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: own,
				TokenInformationClass: winnt.TokenAuditPolicy, TokenInformationLength: 1000}))
		},
		"set a flag":    set(winnt.TokenUIAccess, uint32(1)),
		"set a session": set(winnt.TokenSessionId, uint32(0)),
		"set a policy":  set(winnt.TokenMandatoryPolicy, uint32(1)),
	} {
		want(t, name+", in user mode", call(th.Services()), ntstatus.PrivilegeNotHeld)
		want(t, name+", in kernel mode", call(k.Zw().Services()), ntstatus.Success)
	}
}

// A privilege counts if it is enabled in the effective token and the level is SecurityImpersonation or above. It
// always counts in kernel mode. The test requests ACCESS_SYSTEM_SECURITY (T-102, O-30).
func TestPrivilegeCountsAtImpersonationLevel(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	check.NoError(t, w.sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
	open := func(th *nt.Thread) ntstatus.Status {
		h, st := th.NtOpenFile(winnt.ACCESS_SYSTEM_SECURITY, &nt.ObjectAttributes{ObjectName: "f"}, 0, 0)
		if st == ntstatus.Success {
			th.NtClose(h)
		}
		return st
	}
	th, k := w.thread(w.process("server", winnt.SeImpersonatePrivilege, winnt.SeSecurityPrivilege))
	check.Equal(t, open(th), ntstatus.Success, "opening with SeSecurityPrivilege")
	for _, c := range []struct {
		name string
		tok  *kernel.AccessToken
		want ntstatus.Status
	}{
		{"the client does not hold it", w.token(k, client, winnt.SecurityImpersonation), ntstatus.PrivilegeNotHeld},
		{"the client holds it", w.token(k, client, winnt.SecurityImpersonation, winnt.SeSecurityPrivilege), ntstatus.Success},
		{"the client holds it and only identifies",
			w.token(k, client, winnt.SecurityIdentification, winnt.SeSecurityPrivilege), ntstatus.PrivilegeNotHeld},
	} {
		k.PsImpersonateClient(k.Thread(), c.tok, false, false, winnt.SecurityDelegation)
		check.Equal(t, open(th), c.want, "%s", c.name)
		check.Equal(t, open(k.Zw()), ntstatus.Success, "%s, in kernel mode", c.name)
	}
}

// Through the pseudo handle -2 a thread has its creator's rights on it and three more, whichever process created it
// (O-18).
func TestThreadGetsThreeMoreRightsOnItself(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	maker, _ := w.thread(w.process("maker", winnt.SeRestorePrivilege))
	for text, wanted := range map[string]ntstatus.Status{"D:P": ntstatus.AccessDenied,
		"D:(A;;0x2;;;" + svc + ")": ntstatus.Success} {
		in := children()
		in.ThreadObjectAttributes = nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("O:SYG:SY" + text)})
		th := w.sys.Process(check.Result(maker.NtCreateUserProcess(in)).ClientID.UniqueProcess).FirstThread()
		const me = winnt.NtCurrentThread
		_, st := th.Services().NtResumeThread(nt.ResumeThreadIn{ThreadHandle: me})
		want(t, text+", THREAD_SUSPEND_RESUME", st, wanted)
		_, st = th.Services().NtQueueApcThread(nt.QueueApcThreadIn{ThreadHandle: me})
		want(t, text+", THREAD_SET_CONTEXT", st, ntstatus.AccessDenied)
		want(t, text+", THREAD_QUERY_INFORMATION", check.Status(th.NtQueryInformationThread(me, nt.ThreadTimes)),
			ntstatus.Success)
	}
}

// If any allocation of a service that creates handles fails, the service returns no handle and leaves none in the
// table, and the next handle gets the unused value. This holds in user and in kernel mode (O-5, O-12, O-81, P-7).
func TestFailedAllocationReturnsNoHandle(t *testing.T) {
	var points []string
	fails := ""
	w := newWorld(t, kernel.Config{Faults: func(point string) bool {
		points = append(points, point)
		return point == fails
	}})
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeCreateGlobalPrivilege))
	all := makers(t, w, th, k)
	w.impersonate(k, svc, winnt.SecurityImpersonation, winnt.SeCreateTokenPrivilege)
	next := func(by *nt.Thread, attributes uint32) winnt.Handle {
		h := check.Result(by.NtCreateEvent(1, &nt.ObjectAttributes{Attributes: attributes}, nt.NotificationEvent, false))
		want(t, "close it", by.NtClose(h), ntstatus.Success)
		return h
	}
	failed := map[string]bool{}
	for _, m := range all {
		for _, by := range []*nt.Thread{th, k.Zw()} {
			attributes := uint32(0)
			if by != th {
				attributes = winnt.OBJ_KERNEL_HANDLE
			}
			points, fails = nil, ""
			h := check.Result(m.call(by, attributes))
			check.Success(t, by.NtClose(h))
			met := slices.Clone(points)
			slices.Sort(met)
			for _, point := range slices.Compact(met) {
				before, value := len(handles(t, th)), next(by, attributes)
				fails = point
				h, st := m.call(by, attributes)
				fails = ""
				check.That(t, st == ntstatus.InsufficientResources && h == 0,
					"%s without memory at %q: handle %#x, %v, want no handle and STATUS_INSUFFICIENT_RESOURCES", m.name,
					point, int64(h), st)
				n, v := len(handles(t, th)), next(by, attributes)
				check.That(t, n == before && v == value, "%s without memory at %q: %d handles, next value %#x, want %d, %#x",
					m.name, point, n, int64(v), before, int64(value))
				failed[m.name] = true
			}
		}
	}
	for _, m := range all {
		check.That(t, failed[m.name], "%s: no allocation failed, want at least one", m.name)
	}
	k.PsRevertToSelf()
}
