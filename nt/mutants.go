package nt

import (
	"strconv"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// MutantInfoClass is MUTANT_INFORMATION_CLASS.
type MutantInfoClass uint32

// MutantBasicInformation is the supported class of NtQueryMutant.
const MutantBasicInformation MutantInfoClass = 0

// String returns the documented name.
func (c MutantInfoClass) String() string {
	if c == MutantBasicInformation {
		return "MutantBasicInformation"
	}
	return "MUTANT_INFORMATION_CLASS(" + strconv.FormatUint(uint64(c), 10) + ")"
}

// MutantInformation is MUTANT_BASIC_INFORMATION, 8 bytes in C: the count (4
// bytes), two bytes, and two bytes of padding.
type MutantInformation struct {
	CurrentCount   int32 // 1 is free, 0 is owned
	OwnedByCaller  bool
	AbandonedState bool // its owner ended without releasing it
}

// Parameters of the services on mutants. MutantInformationLength is in bytes;
// the structure has 8.
type (
	CreateMutantIn struct {
		DesiredAccess    winnt.AccessMask `object:"mutant"`
		ObjectAttributes Captured[*ObjectAttributes]
		InitialOwner     bool
	}
	OpenMutantIn struct {
		DesiredAccess    winnt.AccessMask `object:"mutant"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	MutantOut struct{ MutantHandle winnt.Handle }

	ReleaseMutantIn  struct{ MutantHandle winnt.Handle }
	ReleaseMutantOut struct{ PreviousCount int32 }

	QueryMutantIn struct {
		MutantHandle            winnt.Handle
		MutantInformationClass  MutantInfoClass
		MutantInformationLength uint32 `default:"8"`
		// FaultReturnLength is the status of probing ReturnLength and the buffer.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QueryMutantOut struct {
		MutantInformation MutantInformation
		ReturnLength      uint32
	}
)

// stateConditions returns the conditions, for the table of services, of a query for the state of an object. handle is
// the name of the handle parameter, object the type, right the right that the handle needs.
func stateConditions(handle, object, right string) []Condition {
	return []Condition{
		{ntstatus.InvalidInfoClass, "O-135", "any other information class"},
		{ntstatus.InfoLengthMismatch, "O-135", "the length is not the size of the structure"},
		{ntstatus.AccessViolation, "O-3", "a pointer is not writable"},
		{ntstatus.InvalidHandle, "O-31", handle + " is not a valid handle"},
		{ntstatus.ObjectTypeMismatch, "O-31", handle + " is not a " + object},
		{ntstatus.AccessDenied, "O-31", handle + " does not grant " + right},
	}
}

var (
	rowCreateMutant = Add(&NtTable, Entry[Services, CreateMutantIn, MutantOut]{
		Meta: Meta{
			Name:       "NtCreateMutant",
			Summary:    "creates a mutant, with or without a name",
			Source:     "CreateMutex",
			Missing:    "no thread can wait for a mutant",
			Conditions: createByNameConditions(),
		},
		Call: Services.NtCreateMutant,
	})
	rowOpenMutant = Add(&NtTable, Entry[Services, OpenMutantIn, MutantOut]{
		Meta: Meta{
			Name:       "NtOpenMutant",
			Summary:    "opens a mutant by name",
			Source:     "OpenMutex",
			Conditions: openByNameConditions(),
		},
		Call: Services.NtOpenMutant,
	})
	rowReleaseMutant = Add(&NtTable, Entry[Services, ReleaseMutantIn, ReleaseMutantOut]{
		Meta: Meta{
			Name:    "NtReleaseMutant",
			Summary: "releases a mutant that the calling thread owns",
			Source:  "ReleaseMutex",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "MutantHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "MutantHandle is not a mutant"},
				{ntstatus.MutantNotOwned, "O-134", "the calling thread does not own the mutant"},
			},
		},
		Call: Services.NtReleaseMutant,
	})
	rowQueryMutant = Add(&NtTable, Entry[Services, QueryMutantIn, QueryMutantOut]{
		Meta: Meta{
			Name:       "NtQueryMutant",
			Summary:    "returns the count of a mutant, and whether the caller owns it and it was abandoned",
			Source:     "\"Synchronization Object Security and Access Rights\"",
			Conditions: stateConditions("MutantHandle", "mutant", "MUTANT_QUERY_STATE"),
		},
		Call: Services.NtQueryMutant,
		Scalars: byValue(func(in QueryMutantIn) bool {
			return in.MutantInformationClass == 0 && in.MutantInformationLength == 8
		}),
	})
)

// NtCreateMutant creates a mutant. On request the calling thread owns it from the start (CreateMutex). nil attributes
// make one without a name. An existing name is a failure unless OBJ_OPENIF is set.
func (t *Thread) NtCreateMutant(
	desired winnt.AccessMask, attributes *ObjectAttributes, owned bool,
) (winnt.Handle, ntstatus.Status) {
	in := CreateMutantIn{desired, Cap(attributes), owned}
	out, st := call(t, rowCreateMutant, in)
	return out.MutantHandle, st
}

// NtOpenMutant opens a mutant by name, STATUS_OBJECT_NAME_NOT_FOUND if there is none (OpenMutex).
func (t *Thread) NtOpenMutant(desired winnt.AccessMask, attributes *ObjectAttributes) (winnt.Handle, ntstatus.Status) {
	in := OpenMutantIn{desired, Cap(attributes)}
	out, st := call(t, rowOpenMutant, in)
	return out.MutantHandle, st
}

// NtReleaseMutant releases a mutant and returns its previous count. It needs no right, because only the owner can
// release it; another thread gets STATUS_MUTANT_NOT_OWNED (ReleaseMutex).
func (t *Thread) NtReleaseMutant(mutant winnt.Handle) (int32, ntstatus.Status) {
	in := ReleaseMutantIn{mutant}
	out, st := call(t, rowReleaseMutant, in)
	return out.PreviousCount, st
}

// NtQueryMutant returns the state of a mutant. It needs MUTANT_QUERY_STATE.
func (t *Thread) NtQueryMutant(mutant winnt.Handle) (MutantInformation, ntstatus.Status) {
	in := QueryMutantIn{MutantHandle: mutant, MutantInformationLength: 8}
	out, st := call(t, rowQueryMutant, in)
	return out.MutantInformation, st
}
