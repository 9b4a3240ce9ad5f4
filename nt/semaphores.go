package nt

import (
	"strconv"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// SemaphoreInfoClass is SEMAPHORE_INFORMATION_CLASS.
type SemaphoreInfoClass uint32

// SemaphoreBasicInformation is the one class of NtQuerySemaphore.
const SemaphoreBasicInformation SemaphoreInfoClass = 0

// String returns the documented name.
func (c SemaphoreInfoClass) String() string {
	if c == SemaphoreBasicInformation {
		return "SemaphoreBasicInformation"
	}
	return "SEMAPHORE_INFORMATION_CLASS(" + strconv.FormatUint(uint64(c), 10) + ")"
}

// SemaphoreInformation is SEMAPHORE_BASIC_INFORMATION, 8 bytes in C: two counts
// of 4 bytes.
type SemaphoreInformation struct {
	CurrentCount int32
	MaximumCount int32
}

// Parameters of the services on semaphores. SemaphoreInformationLength is in
// bytes; the structure has 8.
type (
	CreateSemaphoreIn struct {
		DesiredAccess    winnt.AccessMask `object:"semaphore"`
		ObjectAttributes Captured[*ObjectAttributes]
		InitialCount     int32
		MaximumCount     int32
	}
	OpenSemaphoreIn struct {
		DesiredAccess    winnt.AccessMask `object:"semaphore"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	SemaphoreOut struct{ SemaphoreHandle winnt.Handle }

	ReleaseSemaphoreIn struct {
		SemaphoreHandle winnt.Handle
		ReleaseCount    int32
	}
	ReleaseSemaphoreOut struct{ PreviousCount int32 }

	QuerySemaphoreIn struct {
		SemaphoreHandle            winnt.Handle
		SemaphoreInformationClass  SemaphoreInfoClass
		SemaphoreInformationLength uint32 `default:"8"`
		// FaultReturnLength is the status of probing ReturnLength and the buffer.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QuerySemaphoreOut struct {
		SemaphoreInformation SemaphoreInformation
		ReturnLength         uint32
	}
)

var (
	rowCreateSemaphore = Add(&NtTable, Entry[Services, CreateSemaphoreIn, SemaphoreOut]{
		Meta: Meta{
			Name:    "NtCreateSemaphore",
			Summary: "creates a semaphore, with or without a name",
			Source:  "CreateSemaphore",
			Missing: "outside the C library a wait for a semaphore returns immediately",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter, "O-137", "the maximum is not above 0, or the count is not between 0 and the maximum"},
			}, createByNameConditions()...),
		},
		Call: Services.NtCreateSemaphore,
		Scalars: byValue(func(in CreateSemaphoreIn) bool {
			return in.MaximumCount > 0 && in.InitialCount >= 0 && in.InitialCount <= in.MaximumCount
		}),
	})
	rowOpenSemaphore = Add(&NtTable, Entry[Services, OpenSemaphoreIn, SemaphoreOut]{
		Meta: Meta{
			Name:       "NtOpenSemaphore",
			Summary:    "opens a semaphore by name",
			Source:     "OpenSemaphore",
			Conditions: openByNameConditions(),
		},
		Call: Services.NtOpenSemaphore,
	})
	rowReleaseSemaphore = Add(&NtTable, Entry[Services, ReleaseSemaphoreIn, ReleaseSemaphoreOut]{
		Meta: Meta{
			Name:    "NtReleaseSemaphore",
			Summary: "increments the count of a semaphore",
			Source:  "ReleaseSemaphore",
			Conditions: []Condition{
				{ntstatus.InvalidParameter, "O-138", "ReleaseCount is not above 0"},
				{ntstatus.InvalidHandle, "O-31", "SemaphoreHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "SemaphoreHandle is not a semaphore"},
				{ntstatus.AccessDenied, "O-31", "SemaphoreHandle does not grant SEMAPHORE_MODIFY_STATE"},
				{ntstatus.SemaphoreLimitExceeded, "O-138", "the count would exceed the maximum"},
			},
		},
		Call:    Services.NtReleaseSemaphore,
		Scalars: byValue(func(in ReleaseSemaphoreIn) bool { return in.ReleaseCount > 0 }),
	})
	rowQuerySemaphore = Add(&NtTable, Entry[Services, QuerySemaphoreIn, QuerySemaphoreOut]{
		Meta: Meta{
			Name:       "NtQuerySemaphore",
			Summary:    "returns the count of a semaphore and its maximum",
			Source:     "\"Synchronization Object Security and Access Rights\"",
			Conditions: stateConditions("SemaphoreHandle", "semaphore", "SEMAPHORE_QUERY_STATE"),
		},
		Call: Services.NtQuerySemaphore,
		Scalars: byValue(func(in QuerySemaphoreIn) bool {
			return in.SemaphoreInformationClass == 0 && in.SemaphoreInformationLength == 8
		}),
	})
)

// NtCreateSemaphore creates a semaphore with a count and a maximum (CreateSemaphore). An existing name is a failure
// unless OBJ_OPENIF is set.
func (t *Thread) NtCreateSemaphore(
	desired winnt.AccessMask, attributes *ObjectAttributes, count, maximum int32,
) (winnt.Handle, ntstatus.Status) {
	in := CreateSemaphoreIn{desired, Cap(attributes), count, maximum}
	out, st := call(t, rowCreateSemaphore, in)
	return out.SemaphoreHandle, st
}

// NtOpenSemaphore opens a semaphore by name (OpenSemaphore). The handle is 0 unless the status is a success. nil
// attributes are a failure.
func (t *Thread) NtOpenSemaphore(
	desired winnt.AccessMask, attributes *ObjectAttributes,
) (winnt.Handle, ntstatus.Status) {
	in := OpenSemaphoreIn{desired, Cap(attributes)}
	out, st := call(t, rowOpenSemaphore, in)
	return out.SemaphoreHandle, st
}

// NtReleaseSemaphore adds count, at least 1, to a semaphore and returns the previous count. If the sum would exceed the
// maximum, it changes nothing and returns STATUS_SEMAPHORE_LIMIT_EXCEEDED. It needs SEMAPHORE_MODIFY_STATE
// (ReleaseSemaphore).
func (t *Thread) NtReleaseSemaphore(semaphore winnt.Handle, count int32) (int32, ntstatus.Status) {
	in := ReleaseSemaphoreIn{semaphore, count}
	out, st := call(t, rowReleaseSemaphore, in)
	return out.PreviousCount, st
}

// NtQuerySemaphore returns both counts. It needs SEMAPHORE_QUERY_STATE.
func (t *Thread) NtQuerySemaphore(semaphore winnt.Handle) (SemaphoreInformation, ntstatus.Status) {
	in := QuerySemaphoreIn{SemaphoreHandle: semaphore, SemaphoreInformationLength: 8}
	out, st := call(t, rowQuerySemaphore, in)
	return out.SemaphoreInformation, st
}
