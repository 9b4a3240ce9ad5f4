package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// O-18: through -2 a thread may do to itself what its creator may do to it, and three things more, whichever
// process made it.
func TestThreadsDoToThemselves(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	maker, _ := w.thread(w.process("maker"))
	for text, granted := range map[string]winnt.AccessMask{"D:P": 0, "D:(A;;0x2;;;" + svc + ")": 2,
		"D:(A;;0x10;;;" + svc + ")": 0x10, "D:(A;;0x80;;;" + svc + ")": 0x80, "D:(A;;0x100;;;" + svc + ")": 0x100,
		"D:(A;;0x100000;;;" + svc + ")": winnt.SYNCHRONIZE, "D:(A;;GA;;;" + svc + ")": winnt.THREAD_ALL_ACCESS} {
		in := children()
		in.ThreadObjectAttributes = nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("O:SYG:SY" + text)})
		made, st := maker.NtCreateUserProcess(in)
		want(t, "make a child", st, ntstatus.Success)
		th := w.sys.Process(made.ClientID.UniqueProcess).FirstThread()
		const me = winnt.NtCurrentThread
		for right, call := range map[winnt.AccessMask]func() ntstatus.Status{
			winnt.THREAD_SUSPEND_RESUME: func() ntstatus.Status {
				_, st := th.Services().NtResumeThread(nt.ResumeThreadIn{ThreadHandle: me})
				return st
			},
			winnt.THREAD_SET_CONTEXT: func() ntstatus.Status {
				_, st := th.Services().NtQueueApcThread(nt.QueueApcThreadIn{ThreadHandle: me})
				return st
			},
			winnt.THREAD_SET_THREAD_TOKEN: func() ntstatus.Status {
				return th.NtSetInformationThread(me, nt.ThreadImpersonationToken, 0)
			},
			winnt.THREAD_IMPERSONATE: func() ntstatus.Status {
				_, st := th.Services().NtImpersonateAnonymousToken(nt.ImpersonateAnonymousTokenIn{ThreadHandle: me})
				w.sys.KernelMode(th).PsRevertToSelf()
				return st
			},
			winnt.SYNCHRONIZE: func() ntstatus.Status {
				if _, st := th.NtWaitForSingleObject(me, false); st != ntstatus.Timeout {
					return st
				}
				return ntstatus.Success
			},
			winnt.THREAD_QUERY_INFORMATION: func() ntstatus.Status {
				_, st := th.NtQueryInformationThread(me, nt.ThreadTimes)
				return st
			},
		} {
			wanted := ntstatus.AccessDenied
			if (granted|winnt.THREAD_QUERY_INFORMATION)&right != 0 {
				wanted = ntstatus.Success
			}
			if st := call(); st != wanted {
				t.Errorf("%s, right %#x: %v, want %v", text, right, st, wanted)
			}
		}
	}
}
