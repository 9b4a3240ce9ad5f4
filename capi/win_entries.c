/* Lists from explicit entries, and back. */
#include "win.h"

static DWORD set_entries(ULONG count, PVOID list, PACL old, PACL *new, BOOLEAN wide)
{
	_Alignas(8) char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
	return RtlNtStatusToDosError(rm_set_entries(count, list, old, new, rm_current_user(room, sizeof room), wide));
}

DWORD WINAPI SetEntriesInAclW(ULONG count, PEXPLICIT_ACCESS_W list, PACL old, PACL *new) { return set_entries(count, list, old, new, TRUE); }

DWORD WINAPI SetEntriesInAclA(ULONG count, PEXPLICIT_ACCESS_A list, PACL old, PACL *new) { return set_entries(count, list, old, new, FALSE); }

/* What one entry says. An audit entry for both outcomes takes two, one that is for neither none. */
static ULONG describe(PACCESS_ALLOWED_ACE ace, PEXPLICIT_ACCESS_W out)
{
	BYTE type = ace->Header.AceType, flags = ace->Header.AceFlags;
	ACCESS_MODE modes[2];
	ULONG n = 0;
	if (type == ACCESS_ALLOWED_ACE_TYPE)
		modes[n++] = GRANT_ACCESS;
	if (type == ACCESS_DENIED_ACE_TYPE)
		modes[n++] = DENY_ACCESS;
	if (type == SYSTEM_AUDIT_ACE_TYPE && flags & SUCCESSFUL_ACCESS_ACE_FLAG)
		modes[n++] = SET_AUDIT_SUCCESS;
	if (type == SYSTEM_AUDIT_ACE_TYPE && flags & FAILED_ACCESS_ACE_FLAG)
		modes[n++] = SET_AUDIT_FAILURE;
	for (ULONG i = 0; i < n; i++) {
		out[i].grfAccessPermissions = ace->Mask;
		out[i].grfAccessMode = modes[i];
		out[i].grfInheritance = flags & 0x1F;
		BuildTrusteeWithSidW(&out[i].Trustee, &ace->SidStart);
	}
	return n;
}

DWORD WINAPI GetExplicitEntriesFromAclW(PACL acl, PULONG count, PEXPLICIT_ACCESS_W *list)
{
	if (!count || !list)
		return ERROR_INVALID_PARAMETER;
	if (!acl || !RtlValidAcl(acl))
		return ERROR_INVALID_ACL;
	/* The entries, and behind them a copy of the list that they point into. */
	USHORT size = acl->AclSize, aces = acl->AceCount;
	size_t front = 2 * (size_t)aces * sizeof **list;
	PEXPLICIT_ACCESS_W out = malloc(front + size);
	if (!out)
		return ERROR_NOT_ENOUGH_MEMORY;
	char *copy = (char *)out + front, *p = copy + sizeof(ACL);
	ULONG n = 0;
	memcpy(copy, acl, size);
	DWORD error = ERROR_SUCCESS;
	if (((PACL)copy)->AclSize != size || ((PACL)copy)->AceCount != aces || !RtlValidAcl((PACL)copy))
		error = ERROR_INVALID_ACL; /* it changed meanwhile */
	for (ULONG i = 0; i < aces && !error; i++, p += ((PACE_HEADER)p)->AceSize) {
		if (((PACE_HEADER)p)->AceType > SYSTEM_AUDIT_ACE_TYPE)
			error = ERROR_NOT_SUPPORTED; /* no explicit entry says this */
		else
			n += describe((PACCESS_ALLOWED_ACE)p, out + n);
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

DWORD WINAPI GetExplicitEntriesFromAclA(PACL acl, PULONG count, PEXPLICIT_ACCESS_A *list) { return GetExplicitEntriesFromAclW(acl, count, (PEXPLICIT_ACCESS_W *)list); }
