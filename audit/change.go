package audit

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// SecuritySet records that the descriptor of an object changed. parts has the SECURITY_INFORMATION bits of the parts
// that were set. A part that was set to an equal value is no change. The events are:
//   - 4670 for owner and DACL. It needs Authorization Policy Change, or for a file or key its own subcategory. For
//     these two, the previous SACL must also record WRITE_DAC or WRITE_OWNER.
//   - 4907 for the SACL. It needs Audit Policy Change and is not written for directory service objects.
//   - 4911 for resource attributes and label. It needs Authorization Policy Change.
//   - 4913 for the central access policy. It needs Authorization Policy Change.
func (l *Log) SecuritySet(from Origin, object Object, before, after *sd.Descriptor, parts uint32) ntstatus.Status {
	p := l.Policy.Load()
	t := from.Subject.Effective()
	from = l.named(from)
	requested := parts
	if parts = changedParts(before, after, parts); p.recordsPermissions(&from, object.Type, before, parts) {
		if st := l.write(from, PermissionsChanged(from, object, before, after, parts)); st != ntstatus.Success {
			return st
		}
	}
	if parts&winnt.SACL_SECURITY_INFORMATION != 0 && object.Type != "DirectoryService" &&
		p.recordsToken(AuditPolicyChange, Success, t) {
		if st := l.write(from, AuditSettingsChanged(from, object, before, after)); st != ntstatus.Success {
			return st
		}
	}
	return l.writePartsSet(from, object, before, after, requested)
}

// writePartsSet records changes of SACL entries that are not audit ACEs (U-88). Event 4911 is for labels and resource
// attributes, event 4913 for the central access policy. Nothing is recorded if the policy does not audit changes of
// authorization policy. The first write that fails ends the call with its status.
func (l *Log) writePartsSet(from Origin, object Object, before, after *sd.Descriptor, parts uint32) ntstatus.Status {
	if !l.Records(AuthorizationPolicyChange, Success, from.Subject.Effective()) {
		return ntstatus.Success
	}
	for _, part := range [...]struct {
		info uint32
		id   uint16
	}{
		// Resource attributes and the label are event 4911, the central policy is 4913, whatever the SACL says (U-88).
		{winnt.ATTRIBUTE_SECURITY_INFORMATION, 4911}, {winnt.LABEL_SECURITY_INFORMATION, 4911},
		{winnt.SCOPE_SECURITY_INFORMATION, 4913},
	} {
		if parts&part.info == 0 || sd.Select(before, part.info).SACL().Equal(sd.Select(after, part.info).SACL()) {
			continue
		}
		if st := l.write(from, partChanged(part.id, from, object, before, after, part.info)); st != ntstatus.Success {
			return st
		}
	}
	return ntstatus.Success
}

// changedParts returns the bits of parts, a SECURITY_INFORMATION, in which two security descriptors differ. It
// compares the owner, and the DACL and SACL with their control bits. A request that only protects or unprotects a list
// sets that list. It never returns the bit of another part, such as the group.
func changedParts(before, after *sd.Descriptor, parts uint32) uint32 {
	var out uint32
	if before.Owner() != after.Owner() {
		out |= winnt.OWNER_SECURITY_INFORMATION
	}
	const dacl = sd.DACLPresent | sd.DACLProtected | sd.DACLAutoInherited
	if before.Control()&dacl != after.Control()&dacl || !before.DACL().Equal(after.DACL()) {
		out |= winnt.DACL_SECURITY_INFORMATION
	}
	const sacl = sd.SACLPresent | sd.SACLProtected | sd.SACLAutoInherited
	if before.Control()&sacl != after.Control()&sacl || !before.SACL().Equal(after.SACL()) {
		out |= winnt.SACL_SECURITY_INFORMATION
	}
	if parts&(winnt.PROTECTED_DACL_SECURITY_INFORMATION|winnt.UNPROTECTED_DACL_SECURITY_INFORMATION) != 0 {
		parts |= winnt.DACL_SECURITY_INFORMATION
	}
	if parts&(winnt.PROTECTED_SACL_SECURITY_INFORMATION|winnt.UNPROTECTED_SACL_SECURITY_INFORMATION) != 0 {
		parts |= winnt.SACL_SECURITY_INFORMATION
	}
	return out & parts
}

