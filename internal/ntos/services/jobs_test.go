package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestJobFilterRemovesPrivileges checks that a job's filter removes the first, a middle and the last privilege from a
// thread's token, each alone. An unknown LUID removes none, and a filter with only an unknown LUID is refused (I-89,
// I-90).
func TestJobFilterRemovesPrivileges(t *testing.T) {
	all := []winnt.Privilege{winnt.FirstPrivilege, winnt.SeBackupPrivilege, winnt.LastPrivilege}
	for _, c := range []struct {
		name  string
		luids []winnt.LUID
		gone  []winnt.Privilege
		st    ntstatus.Status
	}{
		{"first privilege", []winnt.LUID{2}, all[:1], ntstatus.Success},
		{"middle privilege", []winnt.LUID{17}, all[1:2], ntstatus.Success},
		{"last privilege", []winnt.LUID{36}, all[2:], ntstatus.Success},
		{"three privileges", []winnt.LUID{36, 2, 17, 17}, all, ntstatus.Success},
		{"a privilege and an unknown LUID", []winnt.LUID{0, 37, 17, 1}, all[1:2], ntstatus.Success},
		{"LUID before the first", []winnt.LUID{1}, nil, ntstatus.InvalidParameter},
		{"LUID after the last", []winnt.LUID{37}, nil, ntstatus.InvalidParameter},
		{"low byte of a privilege", []winnt.LUID{256 + 17}, nil, ntstatus.InvalidParameter},
		{"low half of a privilege", []winnt.LUID{1<<32 + 17}, nil, ntstatus.InvalidParameter},
	} {
		w := newWorld(t, kernel.Config{})
		p := w.process("p", append([]winnt.Privilege{winnt.SeImpersonatePrivilege}, all...)...)
		th, k := w.thread(p)
		info := &nt.JobSecurityLimitInformation{SecurityLimitFlags: winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS}
		for _, l := range c.luids {
			info.PrivilegesToDelete = append(info.PrivilegesToDelete, nt.LUIDAndAttributes{LUID: l})
		}
		if want(t, c.name, joinJob(t, th, info), c.st); c.st != ntstatus.Success {
			continue
		}
		w.impersonate(k, svc, winnt.SecurityImpersonation, append([]winnt.Privilege{winnt.SeDebugPrivilege}, all...)...)
		acting, _, _, _ := k.PsReferenceImpersonationToken(k.Thread())
		left := acting.Value().Present()
		k.PsDereferenceImpersonationToken(acting)
		for _, x := range all {
			gone := false
			for _, y := range c.gone {
				gone = gone || x == y
			}
			check.That(t, left.Has(x) != gone, "I-90: %s: token has %v: %t, want %t", c.name, x, gone, !gone)
		}
		check.That(t, left.Has(winnt.SeDebugPrivilege), "I-90: %s: SeDebugPrivilege was removed too, want it kept",
			c.name)
		k.PsRevertToSelf()
	}
}

// joinJob assigns the thread's process to a new job with these limits, and returns the status of setting them. A job
// that refuses them is not joined.
func joinJob(t *testing.T, th *nt.Thread, limits *nt.JobSecurityLimitInformation) ntstatus.Status {
	t.Helper()
	job := check.Result(th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, nil))
	_, st := th.Services().NtSetInformationJobObject(nt.SetInformationJobObjectIn{JobHandle: job,
		JobObjectInformationClass: nt.JobObjectSecurityLimitInformation, JobObjectInformation: nt.Cap(limits),
		JobObjectInformationLength: nt.JobSecurityLimitSize})
	if st == ntstatus.Success {
		check.Success(t, check.Status(th.Services().NtAssignProcessToJobObject(nt.AssignProcessToJobObjectIn{JobHandle: job,
			ProcessHandle: winnt.NtCurrentProcess})))
	}
	return st
}

// Limits that cannot be read fail with STATUS_ACCESS_VIOLATION (O-3). The single token of a job must be a primary token
// that the caller may assign (I-89, T-111). A process that joins the job gets it.
func TestJobTokenMustBeAssignable(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("p")
	th, k := w.thread(p)
	want(t, "set no limits", joinJob(t, th, nil), ntstatus.AccessViolation)
	own := openOwnToken(t, th)
	open := func(user string, typ winnt.TokenType) winnt.Handle {
		return assignable(k, value(t, user, typ, winnt.SecurityImpersonation))
	}
	for _, c := range []struct {
		name  string
		token func() winnt.Handle
		want  ntstatus.Status
	}{
		{"none", func() winnt.Handle { return 0 }, ntstatus.InvalidParameter},
		{"no handle", func() winnt.Handle { return 0x7770 }, ntstatus.InvalidHandle},
		{"a handle without the right", func() winnt.Handle {
			return check.Result(th.NtDuplicateToken(own, winnt.TOKEN_QUERY, nil, false, winnt.TokenPrimary))
		}, ntstatus.AccessDenied},
		{"an impersonation token", func() winnt.Handle { return open(svc, winnt.TokenImpersonation) }, ntstatus.BadTokenType},
		{"another user's", func() winnt.Handle { return open(client, winnt.TokenPrimary) }, ntstatus.PrivilegeNotHeld},
		{"a filtered one of its own", func() winnt.Handle {
			return check.Result(th.NtFilterToken(own, 0, []sid.SID{sid.Users}, nil, nil))
		}, ntstatus.Success},
	} {
		limits := &nt.JobSecurityLimitInformation{SecurityLimitFlags: winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN,
			JobToken: c.token()}
		want(t, c.name, joinJob(t, th, limits), c.want)
		check.Equal(t, p.Object().Token().Member(sid.Users, false), c.want != ntstatus.Success,
			"%s: the process is in the group Users", c.name)
	}
}

// A process joins a job only by a handle that grants PROCESS_SET_QUOTA and PROCESS_TERMINATE. The reason of a refusal
// names the handle (O-31).
func TestJoiningJobNeedsRightsToProcess(t *testing.T) {
	th := newThread(t)
	job := check.Result(th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, nil))
	weak := func(rights winnt.AccessMask) winnt.Handle {
		return check.Result(th.NtDuplicateObject(winnt.NtCurrentProcess, winnt.NtCurrentProcess, winnt.NtCurrentProcess,
			rights, 0, 0))
	}
	const lacks = "does not grant PROCESS_SET_QUOTA or PROCESS_TERMINATE"
	for h, c := range map[winnt.Handle]struct {
		want ntstatus.Status
		why  string
	}{0x7770: {ntstatus.InvalidHandle, "is not a valid handle"},
		winnt.NtCurrentThread:         {ntstatus.ObjectTypeMismatch, "is of another type"},
		weak(winnt.PROCESS_SET_QUOTA): {ntstatus.AccessDenied, lacks},
		weak(winnt.PROCESS_TERMINATE): {ntstatus.AccessDenied, lacks}} {
		th.Services().RecordWhy(true)
		want(t, c.why, th.NtAssignProcessToJobObject(job, h), c.want)
		check.Equal(t, th.Services().TakeWhy().Because, "ProcessHandle "+c.why, "reason of %v", c.want)
	}
}

func TestNtCreateJobObject(t *testing.T) { testCreate(t, "JobObject") }
func TestNtOpenJobObject(t *testing.T)   { testOpen(t, "JobObject") }
