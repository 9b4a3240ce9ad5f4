package kernel

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the routines that check privileges.
type (
	SeSinglePrivilegeCheckIn struct {
		PrivilegeValue winnt.LUID
		PreviousMode   ProcessorMode
	}
	SePrivilegeCheckIn struct {
		RequiredPrivileges     nt.Captured[*nt.PrivilegeSet]
		SubjectSecurityContext *SubjectContext
		AccessMode             ProcessorMode
	}
	SePrivilegeCheckOut struct {
		RequiredPrivileges *nt.PrivilegeSet // with USED_FOR_ACCESS set on those found
		Result             bool
	}
)

var (
	rowSeSinglePrivilegeCheck = simple(
		"SeSinglePrivilegeCheck",
		"reports whether the calling thread may use a privilege",
		always("T-102", "always; Result is TRUE for KernelMode"),
		func(k *KernelThread, in SeSinglePrivilegeCheckIn) (SeTokenBoolOut, ntstatus.Status) {
			s := k.Thread().Subject()
			set := &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: in.PrivilegeValue}}}
			// The privilege must be enabled in the effective token; kernel mode has it (T-102).
			_, held := privilegesOf(set, &s, in.PreviousMode)
			return SeTokenBoolOut{held}, ntstatus.Success
		},
	)

	rowSePrivilegeCheck = simple(
		"SePrivilegeCheck",
		"reports whether a captured context may use privileges",
		always("T-102", "always; Result is TRUE for KernelMode"),
		func(_ *KernelThread, in SePrivilegeCheckIn) (SePrivilegeCheckOut, ntstatus.Status) {
			s := in.SubjectSecurityContext.Subject()
			set, held := privilegesOf(in.RequiredPrivileges.V, &s, in.AccessMode)
			return SePrivilegeCheckOut{set, held}, ntstatus.Success
		},
	)
)

// privilegesOf implements SePrivilegeCheck: it marks the usable privileges of a set and reports whether they suffice
// (T-101). A nil set is empty. These cases mark no privilege:
//   - a subject without a token, in any mode: false
//   - kernel mode: true (T-102)
//   - an impersonation token below SecurityImpersonation: false
func privilegesOf(set *nt.PrivilegeSet, s *access.Subject, m ProcessorMode) (*nt.PrivilegeSet, bool) {
	if set == nil {
		set = &nt.PrivilegeSet{}
	}
	if s.Effective() == nil {
		// A context that nothing was captured in holds no privilege.
		return set, false
	}
	if m == KernelMode {
		// Kernel mode holds every privilege (T-102).
		return set, true
	}
	if s.BelowImpersonation() {
		// A client below SecurityImpersonation holds no privilege (T-102).
		return set, false
	}
	return services.MarkPrivileges(set, s.Effective())
}

// SeSinglePrivilegeCheck reports whether the calling thread may use a privilege
// (T-102).
func (k *KernelThread) SeSinglePrivilegeCheck(privilege winnt.LUID, mode ProcessorMode) bool {
	out, _ := call(k, rowSeSinglePrivilegeCheck, SeSinglePrivilegeCheckIn{privilege, mode})
	return out.Result
}

// SePrivilegeCheck reports whether a captured context may use privileges, and
// returns the set with the usable ones marked. set.Control chooses between all
// of them and at least one (T-102).
func (k *KernelThread) SePrivilegeCheck(
	set *nt.PrivilegeSet, c *SubjectContext, mode ProcessorMode,
) (found *nt.PrivilegeSet, result bool) {
	out, _ := call(k, rowSePrivilegeCheck, SePrivilegeCheckIn{nt.Cap(set), c, mode})
	return out.RequiredPrivileges, out.Result
}
