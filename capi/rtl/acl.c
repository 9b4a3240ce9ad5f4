/* Lists: the forms of the entry routines, over the one in Go. */
#include "internal.h"

NTSTATUS NTAPI RtlAddAccessAllowedAceEx(PACL acl, ULONG revision, ULONG flags, ACCESS_MASK mask, PSID sid)
{
	return rm_add_ace(acl, revision, ACCESS_ALLOWED_ACE_TYPE, flags, mask, sid, NULL, NULL);
}

NTSTATUS NTAPI RtlAddAccessAllowedAce(PACL acl, ULONG revision, ACCESS_MASK mask, PSID sid)
{
	return RtlAddAccessAllowedAceEx(acl, revision, 0, mask, sid);
}

NTSTATUS NTAPI RtlAddAccessDeniedAceEx(PACL acl, ULONG revision, ULONG flags, ACCESS_MASK mask, PSID sid)
{
	return rm_add_ace(acl, revision, ACCESS_DENIED_ACE_TYPE, flags, mask, sid, NULL, NULL);
}

NTSTATUS NTAPI RtlAddAccessDeniedAce(PACL acl, ULONG revision, ACCESS_MASK mask, PSID sid)
{
	return RtlAddAccessDeniedAceEx(acl, revision, 0, mask, sid);
}

/* Without either GUID the plain form is written. */
NTSTATUS NTAPI RtlAddAccessAllowedObjectAce(PACL acl, ULONG revision, ULONG flags, ACCESS_MASK mask, GUID *object,
	GUID *inherited, PSID sid)
{
	return rm_add_ace(acl, revision, object || inherited ? ACCESS_ALLOWED_OBJECT_ACE_TYPE : ACCESS_ALLOWED_ACE_TYPE, flags,
		mask, sid, object, inherited);
}

NTSTATUS NTAPI RtlAddAccessDeniedObjectAce(PACL acl, ULONG revision, ULONG flags, ACCESS_MASK mask, GUID *object,
	GUID *inherited, PSID sid)
{
	return rm_add_ace(acl, revision, object || inherited ? ACCESS_DENIED_OBJECT_ACE_TYPE : ACCESS_DENIED_ACE_TYPE, flags,
		mask, sid, object, inherited);
}

NTSTATUS NTAPI RtlAddAuditAccessAceEx(PACL acl, ULONG revision, ULONG flags, ACCESS_MASK mask, PSID sid,
	BOOLEAN success, BOOLEAN failure)
{
	flags |= (success ? SUCCESSFUL_ACCESS_ACE_FLAG : 0) | (failure ? FAILED_ACCESS_ACE_FLAG : 0);
	return rm_add_ace(acl, revision, SYSTEM_AUDIT_ACE_TYPE, flags, mask, sid, NULL, NULL);
}

NTSTATUS NTAPI RtlAddAuditAccessAce(PACL acl, ULONG revision, ACCESS_MASK mask, PSID sid, BOOLEAN success,
	BOOLEAN failure)
{
	return RtlAddAuditAccessAceEx(acl, revision, 0, mask, sid, success, failure);
}

NTSTATUS NTAPI RtlAddAuditAccessObjectAce(PACL acl, ULONG revision, ULONG flags, ACCESS_MASK mask, GUID *object,
	GUID *inherited, PSID sid, BOOLEAN success, BOOLEAN failure)
{
	flags |= (success ? SUCCESSFUL_ACCESS_ACE_FLAG : 0) | (failure ? FAILED_ACCESS_ACE_FLAG : 0);
	return rm_add_ace(acl, revision, object || inherited ? SYSTEM_AUDIT_OBJECT_ACE_TYPE : SYSTEM_AUDIT_ACE_TYPE, flags,
		mask, sid, object, inherited);
}

NTSTATUS NTAPI RtlAddMandatoryAce(PACL acl, ULONG revision, ULONG flags, PSID sid, UCHAR type, ACCESS_MASK mask)
{
	if (type != SYSTEM_MANDATORY_LABEL_ACE_TYPE || mask & ~7u)
		return STATUS_INVALID_PARAMETER;
	return rm_add_ace(acl, revision, type, flags, mask, sid, NULL, NULL);
}

/* The end of the entries in use, NULL where they overrun the list. */
static char *end_of_aces(PACL acl)
{
	char *p = (char *)(acl + 1), *end = (char *)acl + acl->AclSize;
	for (ULONG i = 0; i < acl->AceCount; i++) {
		if (p + sizeof(ACE_HEADER) > end)
			return NULL;
		p += ((ACE_HEADER *)p)->AceSize;
	}
	return p > end ? NULL : p;
}

/* FALSE where an entry begins at the end of the list or beyond; TRUE and NULL where the end of the last one
 * does not fit: validated on Windows. */
BOOLEAN NTAPI RtlFirstFreeAce(PACL acl, PVOID *first)
{
	char *p = (char *)(acl + 1), *end = (char *)acl + acl->AclSize;
	*first = NULL;
	for (ULONG i = 0; i < acl->AceCount; i++) {
		if (p >= end)
			return FALSE;
		if (p + sizeof(ACE_HEADER) > end) /* it has no whole header, so its end does not fit either */
			return i + 1 == acl->AceCount;
		p += ((ACE_HEADER *)p)->AceSize;
	}
	if (p <= end)
		*first = p;
	return TRUE;
}

NTSTATUS NTAPI RtlQueryInformationAcl(PACL acl, PVOID information, ULONG length, ACL_INFORMATION_CLASS class)
{
	if (class == AclRevisionInformation) {
		if (length < sizeof(ACL_REVISION_INFORMATION))
			return STATUS_BUFFER_TOO_SMALL;
		((PACL_REVISION_INFORMATION)information)->AclRevision = acl->AclRevision;
		return STATUS_SUCCESS;
	}
	if (class != AclSizeInformation)
		return STATUS_INVALID_INFO_CLASS;
	if (length < sizeof(ACL_SIZE_INFORMATION))
		return STATUS_BUFFER_TOO_SMALL;
	char *end = end_of_aces(acl);
	if (!end)
		return STATUS_INVALID_PARAMETER;
	PACL_SIZE_INFORMATION s = information;
	s->AceCount = acl->AceCount;
	s->AclBytesInUse = (ULONG)(end - (char *)acl);
	s->AclBytesFree = acl->AclSize - s->AclBytesInUse;
	return STATUS_SUCCESS;
}

/* The revision is all that can be set, to one that the list can have. */
NTSTATUS NTAPI RtlSetInformationAcl(PACL acl, PVOID information, ULONG length, ACL_INFORMATION_CLASS class)
{
	if (class != AclRevisionInformation)
		return STATUS_INVALID_INFO_CLASS;
	if (length < sizeof(ACL_REVISION_INFORMATION))
		return STATUS_BUFFER_TOO_SMALL;
	DWORD revision = ((PACL_REVISION_INFORMATION)information)->AclRevision;
	if (!RtlValidAcl(acl) || revision < MIN_ACL_REVISION || revision > MAX_ACL_REVISION || revision < acl->AclRevision)
		return STATUS_INVALID_PARAMETER;
	acl->AclRevision = (BYTE)revision;
	return STATUS_SUCCESS;
}
