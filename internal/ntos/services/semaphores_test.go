package services_test

import (
	"math"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

func TestNtOpenSemaphore(t *testing.T) { testOpen(t, "Semaphore") }

func TestNtCreateSemaphore(t *testing.T) {
	testCreate(t, "Semaphore")
	th := newThread(t)
	for _, c := range []struct {
		count, maximum int32
		want           ntstatus.Status
	}{
		{0, 1, ntstatus.Success}, {1, 1, ntstatus.Success}, {math.MaxInt32, math.MaxInt32, ntstatus.Success},
		{2, 1, ntstatus.InvalidParameter}, {0, 0, ntstatus.InvalidParameter}, {-1, 1, ntstatus.InvalidParameter},
		{0, -1, ntstatus.InvalidParameter}, {math.MinInt32, math.MaxInt32, ntstatus.InvalidParameter},
	} {
		h, st := th.NtCreateSemaphore(winnt.SEMAPHORE_ALL_ACCESS, nil, c.count, c.maximum)
		want(t, "O-137", st, c.want)
		if st != ntstatus.Success {
			continue
		}
		made := nt.SemaphoreInformation{CurrentCount: c.count, MaximumCount: c.maximum}
		if got, st := th.NtQuerySemaphore(h); st != ntstatus.Success || got != made {
			t.Errorf("O-137: new semaphore = %+v, %v, want %+v", got, st, made)
		}
	}
	// The counts are values, so they are checked before the data behind a pointer (O-3, O-137).
	want(t, "the counts, and the attributes", check.Status(th.NtCreateSemaphore(winnt.SEMAPHORE_ALL_ACCESS,
		&nt.ObjectAttributes{Attributes: 1, ObjectName: "x"}, 2, 1)), ntstatus.InvalidParameter)
}

// TestReleaseSemaphoreErrorsAndCounts checks the errors of O-138, the count before and after, and that a failed
// release changes nothing.
func TestReleaseSemaphoreErrorsAndCounts(t *testing.T) {
	th := newThread(t)
	h := check.Result(th.NtCreateSemaphore(winnt.SEMAPHORE_ALL_ACCESS, nil, 1, 3))
	badHandles(t, th, h, winnt.SEMAPHORE_QUERY_STATE, winnt.NtCurrentProcess, func(h winnt.Handle) ntstatus.Status {
		return check.Status(th.NtReleaseSemaphore(h, 1))
	})
	for _, c := range []struct {
		h            winnt.Handle
		n            int32
		want         ntstatus.Status
		before, left int32
	}{
		{0x7770, 0, ntstatus.InvalidParameter, 0, 1}, // the count comes before the handle
		{h, 0, ntstatus.InvalidParameter, 0, 1},
		{h, -1, ntstatus.InvalidParameter, 0, 1},
		{h, math.MaxInt32, ntstatus.SemaphoreLimitExceeded, 0, 1},
		{h, 3, ntstatus.SemaphoreLimitExceeded, 0, 1},
		{h, 2, ntstatus.Success, 1, 3},
		{h, 1, ntstatus.SemaphoreLimitExceeded, 0, 3},
	} {
		before, st := th.NtReleaseSemaphore(c.h, c.n)
		check.That(t, st == c.want && before == c.before,
			"O-138: releasing %d: previous count %d, %v, want %d, %v", c.n, before, st, c.before, c.want)
		left := nt.SemaphoreInformation{CurrentCount: c.left, MaximumCount: 3}
		if got, st := th.NtQuerySemaphore(h); st != ntstatus.Success || got != left {
			t.Errorf("O-138: semaphore after releasing %d = %+v, %v, want %+v", c.n, got, st, left)
		}
	}
}

// Each successful wait takes one unit of the count, and none below 0 (O-146).
func TestWaitTakesOneUnit(t *testing.T) {
	th := newThread(t)
	h := check.Result(th.NtCreateSemaphore(winnt.SEMAPHORE_ALL_ACCESS, nil, 2, 3))
	for _, left := range []int32{1, 0} {
		want(t, "wait", check.Status(th.NtWaitForSingleObject(h, false)), ntstatus.Success)
		check.Equal(t, check.Result(th.NtQuerySemaphore(h)).CurrentCount, left, "O-146: the count after a wait")
	}
	want(t, "wait at 0", check.Status(th.NtWaitForSingleObject(h, false)), ntstatus.Timeout)
}

// TestQuerySemaphoreErrorsAndResult checks the order of the errors of O-135, and the result of a query.
func TestQuerySemaphoreErrorsAndResult(t *testing.T) {
	th := newThread(t)
	h := check.Result(th.NtCreateSemaphore(winnt.SEMAPHORE_ALL_ACCESS, nil, 2, 5))
	badHandles(t, th, h, winnt.SEMAPHORE_MODIFY_STATE, winnt.NtCurrentThread, func(h winnt.Handle) ntstatus.Status {
		return check.Status(th.NtQuerySemaphore(h))
	})
	in := nt.QuerySemaphoreIn{SemaphoreHandle: h, SemaphoreInformationLength: 8}
	checkOrder(t, "NtQuerySemaphore", in, func(in nt.QuerySemaphoreIn) ntstatus.Status {
		out, st := th.Services().NtQuerySemaphore(in)
		is := nt.QuerySemaphoreOut{}
		if st == ntstatus.Success {
			is = nt.QuerySemaphoreOut{ReturnLength: 8,
				SemaphoreInformation: nt.SemaphoreInformation{CurrentCount: 2, MaximumCount: 5}}
		}
		check.Equal(t, out, is, "query with status %v: output", st)
		return st
	}, []rung[nt.QuerySemaphoreIn]{
		{"the class", ntstatus.InvalidInfoClass, func(in *nt.QuerySemaphoreIn) { in.SemaphoreInformationClass = 1 }},
		{"the length", ntstatus.InfoLengthMismatch, func(in *nt.QuerySemaphoreIn) { in.SemaphoreInformationLength = 9 }},
		{"a pointer", unread(1), func(in *nt.QuerySemaphoreIn) { in.FaultReturnLength = unread(1) }},
		{"the handle", ntstatus.InvalidHandle, func(in *nt.QuerySemaphoreIn) { in.SemaphoreHandle = 0x7770 }},
	})
	in.SemaphoreInformationLength = 7
	want(t, "O-135: one byte less", check.Status(th.Services().NtQuerySemaphore(in)), ntstatus.InfoLengthMismatch)
}
