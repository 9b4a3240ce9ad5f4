package nt_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// by is a call that gets past its tests by value, and one that does not.
type by struct {
	name      string
	good, bad any
}

// O-3: each service that looks at parameters by value before any memory refuses
// what is next to what it takes.
func TestProbedByValue(t *testing.T) {
	const flags = winnt.PROCESS_CREATE_FLAGS_SUPPORTED
	process := func(process, thread uint32) nt.CreateUserProcessIn {
		return nt.CreateUserProcessIn{ProcessFlags: process, ThreadFlags: thread}
	}
	semaphore := func(initial, maximum int32) nt.CreateSemaphoreIn {
		return nt.CreateSemaphoreIn{InitialCount: initial, MaximumCount: maximum}
	}
	file := func(class nt.FileInfoClass, n uint32) nt.QueryInformationFileIn {
		return nt.QueryInformationFileIn{FileInformationClass: class, Length: n}
	}
	volume := func(class nt.FsInfoClass, n uint32) nt.QueryVolumeInformationFileIn {
		return nt.QueryVolumeInformationFileIn{FsInformationClass: class, Length: n}
	}
	object := func(class nt.ObjectInfoClass, n uint32) nt.SetInformationObjectIn {
		return nt.SetInformationObjectIn{ObjectInformationClass: class, ObjectInformationLength: n}
	}
	list := []by{
		{"NtCreateUserProcess", process(flags, winnt.THREAD_CREATE_FLAGS_SUPPORTED), process(^flags, 0)},
		{"NtCreateUserProcess", process(0, 0), process(0, ^winnt.THREAD_CREATE_FLAGS_SUPPORTED)},
		{"NtGetNextThread", nt.GetNextThreadIn{Flags: 1}, nt.GetNextThreadIn{Flags: 2}},
		{"NtCreateEvent", nt.CreateEventIn{EventType: 1}, nt.CreateEventIn{EventType: 2}},
		{"NtCreateTimer", nt.CreateTimerIn{TimerType: 1}, nt.CreateTimerIn{TimerType: 2}},
		{"NtSetTimer", nt.SetTimerIn{}, nt.SetTimerIn{Period: -1}},
		{"NtReleaseSemaphore", nt.ReleaseSemaphoreIn{ReleaseCount: 1}, nt.ReleaseSemaphoreIn{}},
		{"NtCreateSemaphore", semaphore(0, 1), semaphore(0, 0)},
		{"NtCreateSemaphore", semaphore(1, 1), semaphore(2, 1)},
		{"NtCreateSemaphore", semaphore(math.MaxInt32, math.MaxInt32), semaphore(-1, 1)},
		{"NtQueryInformationFile", file(23, 8), file(23, 7)},
		{"NtQueryInformationFile", file(24, 40), file(24, 39)},
		{"NtQueryInformationFile", file(24, math.MaxUint32), file(25, math.MaxUint32)},
		{"NtQueryVolumeInformationFile", volume(4, 8), volume(4, 7)},
		{"NtQueryVolumeInformationFile", volume(4, 9), volume(3, 8)},
		{"NtQueryObject", nt.QueryObjectIn{ObjectInformationClass: 4}, nt.QueryObjectIn{ObjectInformationClass: 5}},
		{"NtSetInformationObject", object(4, 2), object(4, 3)},
		{"NtSetInformationObject", object(4, 2), object(3, 2)},
		{"NtSetInformationJobObject", nt.SetInformationJobObjectIn{JobObjectInformationClass: 5},
			nt.SetInformationJobObjectIn{JobObjectInformationClass: 6}},
		{"NtSetInformationProcess", nt.SetInformationProcessIn{ProcessInformationClass: 9},
			nt.SetInformationProcessIn{ProcessInformationClass: 8}},
		{"NtSetInformationThread", nt.SetInformationThreadIn{ThreadInformationClass: 5},
			nt.SetInformationThreadIn{ThreadInformationClass: 4}},
	}
	for _, c := range append(list, states()...) {
		row := nt.NtTable.Find(c.name)
		if !row.Probed(c.good) || row.Probed(c.bad) {
			t.Errorf("O-3: %s: probed %t of %+v, %t of %+v; want true and false", c.name,
				row.Probed(c.good), c.good, row.Probed(c.bad), c.bad)
		}
	}
}

// states returns the queries of an object's state, whose length is exact (O-135).
func states() (list []by) {
	mutant := func(class nt.MutantInfoClass, n uint32) nt.QueryMutantIn {
		return nt.QueryMutantIn{MutantInformationClass: class, MutantInformationLength: n}
	}
	semaphore := func(class nt.SemaphoreInfoClass, n uint32) nt.QuerySemaphoreIn {
		return nt.QuerySemaphoreIn{SemaphoreInformationClass: class, SemaphoreInformationLength: n}
	}
	timer := func(class nt.TimerInfoClass, n uint32) nt.QueryTimerIn {
		return nt.QueryTimerIn{TimerInformationClass: class, TimerInformationLength: n}
	}
	for _, d := range []uint32{1, math.MaxUint32} { // one more, one less
		list = append(list, by{"NtQueryMutant", mutant(0, 8), mutant(0, 8+d)},
			by{"NtQuerySemaphore", semaphore(0, 8), semaphore(0, 8+d)},
			by{"NtQueryTimer", timer(0, 16), timer(0, 16+d)})
	}
	return append(list, by{"NtQueryMutant", mutant(0, 8), mutant(1, 8)},
		by{"NtQuerySemaphore", semaphore(0, 8), semaphore(1, 8)}, by{"NtQueryTimer", timer(0, 16), timer(1, 16)})
}

// The classes of the queries print as their documented names, other numbers as numbers.
func TestClassNames(t *testing.T) {
	for want, class := range map[string]fmt.Stringer{
		"MutantBasicInformation":            nt.MutantBasicInformation,
		"SemaphoreBasicInformation":         nt.SemaphoreBasicInformation,
		"TimerBasicInformation":             nt.TimerBasicInformation,
		"JobObjectSecurityLimitInformation": nt.JobObjectSecurityLimitInformation,
		"ThreadImpersonationToken":          nt.ThreadImpersonationToken,
		"ProcessAccessToken":                nt.ProcessAccessToken,
		"FilePipeLocalInformation":          nt.FilePipeLocalInformation,
		"FileFsDeviceInformation":           nt.FileFsDeviceInformation,
		"ObjectHandleFlagInformation":       nt.ObjectHandleFlagInformation,
		"OBJECT_INFORMATION_CLASS(5)":       nt.ObjectInfoClass(5),
		"MUTANT_INFORMATION_CLASS(1)":       nt.MutantInfoClass(1),
		"SEMAPHORE_INFORMATION_CLASS(1)":    nt.SemaphoreInfoClass(1),
		"TIMER_INFORMATION_CLASS(1)":        nt.TimerInfoClass(1),
	} {
		if got := class.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
