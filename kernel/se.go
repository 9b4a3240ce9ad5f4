package kernel

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the routines on captured subject contexts.
type (
	SeCaptureSubjectContextIn struct {
		Thread *EThread `required:"false"`
	} // nil: the calling thread
	SeCaptureSubjectContextOut struct{ SubjectContext *SubjectContext }
	SeReleaseSubjectContextIn  struct{ SubjectContext *SubjectContext }
	SeReleaseSubjectContextOut struct{}

	SeQuerySubjectContextTokenIn  struct{ SubjectContext *SubjectContext }
	SeQuerySubjectContextTokenOut struct{ Token *AccessToken }

	SeAccessCheckIn struct {
		SecurityDescriptor      nt.Captured[*sd.Descriptor]
		SubjectSecurityContext  *SubjectContext
		DesiredAccess           winnt.AccessMask `object:"file"`
		PreviouslyGrantedAccess winnt.AccessMask `object:"file"`
		GenericMapping          nt.Captured[winnt.GenericMapping]
		AccessMode              access.Mode
	}
	SeAccessCheckOut struct {
		Result        bool
		Privileges    *nt.PrivilegeSet // those used, also when access was denied; nil: none
		GrantedAccess winnt.AccessMask `object:"file"`
		AccessStatus  ntstatus.Status
	}
)

var (
	rowSeCaptureSubjectContext = simple(
		"SeCaptureSubjectContext",
		"captures the tokens a thread acts with",
		always("I-83", "always"),
		func(k *KernelThread, in SeCaptureSubjectContextIn) (SeCaptureSubjectContextOut, ntstatus.Status) {
			return SeCaptureSubjectContextOut{k.or(in.Thread).CaptureSubjectContext()}, ntstatus.Success
		},
	)
	rowSeReleaseSubjectContext = simple(
		"SeReleaseSubjectContext",
		"gives captured tokens back",
		always("I-83", "always"),
		func(_ *KernelThread, in SeReleaseSubjectContextIn) (out SeReleaseSubjectContextOut, st ntstatus.Status) {
			in.SubjectContext.Release()
			return out, ntstatus.Success
		},
	)
	_ = simple("SeLockSubjectContext", "pins one snapshot of captured tokens", always("I-83", "always"),
		func(_ *KernelThread, in SeReleaseSubjectContextIn) (out SeReleaseSubjectContextOut, st ntstatus.Status) {
			in.SubjectContext.Lock()
			return out, ntstatus.Success
		})
	_ = simple("SeUnlockSubjectContext", "lets go of the snapshot", always("I-83", "always"),
		func(_ *KernelThread, in SeReleaseSubjectContextIn) (out SeReleaseSubjectContextOut, st ntstatus.Status) {
			in.SubjectContext.Unlock()
			return out, ntstatus.Success
		})
	_ = simple(
		"SeQuerySubjectContextToken",
		"the token a captured context acts with",
		always("I-83", "always; no reference is taken"),
		func(_ *KernelThread, in SeQuerySubjectContextTokenIn) (SeQuerySubjectContextTokenOut, ntstatus.Status) {
			return SeQuerySubjectContextTokenOut{in.SubjectContext.Token()}, ntstatus.Success
		},
	)
	rowSeAccessCheck = simple("SeAccessCheck", "decides for a captured context", []nt.Condition{
		{
			Status: ntstatus.Success,
			Rule:   "O-3",
			When:   "SecurityDescriptor or GenericMapping is not readable: AccessStatus is the status of the read",
		},
		{Status: ntstatus.Success, Rule: "A-31", When: "AccessMode is KernelMode: everything is granted"},
		{Status: ntstatus.Success, Rule: "A-32", When: "no descriptor: AccessStatus is STATUS_ACCESS_DENIED"},
		{
			Status: ntstatus.Success,
			Rule:   "A-30",
			When: "the context's level is below SecurityImpersonation: " +
				"AccessStatus is STATUS_BAD_IMPERSONATION_LEVEL",
		},
		{
			Status: ntstatus.Success,
			Rule:   "A-33",
			When: "DesiredAccess maps to no rights: " +
				"AccessStatus is STATUS_ACCESS_DENIED unless something was granted previously",
		},
		{
			Status: ntstatus.Success,
			Rule:   "A-50",
			When:   "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege: AccessStatus is STATUS_PRIVILEGE_NOT_HELD",
		},
		{
			Status: ntstatus.Success,
			Rule:   "A-40",
			When:   "the descriptor does not grant all requested rights: AccessStatus is STATUS_ACCESS_DENIED",
		},
	}, seAccessCheck)
)

// SubjectContext holds the tokens of a thread, captured at one moment
// (SECURITY_SUBJECT_CONTEXT). SeCaptureSubjectContext creates one, and
// SeReleaseSubjectContext releases it. Subject is its value for package access.
// Do not use the zero value.
type SubjectContext = ps.SubjectContext

// seAccessCheck implements SeAccessCheck. A parameter that cannot be read, and a check that fails with an error,
// deny. Only an error of the check is a failing status; a denial succeeds with Result false.
func seAccessCheck(k *KernelThread, in SeAccessCheckIn) (out SeAccessCheckOut, st ntstatus.Status) {
	st = in.GenericMapping.Status
	if in.AccessMode != access.Kernel { // which does not look at the descriptor
		st = k.unread(in.SecurityDescriptor.Status, st)
	}
	if st != ntstatus.Success {
		return SeAccessCheckOut{AccessStatus: st}, ntstatus.Success
	}
	r := &access.Request{
		Descriptor: in.SecurityDescriptor.V,
		Subject:    in.SubjectSecurityContext.Subject(),
		Desired:    in.DesiredAccess,
		Previous:   in.PreviouslyGrantedAccess,
		Mapping:    &in.GenericMapping.V,
		Mode:       in.AccessMode,
	}
	d, err := access.SeAccessCheck(r)
	if err != nil { // the routine returns no status, so its result must deny
		return SeAccessCheckOut{AccessStatus: ntstatus.InvalidParameter}, ntstatus.InvalidParameter
	}
	if !d.Allowed() {
		k.ctx.ExplainCheck(r)
	}
	out = SeAccessCheckOut{Result: d.Allowed(), GrantedAccess: d.Granted, AccessStatus: d.Status()}
	for p := range d.PrivilegesUsed.All {
		if out.Privileges == nil {
			out.Privileges = &nt.PrivilegeSet{}
		}
		out.Privileges.Privilege = append(
			out.Privileges.Privilege,
			nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS})
	}
	return out, ntstatus.Success
}

// SeCaptureSubjectContext captures the calling thread's tokens (I-83). Release
// them with SeReleaseSubjectContext.
func (k *KernelThread) SeCaptureSubjectContext() *SubjectContext {
	out, _ := call(k, rowSeCaptureSubjectContext, SeCaptureSubjectContextIn{})
	return out.SubjectContext
}

// SeReleaseSubjectContext releases the tokens of a captured subject context (I-83).
func (k *KernelThread) SeReleaseSubjectContext(c *SubjectContext) {
	call(k, rowSeReleaseSubjectContext, SeReleaseSubjectContextIn{c})
}

// SeAccessCheck decides whether a captured subject gets the requested rights on an object with a descriptor
// (SeAccessCheck). A parameter that cannot be read denies.
func (k *KernelThread) SeAccessCheck(in SeAccessCheckIn) SeAccessCheckOut {
	out, _ := call(k, rowSeAccessCheck, in)
	return out
}
