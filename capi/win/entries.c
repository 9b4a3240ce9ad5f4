/* Lists from explicit entries, and back. */
#include "win.h"

DWORD rm_entries_acl(ULONG count, PEXPLICIT_ACCESS_W list, PACL old, PACL *new, BOOLEAN wide)
{
	return RtlNtStatusToDosError(rm_set_entries(count, list, old, new, wide));
}

DWORD WINAPI SetEntriesInAclW(ULONG count, PEXPLICIT_ACCESS_W list, PACL old, PACL *new)
{
	return rm_entries_acl(count, list, old, new, TRUE);
}

DWORD rm_effective_rights(PACL acl, PTRUSTEE_W trustee, PACCESS_MASK rights, BOOLEAN wide)
{
	return RtlNtStatusToDosError(rm_acl_rights(acl, trustee, wide, rights, NULL));
}

DWORD WINAPI GetEffectiveRightsFromAclW(PACL acl, PTRUSTEE_W trustee, PACCESS_MASK rights)
{
	return rm_effective_rights(acl, trustee, rights, TRUE);
}

DWORD rm_audited_permissions(PACL acl, PTRUSTEE_W trustee, PACCESS_MASK success, PACCESS_MASK failure, BOOLEAN wide)
{
	return failure ? RtlNtStatusToDosError(rm_acl_rights(acl, trustee, wide, success, failure)) : ERROR_NOACCESS;
}

DWORD WINAPI GetAuditedPermissionsFromAclW(PACL acl, PTRUSTEE_W trustee, PACCESS_MASK success, PACCESS_MASK failure)
{
	return rm_audited_permissions(acl, trustee, success, failure, TRUE);
}

/* What explicit entries can say of an entry; 0 for another kind. */
static BYTE plain(BYTE type)
{
	switch (type) {
	case ACCESS_ALLOWED_ACE_TYPE:
	case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
		return GRANT_ACCESS;
	case ACCESS_DENIED_ACE_TYPE:
	case ACCESS_DENIED_OBJECT_ACE_TYPE:
		return DENY_ACCESS;
	case SYSTEM_AUDIT_ACE_TYPE:
	case SYSTEM_AUDIT_OBJECT_ACE_TYPE:
		return SET_AUDIT_SUCCESS;
	}
	return NOT_USED_ACCESS;
}

/* What one entry says. An audit entry for both outcomes takes two, one that is for neither none. */
static ULONG describe(PACCESS_ALLOWED_ACE ace, PEXPLICIT_ACCESS_W out, POBJECTS_AND_SID objects)
{
	BYTE type = ace->Header.AceType, flags = ace->Header.AceFlags, mode = plain(type);
	ACCESS_MODE modes[2];
	ULONG n = 0;
	if (mode != SET_AUDIT_SUCCESS)
		modes[n++] = mode;
	if (mode == SET_AUDIT_SUCCESS && flags & SUCCESSFUL_ACCESS_ACE_FLAG)
		modes[n++] = SET_AUDIT_SUCCESS;
	if (mode == SET_AUDIT_SUCCESS && flags & FAILED_ACCESS_ACE_FLAG)
		modes[n++] = SET_AUDIT_FAILURE;
	for (ULONG i = 0; i < n; i++) {
		out[i].grfAccessPermissions = ace->Mask;
		out[i].grfAccessMode = modes[i];
		out[i].grfInheritance = flags & 0x1F;
		if (type <= SYSTEM_AUDIT_ACE_TYPE) {
			BuildTrusteeWithSidW(&out[i].Trustee, &ace->SidStart);
			continue;
		}
		PACCESS_ALLOWED_OBJECT_ACE o = (void *)ace;
		GUID *guid = &o->ObjectType, *object = o->Flags & ACE_OBJECT_TYPE_PRESENT ? guid++ : NULL;
		GUID *inherited = o->Flags & ACE_INHERITED_OBJECT_TYPE_PRESENT ? guid++ : NULL;
		BuildTrusteeWithObjectsAndSidW(&out[i].Trustee, objects, object, inherited, guid);
	}
	return n;
}

DWORD WINAPI GetExplicitEntriesFromAclW(PACL acl, PULONG count, PEXPLICIT_ACCESS_W *list)
{
	if (!count || !list)
		return ERROR_INVALID_PARAMETER;
	if (!acl || !RtlValidAcl(acl))
		return ERROR_INVALID_ACL;
	/* The entries, behind them room for object types, and a copy of the list that they point into. */
	USHORT size = acl->AclSize, aces = acl->AceCount;
	size_t front = 2 * (size_t)aces * sizeof **list, objects = aces * sizeof(OBJECTS_AND_SID);
	PEXPLICIT_ACCESS_W out = malloc(front + objects + size);
	if (!out)
		return ERROR_NOT_ENOUGH_MEMORY;
	POBJECTS_AND_SID types = (void *)((char *)out + front);
	char *copy = (char *)types + objects, *p = copy + sizeof(ACL);
	ULONG n = 0;
	memcpy(copy, acl, size);
	DWORD error = ERROR_SUCCESS;
	if (((PACL)copy)->AclSize != size || ((PACL)copy)->AceCount != aces || !RtlValidAcl((PACL)copy))
		error = ERROR_INVALID_ACL; /* it changed meanwhile */
	for (ULONG i = 0; i < aces && !error; i++, p += ((PACE_HEADER)p)->AceSize) {
		if (plain(((PACE_HEADER)p)->AceType) == NOT_USED_ACCESS)
			error = ERROR_NOT_SUPPORTED; /* no explicit entry says this */
		else
			n += describe((PACCESS_ALLOWED_ACE)p, out + n, types + i);
	}
	if (error || !n) {
		free(out);
		out = NULL;
	}
	if (!error) {
		*count = n;
		*list = out;
	}
	return error;
}
