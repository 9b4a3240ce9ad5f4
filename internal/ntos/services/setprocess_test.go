package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestOnlyPrimaryTokenOfProcessCanBeSet checks that NtSetInformationProcess supports only the class of the primary
// token, and checks the class before everything else (T-110).
func TestOnlyPrimaryTokenOfProcessCanBeSet(t *testing.T) {
	th := newThread(t)
	for _, class := range []nt.ProcessInfoClass{0, 1, nt.ProcessAccessToken - 1, nt.ProcessAccessToken + 1, 1 << 30} {
		want(t, "T-110", th.NtSetInformationProcess(winnt.NtCurrentProcess, class, 400), ntstatus.InvalidInfoClass)
	}
	want(t, "T-110", th.NtSetInformationProcess(winnt.NtCurrentProcess, nt.ProcessAccessToken, 400),
		ntstatus.InvalidHandle)
}

// A refused replacement of a token leaves no record, also under a policy that fails closed (U-78).
func TestRefusedTokenIsNotRecorded(t *testing.T) {
	for _, options := range []audit.Options{{}, {CrashOnAuditFail: audit.FailOnAuditFail}} {
		m := audit.NewMemory(0, 0)
		w := recorded(t, m, options)
		th, k := w.thread(w.process("p", winnt.SeAssignPrimaryTokenPrivilege))
		h := assignable(k, value(t, client, winnt.TokenPrimary, 0))
		drain(m)
		st := th.NtSetInformationProcess(winnt.NtCurrentProcess, nt.ProcessAccessToken, h)
		check.That(t, st != ntstatus.Success, "replacing the token of a process that runs: %v", st)
		for _, record := range drain(m) {
			check.That(t, !strings.HasPrefix(record, "4696"), "record of the refused token: %s", record)
		}
	}
}

// A value of fixed length must have exactly that length (I-70, T-110).
func TestSetProcessNeedsExactLength(t *testing.T) {
	th := newThread(t)
	for _, by := range []int{-1, 0, 1} {
		wanted := ntstatus.InfoLengthMismatch
		if by == 0 {
			wanted = ntstatus.InvalidHandle
		}
		_, st := th.Services().NtSetInformationThread(nt.SetInformationThreadIn{ThreadHandle: 0x7770,
			ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformationLength: uint32(8 + by)})
		want(t, "a thread's token", st, wanted)
		_, st = th.Services().NtSetInformationProcess(nt.SetInformationProcessIn{ProcessHandle: 0x7770,
			ProcessInformationClass: nt.ProcessAccessToken, ProcessInformationLength: uint32(16 + by)})
		want(t, "a process's token", st, wanted)
		_, st = th.Services().NtSetInformationObject(nt.SetInformationObjectIn{Handle: 0x7770,
			ObjectInformationClass: nt.ObjectHandleFlagInformation, ObjectInformationLength: uint32(2 + by)})
		want(t, "a handle's flags", st, wanted)
	}
}
