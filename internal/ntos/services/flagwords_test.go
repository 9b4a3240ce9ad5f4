package services_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// I-89, I-95, L-45, O-22, O-29, O-163, T-60, T-90: a word of flags with one that is not known is
// refused, whether it is the only one or stands beside those that are known.
func TestUnknownFlagsBesideKnown(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p"))
	s := th.Services()
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	policy, st := s.LsaOpenPolicy(nt.LsaOpenPolicyIn{DesiredAccess: winnt.POLICY_LOOKUP_NAMES})
	want(t, "open the policy", st, ntstatus.Success)
	var job winnt.Handle
	newJob := func() {
		out, st := s.NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS})
		want(t, "make a job", st, ntstatus.Success)
		job = out.JobHandle
	}
	for name, c := range map[string]struct {
		known   uint32 // together they are taken
		special uint32 // known too, but want more than the flag
		call    func(uint32) ntstatus.Status
	}{
		"NtFilterToken": {winnt.DISABLE_MAX_PRIVILEGE | winnt.SANDBOX_INERT | winnt.WRITE_RESTRICTED, winnt.LUA_TOKEN,
			func(flags uint32) ntstatus.Status {
				_, st := s.NtFilterToken(nt.FilterTokenIn{ExistingTokenHandle: own, Flags: flags})
				return st
			}},
		"SeFilterToken": {winnt.DISABLE_MAX_PRIVILEGE | winnt.SANDBOX_INERT | winnt.WRITE_RESTRICTED, winnt.LUA_TOKEN,
			func(flags uint32) ntstatus.Status {
				primary := k.PsReferencePrimaryToken(k.Thread().Process())
				defer k.PsDereferencePrimaryToken(primary)
				tok, st := k.SeFilterToken(kernel.SeFilterTokenIn{ExistingToken: primary, Flags: flags})
				if st == ntstatus.Success {
					k.PsDereferencePrimaryToken(tok)
				}
				return st
			}},
		"NtSetInformationJobObject": {winnt.JOB_OBJECT_SECURITY_NO_ADMIN | winnt.JOB_OBJECT_SECURITY_RESTRICTED_TOKEN,
			winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN | winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS,
			func(flags uint32) ntstatus.Status {
				newJob()
				_, st := s.NtSetInformationJobObject(nt.SetInformationJobObjectIn{JobHandle: job,
					JobObjectInformationClass:  nt.JobObjectSecurityLimitInformation,
					JobObjectInformation:       nt.Cap(&nt.JobSecurityLimitInformation{SecurityLimitFlags: flags}),
					JobObjectInformationLength: nt.JobSecurityLimitSize})
				return st
			}},
		"the process of NtCreateUserProcess": {winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES, 0,
			func(flags uint32) ntstatus.Status {
				in := children()
				in.ProcessFlags = flags
				_, st := th.NtCreateUserProcess(in)
				return st
			}},
		"the thread of NtCreateUserProcess": {winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED, 0,
			func(flags uint32) ntstatus.Status {
				in := children()
				in.ThreadFlags = flags
				_, st := th.NtCreateUserProcess(in)
				return st
			}},
		"NtGetNextThread": {nt.NextThreadBackward, 0, func(flags uint32) ntstatus.Status {
			_, st := s.NtGetNextThread(nt.GetNextThreadIn{ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: 1,
				Flags: flags})
			return st
		}},
		"handles of NtGetNextThread": {winnt.OBJ_INHERIT, winnt.OBJ_VALID_ATTRIBUTES, func(flags uint32) ntstatus.Status {
			_, st := s.NtGetNextThread(nt.GetNextThreadIn{ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: 1,
				HandleAttributes: flags})
			return st
		}},
		"LsaLookupNames2": {winnt.LSA_LOOKUP_ISOLATED_AS_LOCAL, 0, func(flags uint32) ntstatus.Status {
			_, st := s.LsaLookupNames2(nt.LsaLookupNames2In{PolicyHandle: policy.PolicyHandle, Flags: flags})
			return st
		}},
		"NtOpenProcessTokenEx": {winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE, 0, func(flags uint32) ntstatus.Status {
			_, st := th.NtOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, flags)
			return st
		}},
		"an object's attributes": {winnt.OBJ_INHERIT | winnt.OBJ_CASE_INSENSITIVE, winnt.OBJ_VALID_ATTRIBUTES,
			func(flags uint32) ntstatus.Status {
				_, st := th.NtCreateEvent(1, &nt.ObjectAttributes{Attributes: flags}, nt.NotificationEvent, false)
				return st
			}},
		"TokenChildProcessFlags": {nt.ChildProcessNone | nt.ChildProcessAudit | nt.ChildProcessSecureToo, 0,
			func(flags uint32) ntstatus.Status {
				return th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, flags)
			}},
	} {
		want(t, name+", what is known", c.call(c.known), ntstatus.Success)
		for bit := range 32 {
			flag := uint32(1) << bit
			if flag&(c.known|c.special) != 0 {
				continue
			}
			for _, flags := range []uint32{flag, flag | c.known} {
				want(t, fmt.Sprintf("%s, %#x", name, flags), c.call(flags), ntstatus.InvalidParameter)
			}
		}
	}
}
