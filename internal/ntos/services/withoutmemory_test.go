package services_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// O-5, O-12, O-81, P-7: where memory runs out at any point of a service that makes a handle, it makes no handle,
// in user and in kernel mode: not told, not in the table, and its value is the next one's.
func TestMakersWithoutMemory(t *testing.T) {
	var points []string
	fails := ""
	w := newWorld(t, kernel.Config{Faults: func(point string) bool {
		points = append(points, point)
		return point == fails
	}})
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeCreateGlobalPrivilege))
	all := makers(t, w, th, k)
	tok := w.token(k, svc, winnt.SecurityImpersonation, winnt.SeCreateTokenPrivilege)
	want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	next := func(by *nt.Thread, attributes uint32) winnt.Handle {
		h, st := by.NtCreateEvent(1, &nt.ObjectAttributes{Attributes: attributes}, nt.NotificationEvent, false)
		want(t, "make an event", st, ntstatus.Success)
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
			h, st := m.call(by, attributes)
			want(t, m.name, st, ntstatus.Success)
			want(t, "close", by.NtClose(h), ntstatus.Success)
			met := slices.Clone(points)
			slices.Sort(met)
			for _, point := range slices.Compact(met) {
				before, value := len(handles(t, th)), next(by, attributes)
				fails = point
				h, st := m.call(by, attributes)
				if fails = ""; st != ntstatus.InsufficientResources || h != 0 {
					t.Errorf("%s without memory at %q: handle %#x, %v", m.name, point, int64(h), st)
				}
				if n, v := len(handles(t, th)), next(by, attributes); n != before || v != value {
					t.Errorf("%s without memory at %q: %d handles, next %#x, want %d, %#x", m.name, point, n, int64(v), before,
						int64(value))
				}
				failed[m.name] = true
			}
		}
	}
	for _, m := range all {
		if !failed[m.name] {
			t.Errorf("%s has no point where memory runs out", m.name)
		}
	}
	k.PsRevertToSelf()
}

// I-41, I-43, I-91: what a thread acts with has the flags and the level of the call, in a job and in none, also
// where it is a copy that the job or the privilege calls for.
func TestStateOfAnImpersonation(t *testing.T) {
	limit := func(flags uint32) func(*nt.JobSecurityLimitInformation) {
		return func(i *nt.JobSecurityLimitInformation) {
			i.SecurityLimitFlags = flags
			i.PrivilegesToDelete = []nt.LUIDAndAttributes{{LUID: winnt.SeDebugPrivilege.LUID()}}
		}
	}
	for name, limits := range map[string]func(*nt.JobSecurityLimitInformation){"no job": nil, "a job": limit(0),
		"no administrators": limit(winnt.JOB_OBJECT_SECURITY_NO_ADMIN),
		"a filter":          limit(winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS)} {
		for _, privilege := range []bool{true, false} {
			w := newWorld(t, kernel.Config{})
			p := w.process("p")
			if privilege {
				p = w.process("p", winnt.SeImpersonatePrivilege)
			}
			th, k := w.thread(p)
			if limits != nil {
				job, st := th.Services().NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS})
				want(t, "make a job", st, ntstatus.Success)
				info := &nt.JobSecurityLimitInformation{}
				if limits(info); info.SecurityLimitFlags != 0 {
					_, st = th.Services().NtSetInformationJobObject(nt.SetInformationJobObjectIn{JobHandle: job.JobHandle,
						JobObjectInformationClass: nt.JobObjectSecurityLimitInformation, JobObjectInformation: nt.Cap(info),
						JobObjectInformationLength: nt.JobSecurityLimitSize})
					want(t, "limit it", st, ntstatus.Success)
				}
				_, st = th.Services().NtAssignProcessToJobObject(nt.AssignProcessToJobObjectIn{JobHandle: job.JobHandle,
					ProcessHandle: winnt.NtCurrentProcess})
				want(t, "assign", st, ntstatus.Success)
			}
			for _, user := range []string{svc, client} {
				for _, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityIdentification,
					winnt.SecurityImpersonation, winnt.SecurityDelegation} {
					for _, flags := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
						tok := w.token(k, user, winnt.SecurityDelegation, winnt.SeDebugPrivilege)
						want(t, name, k.PsImpersonateClient(k.Thread(), tok, flags[0], flags[1], level), ntstatus.Success)
						wanted := level
						if user != svc && !privilege && level > winnt.SecurityIdentification {
							wanted = winnt.SecurityIdentification
						}
						acts, copies, effective, at := k.PsReferenceImpersonationToken(k.Thread())
						if copies != flags[0] || effective != flags[1] || at != wanted {
							t.Errorf("%s, privilege %v, %s at %v, %v: %v, %v, %v, want %v", name, privilege, user, level, flags,
								copies, effective, at, wanted)
						}
						if filtered := !acts.Value().Present().Has(winnt.SeDebugPrivilege); filtered != (name == "a filter") {
							t.Errorf("%s: the token is filtered: %v", name, filtered)
						}
						k.PsDereferenceImpersonationToken(acts)
					}
				}
			}
			k.PsRevertToSelf()
		}
	}
}