// recordsPermissions reports whether the policy records a change of owner or DACL as event 4670. changed has the
// SECURITY_INFORMATION bits of the change. For a file or key, the old SACL must also audit WRITE_DAC or WRITE_OWNER.
// Without a token the result is false.
func (p *Policy) recordsPermissions(from *Origin, typ string, before *sd.Descriptor, changed uint32) bool {
	var right winnt.AccessMask
	if changed&winnt.DACL_SECURITY_INFORMATION != 0 {
		right |= winnt.WRITE_DAC
	}
	if changed&winnt.OWNER_SECURITY_INFORMATION != 0 {
		right |= winnt.WRITE_OWNER
	}
	t := from.Subject.Effective()
	if right == 0 || t == nil {
		return false
	}
	byPolicy := p.recordsToken(AuthorizationPolicyChange, Success, t)
	if !hasReasons(typ) {
		return byPolicy
	}
	if !byPolicy && !p.recordsToken(TypeSubcategory(typ), Success, t) {
		return false
	}
	r := access.Request{Descriptor: before, Subject: from.Subject, Desired: right, Type: winnt.ObjectTypeByName(typ)}
	w := saclWalk{token: t, request: &r, mapping: mappingOf(&r), object: before.SACL(), global: p.global[typ],
		on: [2]bool{true, true}}
	v := w.single(access.Grant(right))
	return v.Success
}

// PrivilegesAdjusted records that privileges of a token were enabled or
// disabled, event 4703, if Token Right Adjusted Events is on for success.
// before and after are the token's values. Equal values are no change.
func (l *Log) PrivilegesAdjusted(from Origin, before, after *token.Token) ntstatus.Status {
	if !l.Records(TokenRightAdjusted, Success, from.Subject.Effective()) {
		return ntstatus.Success
	}
	e, ok := RightsAdjusted(l.named(from), before, after)
	if !ok {
		return ntstatus.Success
	}
	return l.write(from, e)
}

// ServiceCalled records the use of privileges by a service, event 4673
// (NtPrivilegedServiceAuditAlarm). from.Subject.Client must be the token that
// the call names. It records nothing if the policy exempts all the privileges.
func (l *Log) ServiceCalled(from Origin, server, service string, used winnt.PrivilegeSet,
	outcome Outcome) ntstatus.Status {
	// If the policy exempts all the privileges, there is no event (U-43).
	if used = l.Policy.Load().AuditedPrivileges(used); used == 0 {
		return ntstatus.Success
	}
	// Use of privileges by a service is event 4673 (U-43).
	return l.writeIf(from, PrivilegedService(l.named(from), server, service, used, outcome))
}

// ServiceCalledFromKernel records the use of privileges by a service as [Log.ServiceCalled] does, for kernel code
// (SePrivilegedServiceAuditAlarm). It records nothing for the system's own accounts, which use privileges all the
// time (U-43).
func (l *Log) ServiceCalledFromKernel(from Origin, server, service string, used winnt.PrivilegeSet,
	outcome Outcome) ntstatus.Status {
	if t := from.Subject.Effective(); t != nil {
		switch t.User().SID {
		case sid.LocalSystem, sid.LocalService, sid.NetworkService:
			// The kernel's own routine is silent about the system's accounts (U-43).
			return ntstatus.Success
		}
	}
	return l.ServiceCalled(from, server, service, used, outcome)
}

// PrivilegesUsed records the use of privileges on an object, event 4674
// (NtPrivilegeObjectAuditAlarm). It records nothing for an empty set, and if the
// policy exempts all the privileges.
func (l *Log) PrivilegesUsed(from Origin, object Object, desired winnt.AccessMask, used winnt.PrivilegeSet,
	outcome Outcome) ntstatus.Status {
	// An empty set is no event (U-42).
	if used = l.Policy.Load().AuditedPrivileges(used); used == 0 {
		return ntstatus.Success
	}
	// Use of privileges on an object is event 4674 (U-42).
	return l.writeIf(from, PrivilegedObject(l.named(from), object, desired, used, outcome))
}

// Impersonated records that PsImpersonateClient gave a thread a stronger token than its process has, see
// [UnsafeElevation]. It writes no record for a safe call. The policy does not matter, and a lost record has no effect
// on the call.
func (l *Log) Impersonated(from Origin, c Elevation) {
	if e, ok := UnsafeElevation(l.named(from), c); ok {
		l.write(from, e)
	}
}
