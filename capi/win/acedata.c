/* Entries with data, the resource manager's byte, masks that go with parts of a descriptor. */
#include "win.h"

BOOL WINAPI AddAuditAccessObjectAce(PACL acl, DWORD revision, DWORD flags, DWORD mask, GUID *object, GUID *inherited,
	PSID sid, BOOL success, BOOL failure)
{
	return done(RtlAddAuditAccessObjectAce(acl, revision, flags, mask, object, inherited, sid, success != 0,
		failure != 0));
}

BOOL WINAPI AddConditionalAce(PACL acl, DWORD revision, DWORD flags, UCHAR type, DWORD mask, PSID sid, PWCHAR condition,
	DWORD *size)
{
	return done(rm_add_conditional_ace(acl, revision, type, flags, mask, sid, condition, size));
}

BOOL WINAPI AddResourceAttributeAce(PACL acl, DWORD revision, DWORD flags, DWORD mask, PSID sid,
	PCLAIM_SECURITY_ATTRIBUTES_INFORMATION attribute, PDWORD size)
{
	return done(rm_add_attribute_ace(acl, revision, flags, mask, sid, attribute, size));
}

BOOL WINAPI AddScopedPolicyIDAce(PACL acl, DWORD revision, DWORD flags, DWORD mask, PSID sid)
{
	if (mask)
		return fail(ERROR_INVALID_PARAMETER);
	return done(rm_add_ace(acl, revision, SYSTEM_SCOPED_POLICY_ID_ACE_TYPE, flags, mask, sid, NULL, NULL));
}

BOOL WINAPI SetAclInformation(PACL acl, LPVOID information, DWORD length, ACL_INFORMATION_CLASS class)
{
	return done(RtlSetInformationAcl(acl, information, length, class));
}

DWORD WINAPI GetSecurityDescriptorRMControl(PSECURITY_DESCRIPTOR d, PUCHAR control)
{
	return RtlGetSecurityDescriptorRMControl(d, control) ? ERROR_SUCCESS : ERROR_INVALID_DATA;
}

DWORD WINAPI SetSecurityDescriptorRMControl(PSECURITY_DESCRIPTOR d, PUCHAR control)
{
	RtlSetSecurityDescriptorRMControl(d, control);
	return ERROR_SUCCESS;
}

void WINAPI QuerySecurityAccessMask(SECURITY_INFORMATION info, LPDWORD mask)
{
	*mask = 0;
	if (info & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
		LABEL_SECURITY_INFORMATION | ATTRIBUTE_SECURITY_INFORMATION | SCOPE_SECURITY_INFORMATION |
		BACKUP_SECURITY_INFORMATION))
		*mask |= READ_CONTROL;
	if (info & (SACL_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION))
		*mask |= ACCESS_SYSTEM_SECURITY;
}

void WINAPI SetSecurityAccessMask(SECURITY_INFORMATION info, LPDWORD mask)
{
	*mask = 0;
	if (info & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION |
		BACKUP_SECURITY_INFORMATION))
		*mask |= WRITE_OWNER;
	if (info & (DACL_SECURITY_INFORMATION | ATTRIBUTE_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION))
		*mask |= WRITE_DAC;
	if (info & (SACL_SECURITY_INFORMATION | SCOPE_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION))
		*mask |= ACCESS_SYSTEM_SECURITY;
}
