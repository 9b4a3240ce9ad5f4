/* SIDs, lists and descriptors as BOOL and last error. */
#include "win.h"

BOOL WINAPI IsValidSid(PSID sid) { return RtlValidSid(sid) ? TRUE : fail(ERROR_INVALID_SID); }

DWORD WINAPI GetLengthSid(PSID sid) { return RtlLengthSid(sid); }

DWORD WINAPI GetSidLengthRequired(UCHAR n) { return RtlLengthRequiredSid(n); }

BOOL WINAPI EqualSid(PSID a, PSID b)
{
	BOOL r = RtlEqualSid(a, b);
	SetLastError(ERROR_SUCCESS);
	return r;
}

BOOL WINAPI EqualPrefixSid(PSID a, PSID b) { return RtlEqualPrefixSid(a, b); }

BOOL WINAPI InitializeSid(PSID sid, PSID_IDENTIFIER_AUTHORITY authority, BYTE n)
{
	return done(RtlInitializeSid(sid, authority, n));
}

PSID_IDENTIFIER_AUTHORITY WINAPI GetSidIdentifierAuthority(PSID sid)
{
	SetLastError(ERROR_SUCCESS);
	return RtlIdentifierAuthoritySid(sid);
}

PDWORD WINAPI GetSidSubAuthority(PSID sid, DWORD i)
{
	SetLastError(ERROR_SUCCESS);
	return RtlSubAuthoritySid(sid, i);
}

PUCHAR WINAPI GetSidSubAuthorityCount(PSID sid)
{
	SetLastError(ERROR_SUCCESS);
	return RtlSubAuthorityCountSid(sid);
}

BOOL WINAPI CopySid(DWORD n, PSID to, PSID from) { return done(RtlCopySid(n, to, from)); }

BOOL WINAPI AllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY authority, BYTE n, DWORD s0, DWORD s1, DWORD s2,
	DWORD s3, DWORD s4, DWORD s5, DWORD s6, DWORD s7, PSID *sid)
{
	return done(RtlAllocateAndInitializeSid(authority, n, s0, s1, s2, s3, s4, s5, s6, s7, sid));
}

PVOID WINAPI FreeSid(PSID sid) { return RtlFreeSid(sid); }

BOOL WINAPI InitializeAcl(PACL acl, DWORD length, DWORD revision) { return done(RtlCreateAcl(acl, length, revision)); }

BOOL WINAPI IsValidAcl(PACL acl) { return acl && RtlValidAcl(acl) ? TRUE : fail(ERROR_INVALID_ACL); }

BOOL WINAPI GetAclInformation(PACL acl, LPVOID information, DWORD length, ACL_INFORMATION_CLASS class)
{
	return done(RtlQueryInformationAcl(acl, information, length, class));
}

BOOL WINAPI AddAce(PACL acl, DWORD revision, DWORD at, LPVOID list, DWORD length)
{
	return done(RtlAddAce(acl, revision, at, list, length));
}

BOOL WINAPI DeleteAce(PACL acl, DWORD i) { return done(RtlDeleteAce(acl, i)); }

BOOL WINAPI GetAce(PACL acl, DWORD i, LPVOID *ace) { return done(RtlGetAce(acl, i, ace)); }

BOOL WINAPI FindFirstFreeAce(PACL acl, LPVOID *ace)
{
	return RtlFirstFreeAce(acl, ace) ? TRUE : fail(ERROR_INVALID_ACL);
}

BOOL WINAPI AddAccessAllowedAce(PACL acl, DWORD revision, DWORD mask, PSID sid)
{
	return done(RtlAddAccessAllowedAce(acl, revision, mask, sid));
}

BOOL WINAPI AddAccessAllowedAceEx(PACL acl, DWORD revision, DWORD flags, DWORD mask, PSID sid)
{
	return done(RtlAddAccessAllowedAceEx(acl, revision, flags, mask, sid));
}

BOOL WINAPI AddAccessDeniedAce(PACL acl, DWORD revision, DWORD mask, PSID sid)
{
	return done(RtlAddAccessDeniedAce(acl, revision, mask, sid));
}

BOOL WINAPI AddAccessDeniedAceEx(PACL acl, DWORD revision, DWORD flags, DWORD mask, PSID sid)
{
	return done(RtlAddAccessDeniedAceEx(acl, revision, flags, mask, sid));
}

BOOL WINAPI AddAccessAllowedObjectAce(PACL acl, DWORD revision, DWORD flags, DWORD mask, GUID *object, GUID *inherited,
	PSID sid)
{
	return done(RtlAddAccessAllowedObjectAce(acl, revision, flags, mask, object, inherited, sid));
}

BOOL WINAPI AddAccessDeniedObjectAce(PACL acl, DWORD revision, DWORD flags, DWORD mask, GUID *object, GUID *inherited,
	PSID sid)
{
	return done(RtlAddAccessDeniedObjectAce(acl, revision, flags, mask, object, inherited, sid));
}

BOOL WINAPI AddAuditAccessAce(PACL acl, DWORD revision, DWORD mask, PSID sid, BOOL success, BOOL failure)
{
	return done(RtlAddAuditAccessAce(acl, revision, mask, sid, success != 0, failure != 0));
}

