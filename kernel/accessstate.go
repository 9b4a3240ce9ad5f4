package kernel

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// AccessState is ACCESS_STATE: the caller and the requested rights of an open
// in progress. SeCreateAccessState creates it. It owns the references of its
// subject context until SeDeleteAccessState. In between only its privileges
// change, when the opening thread appends to them. The zero value has no
// subject and no requested or granted rights.
type AccessState struct {
	SubjectSecurityContext  *SubjectContext
	RemainingDesiredAccess  winnt.AccessMask // generic bits mapped
	PreviouslyGrantedAccess winnt.AccessMask
	OriginalDesiredAccess   winnt.AccessMask
	// TraversePrivilege is the flag TOKEN_HAS_TRAVERSE_PRIVILEGE: the effective
	// token has SeChangeNotifyPrivilege enabled.
	TraversePrivilege bool
	privileges        []nt.LUIDAndAttributes // owned by the thread that opens
}

// Privileges returns a copy of the privileges that SeAppendPrivileges has
// appended to the state.
func (s *AccessState) Privileges() *nt.PrivilegeSet {
	return &nt.PrivilegeSet{Privilege: slices.Clone(s.privileges)}
}

// Parameters of the routines on access states.
type (
	SeCreateAccessStateIn struct {
		DesiredAccess  winnt.AccessMask                   `object:"file"`
		GenericMapping nt.Captured[*winnt.GenericMapping] // NULL: generic bits stay
	}
	SeCreateAccessStateOut struct{ AccessState *AccessState }

	SeDeleteAccessStateIn  struct{ AccessState *AccessState }
	SeDeleteAccessStateOut struct{}

	SeAppendPrivilegesIn struct {
		AccessState *AccessState
		Privileges  nt.Captured[*nt.PrivilegeSet] // NULL appends nothing
	}
	SeAppendPrivilegesOut struct{}

	SeFastTraverseCheckIn struct {
		SecurityDescriptor nt.Captured[*sd.Descriptor]
		AccessState        *AccessState
		DesiredAccess      winnt.AccessMask `object:"directory"`
		AccessMode         access.Mode
	}
	SeFastTraverseCheckOut struct{ Result bool }
)

var (
	rowSeCreateAccessState = simple(
		"SeCreateAccessState",
		"captures the caller's tokens and the requested rights of an open",
		always("I-83", "always"),
		func(k *KernelThread, in SeCreateAccessStateIn) (SeCreateAccessStateOut, ntstatus.Status) {
			s := &AccessState{
				SubjectSecurityContext: k.Thread().CaptureSubjectContext(),
				OriginalDesiredAccess:  in.DesiredAccess,
				RemainingDesiredAccess: in.DesiredAccess,
			}
			if m := in.GenericMapping.V; m != nil {
				s.RemainingDesiredAccess = m.Map(in.DesiredAccess)
			}
			subject := s.SubjectSecurityContext.Subject()
			// An enabled SeChangeNotifyPrivilege passes every directory (O-24).
			s.TraversePrivilege = subject.Effective().Has(winnt.SeChangeNotifyPrivilege)
			return SeCreateAccessStateOut{s}, ntstatus.Success
		},
	)
	rowSeDeleteAccessState = simple("SeDeleteAccessState", "gives an access state back", always("I-83", "always"),
		func(_ *KernelThread, in SeDeleteAccessStateIn) (out SeDeleteAccessStateOut, st ntstatus.Status) {
			in.AccessState.SubjectSecurityContext.Release()
			return out, ntstatus.Success
		})
	rowSeAppendPrivileges = simple("SeAppendPrivileges", "adds privileges to those that an open has used",
		always("T-134", "always"),
		func(_ *KernelThread, in SeAppendPrivilegesIn) (out SeAppendPrivilegesOut, st ntstatus.Status) {
			if more := in.Privileges.V; more != nil {
				// They are appended unchanged: no entry is checked or omitted (T-134).
				in.AccessState.privileges = append(in.AccessState.privileges, more.Privilege...)
			}
			return out, ntstatus.Success
		})
	rowSeFastTraverseCheck = simple(
		"SeFastTraverseCheck",
		"reports quickly whether a directory may be walked through",
		[]nt.Condition{
			{Status: ntstatus.Success, Rule: "A-31", When: "AccessMode is KernelMode: Result is TRUE"},
			{Status: ntstatus.Success, Rule: "A-36", When: "Result is FALSE if only the full check can decide"},
		},
		func(_ *KernelThread, in SeFastTraverseCheckIn) (SeFastTraverseCheckOut, ntstatus.Status) {
			if in.AccessMode == access.Kernel {
				// Kernel mode passes without a check.
				return SeFastTraverseCheckOut{true}, ntstatus.Success
			}
			subject := in.AccessState.SubjectSecurityContext.Subject()
			return SeFastTraverseCheckOut{
				access.SeFastTraverseCheck(
					in.SecurityDescriptor.V, &subject, in.DesiredAccess, winnt.DirectoryFileObject),
				// The quick answer is yes only where the full check would say yes.
			}, ntstatus.Success
		},
	)
)

// SeCreateAccessState captures the calling thread's tokens and the requested
// rights. With a nil mapping it keeps generic bits. Release the state with
// SeDeleteAccessState.
func (k *KernelThread) SeCreateAccessState(desired winnt.AccessMask, mapping *winnt.GenericMapping) *AccessState {
	out, _ := call(k, rowSeCreateAccessState, SeCreateAccessStateIn{desired, nt.Cap(mapping)})
	return out.AccessState
}

// SeDeleteAccessState releases an access state. Call it once.
func (k *KernelThread) SeDeleteAccessState(s *AccessState) {
	call(k, rowSeDeleteAccessState, SeDeleteAccessStateIn{s})
}

// SeAppendPrivileges appends privileges to those of an access state (T-134).
func (k *KernelThread) SeAppendPrivileges(s *AccessState, more *nt.PrivilegeSet) {
	call(k, rowSeAppendPrivileges, SeAppendPrivilegesIn{s, nt.Cap(more)})
}

// SeFastTraverseCheck returns true if the full check would certainly grant the right to traverse a directory.
// false says nothing about the full check.
func (k *KernelThread) SeFastTraverseCheck(
	d *sd.Descriptor, s *AccessState, desired winnt.AccessMask, mode access.Mode,
) bool {
	out, _ := call(k, rowSeFastTraverseCheck, SeFastTraverseCheckIn{nt.Cap(d), s, desired, mode})
	return out.Result
}