BOOL WINAPI AddAuditAccessAceEx(PACL acl, DWORD revision, DWORD flags, DWORD mask, PSID sid, BOOL success, BOOL failure)
{
	return done(RtlAddAuditAccessAceEx(acl, revision, flags, mask, sid, success != 0, failure != 0));
}

BOOL WINAPI AddMandatoryAce(PACL acl, DWORD revision, DWORD flags, DWORD policy, PSID label)
{
	return done(RtlAddMandatoryAce(acl, revision, flags, label, SYSTEM_MANDATORY_LABEL_ACE_TYPE, policy));
}

BOOL WINAPI InitializeSecurityDescriptor(PSECURITY_DESCRIPTOR d, DWORD revision)
{
	return done(RtlCreateSecurityDescriptor(d, revision));
}

BOOL WINAPI IsValidSecurityDescriptor(PSECURITY_DESCRIPTOR d)
{
	return RtlValidSecurityDescriptor(d) ? TRUE : fail(ERROR_INVALID_SECURITY_DESCR);
}

DWORD WINAPI GetSecurityDescriptorLength(PSECURITY_DESCRIPTOR d) { return RtlLengthSecurityDescriptor(d); }

BOOL WINAPI GetSecurityDescriptorControl(PSECURITY_DESCRIPTOR d, PSECURITY_DESCRIPTOR_CONTROL control, LPDWORD revision)
{
	return done(RtlGetControlSecurityDescriptor(d, control, revision));
}

BOOL WINAPI SetSecurityDescriptorControl(PSECURITY_DESCRIPTOR d, SECURITY_DESCRIPTOR_CONTROL interest,
	SECURITY_DESCRIPTOR_CONTROL set)
{
	return done(RtlSetControlSecurityDescriptor(d, interest, set));
}

BOOL WINAPI GetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR d, PSID *sid, LPBOOL defaulted)
{
	BOOLEAN b = FALSE;
	NTSTATUS st = RtlGetOwnerSecurityDescriptor(d, sid, &b);
	if (NT_SUCCESS(st))
		*defaulted = b;
	return done(st);
}

BOOL WINAPI SetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR d, PSID sid, BOOL defaulted)
{
	return done(RtlSetOwnerSecurityDescriptor(d, sid, defaulted != 0));
}

BOOL WINAPI GetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR d, PSID *sid, LPBOOL defaulted)
{
	BOOLEAN b = FALSE;
	NTSTATUS st = RtlGetGroupSecurityDescriptor(d, sid, &b);
	if (NT_SUCCESS(st))
		*defaulted = b;
	return done(st);
}

BOOL WINAPI SetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR d, PSID sid, BOOL defaulted)
{
	return done(RtlSetGroupSecurityDescriptor(d, sid, defaulted != 0));
}

BOOL WINAPI GetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR d, LPBOOL present, PACL *acl, LPBOOL defaulted)
{
	BOOLEAN p = FALSE, b = FALSE;
	NTSTATUS st = RtlGetDaclSecurityDescriptor(d, &p, acl, &b);
	if (NT_SUCCESS(st)) {
		*present = p;
		if (p)
			*defaulted = b;
	}
	return done(st);
}

BOOL WINAPI SetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR d, BOOL present, PACL acl, BOOL defaulted)
{
	return done(RtlSetDaclSecurityDescriptor(d, present != 0, acl, defaulted != 0));
}

BOOL WINAPI GetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR d, LPBOOL present, PACL *acl, LPBOOL defaulted)
{
	BOOLEAN p = FALSE, b = FALSE;
	NTSTATUS st = RtlGetSaclSecurityDescriptor(d, &p, acl, &b);
	if (NT_SUCCESS(st)) {
		*present = p;
		if (p)
			*defaulted = b;
	}
	return done(st);
}

BOOL WINAPI SetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR d, BOOL present, PACL acl, BOOL defaulted)
{
	return done(RtlSetSaclSecurityDescriptor(d, present != 0, acl, defaulted != 0));
}

BOOL WINAPI MakeSelfRelativeSD(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR to, LPDWORD length) 
{
	return done(RtlAbsoluteToSelfRelativeSD(from, to, length));
}

BOOL WINAPI MakeAbsoluteSD(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR to, LPDWORD toSize, PACL dacl,
	LPDWORD daclSize, PACL sacl, LPDWORD saclSize, PSID owner, LPDWORD ownerSize, PSID group, LPDWORD groupSize)
{
	return done(RtlSelfRelativeToAbsoluteSD(from, to, toSize, dacl, daclSize, sacl, saclSize, owner, ownerSize, group,
		groupSize));
}

BOOL WINAPI GetKernelObjectSecurity(HANDLE h, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d, DWORD length,
	LPDWORD needed)
{
	return done(NtQuerySecurityObject(h, info, d, length, needed));
}

/* What is to be set must be there: the owner and group (70 section 1.10). */
BOOL WINAPI SetKernelObjectSecurity(HANDLE h, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d)
{
	return done(NtSetSecurityObject(h, info, d));
}
