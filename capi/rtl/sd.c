/* Security descriptors in either form. */
#include <string.h>
#include "internal.h"

typedef SECURITY_DESCRIPTOR SD;
typedef SECURITY_DESCRIPTOR_RELATIVE RELATIVE;

enum part { OWNER, GROUP, SACL, DACL };

static int relative(const SD *d) { return d->Control & SE_SELF_RELATIVE; }

/* The address of a part, NULL for none. The place of a list that is not present is not looked at (S-24). */
static void *part(SD *d, enum part i)
{
	if ((i == SACL && !(d->Control & SE_SACL_PRESENT)) || (i == DACL && !(d->Control & SE_DACL_PRESENT)))
		return NULL;
	if (relative(d)) {
		DWORD at = (&((RELATIVE *)d)->Owner)[i];
		return at ? (char *)d + at : NULL;
	}
	switch (i) {
	case OWNER: return d->Owner;
	case GROUP: return d->Group;
	case SACL: return d->Sacl;
	default: return d->Dacl;
	}
}

static ULONG size_of(SD *d, enum part i)
{
	void *p = part(d, i);
	if (!p)
		return 0;
	return i <= GROUP ? RtlLengthSid(p) : (((ACL *)p)->AclSize + 3u) & ~3u;
}

NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR p, ULONG revision)
{
	if (revision != SECURITY_DESCRIPTOR_REVISION)
		return STATUS_UNKNOWN_REVISION;
	memset(p, 0, sizeof(SD));
	((SD *)p)->Revision = SECURITY_DESCRIPTOR_REVISION;
	return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR p)
{
	SD *d = p;
	if (!d || d->Revision != SECURITY_DESCRIPTOR_REVISION)
		return FALSE;
	for (enum part i = OWNER; i <= DACL; i++) {
		void *x = part(d, i);
		if (x && !(i <= GROUP ? RtlValidSid(x) : RtlValidAcl(x)))
			return FALSE;
	}
	return TRUE;
}

ULONG NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR p)
{
	SD *d = p;
	ULONG n = relative(d) ? sizeof(RELATIVE) : sizeof(SD);
	for (enum part i = OWNER; i <= DACL; i++)
		n += size_of(d, i);
	return n;
}

NTSTATUS NTAPI RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR p, PSECURITY_DESCRIPTOR_CONTROL control,
	PULONG revision)
{
	*revision = ((SD *)p)->Revision;
	if (*revision != SECURITY_DESCRIPTOR_REVISION)
		return STATUS_UNKNOWN_REVISION;
	*control = ((SD *)p)->Control;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetControlSecurityDescriptor(PSECURITY_DESCRIPTOR p, SECURITY_DESCRIPTOR_CONTROL interest,
	SECURITY_DESCRIPTOR_CONTROL set)
{
	const SECURITY_DESCRIPTOR_CONTROL settable = SE_DACL_UNTRUSTED | SE_SERVER_SECURITY |
		SE_DACL_AUTO_INHERIT_REQ | SE_SACL_AUTO_INHERIT_REQ |
		SE_DACL_AUTO_INHERITED | SE_SACL_AUTO_INHERITED | SE_DACL_PROTECTED | SE_SACL_PROTECTED;
	if (interest & ~settable || set & ~interest)
		return STATUS_INVALID_PARAMETER;
	((SD *)p)->Control = (((SD *)p)->Control & ~interest) | set;
	return STATUS_SUCCESS;
}

static NTSTATUS get_sid(SD *d, enum part i, WORD flag, PSID *sid, PBOOLEAN defaulted)
{
	if (d->Revision != SECURITY_DESCRIPTOR_REVISION)
		return STATUS_UNKNOWN_REVISION;
	*sid = part(d, i);
	*defaulted = (d->Control & flag) != 0;
	return STATUS_SUCCESS;
}

/* Parts of a self-relative descriptor cannot be pointed elsewhere. */
static NTSTATUS absolute(const SD *d)
{
	if (d->Revision != SECURITY_DESCRIPTOR_REVISION)
		return STATUS_UNKNOWN_REVISION;
	return relative(d) ? STATUS_INVALID_SECURITY_DESCR : STATUS_SUCCESS;
}

static void set_flag(SD *d, WORD flag, int on) { d->Control = (d->Control & ~flag) | (on ? flag : 0); }

NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR p, PSID *sid, PBOOLEAN defaulted)
{
	return get_sid(p, OWNER, SE_OWNER_DEFAULTED, sid, defaulted);
}

NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR p, PSID *sid, PBOOLEAN defaulted)
{
	return get_sid(p, GROUP, SE_GROUP_DEFAULTED, sid, defaulted);
}

NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR p, PSID sid, BOOLEAN defaulted)
{
	NTSTATUS st = absolute(p);
	if (st)
		return st;
	((SD *)p)->Owner = sid;
	set_flag(p, SE_OWNER_DEFAULTED, defaulted);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR p, PSID sid, BOOLEAN defaulted)
{
	NTSTATUS st = absolute(p);
	if (st)
		return st;
	((SD *)p)->Group = sid;
	set_flag(p, SE_GROUP_DEFAULTED, defaulted);
	return STATUS_SUCCESS;
}

static NTSTATUS get_acl(SD *d, enum part i, WORD flag, WORD byDefault, PBOOLEAN present, PACL *acl, PBOOLEAN defaulted)
{
	if (d->Revision != SECURITY_DESCRIPTOR_REVISION)
		return STATUS_UNKNOWN_REVISION;
	*present = (d->Control & flag) != 0;
	if (*present) {
		*acl = part(d, i);
		*defaulted = (d->Control & byDefault) != 0;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS set_acl(SD *d, PACL *at, WORD flag, WORD byDefault, BOOLEAN present, PACL acl, BOOLEAN defaulted)
{
	NTSTATUS st = absolute(d);
	if (st)
		return st;
	set_flag(d, flag, present);
	*at = present ? acl : NULL;
	set_flag(d, byDefault, present && defaulted);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR p, PBOOLEAN present, PACL *acl, PBOOLEAN defaulted)
{
	return get_acl(p, DACL, SE_DACL_PRESENT, SE_DACL_DEFAULTED, present, acl, defaulted);
}

NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR p, PBOOLEAN present, PACL *acl, PBOOLEAN defaulted)
{
	return get_acl(p, SACL, SE_SACL_PRESENT, SE_SACL_DEFAULTED, present, acl, defaulted);
}

NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR p, BOOLEAN present, PACL acl, BOOLEAN defaulted)
{
	return set_acl(p, &((SD *)p)->Dacl, SE_DACL_PRESENT, SE_DACL_DEFAULTED, present, acl, defaulted);
}

NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR p, BOOLEAN present, PACL acl, BOOLEAN defaulted)
{
	return set_acl(p, &((SD *)p)->Sacl, SE_SACL_PRESENT, SE_SACL_DEFAULTED, present, acl, defaulted);
}

/* Either form to self-relative, in the order SACL, DACL, owner, group. */
NTSTATUS NTAPI RtlMakeSelfRelativeSD(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR to, PULONG length)
{
	static const enum part order[] = {SACL, DACL, OWNER, GROUP};
	SD *d = from;
	ULONG need = sizeof(RELATIVE), at = sizeof(RELATIVE);
	for (enum part i = OWNER; i <= DACL; i++)
		need += size_of(d, i);
	if (*length < need) {
		*length = need;
		return STATUS_BUFFER_TOO_SMALL;
	}
	RELATIVE *r = to;
	memset(r, 0, need);
	r->Revision = d->Revision;
	r->Sbz1 = d->Sbz1;
	r->Control = d->Control | SE_SELF_RELATIVE;
	for (int i = 0; i < 4; i++) {
		ULONG n = size_of(d, order[i]);
		if (!n)
			continue;
		void *p = part(d, order[i]);
		memcpy((char *)to + at, p, order[i] <= GROUP ? n : ((ACL *)p)->AclSize);
		(&r->Owner)[order[i]] = at;
		at += n;
	}
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR to, PULONG length)
{
	if (relative(from))
		return STATUS_BAD_DESCRIPTOR_FORMAT;
	return RtlMakeSelfRelativeSD(from, to, length);
}

NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR to, PULONG toSize, PACL dacl,
	PULONG daclSize, PACL sacl, PULONG saclSize, PSID owner, PULONG ownerSize, PSID group, PULONG groupSize)
{
	SD *d = from, *a = to;
	void *parts[] = {owner, group, sacl, dacl};
	PULONG sizes[] = {ownerSize, groupSize, saclSize, daclSize};
	int small = *toSize < sizeof(SD);
	if (!relative(d))
		return STATUS_BAD_DESCRIPTOR_FORMAT;
	for (enum part i = OWNER; i <= DACL; i++)
		small |= *sizes[i] < size_of(d, i);
	if (small) { /* all needs at once */
		*toSize = sizeof(SD);
		for (enum part i = OWNER; i <= DACL; i++)
			*sizes[i] = size_of(d, i);
		return STATUS_BUFFER_TOO_SMALL;
	}
	memset(a, 0, sizeof *a);
	a->Revision = d->Revision;
	a->Sbz1 = d->Sbz1;
	a->Control = d->Control & ~SE_SELF_RELATIVE;
	for (enum part i = OWNER; i <= DACL; i++) {
		void *p = part(d, i);
		if (!p)
			continue;
		memmove(parts[i], p, i <= GROUP ? RtlLengthSid(p) : ((ACL *)p)->AclSize);
		*(i == OWNER ? &a->Owner : i == GROUP ? &a->Group : i == SACL ? (PSID *)&a->Sacl : (PSID *)&a->Dacl) = parts[i];
	}
	return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlGetSecurityDescriptorRMControl(PSECURITY_DESCRIPTOR sd, PUCHAR control)
{
	PISECURITY_DESCRIPTOR d = sd;
	*control = d->Control & SE_RM_CONTROL_VALID ? d->Sbz1 : 0;
	return (d->Control & SE_RM_CONTROL_VALID) != 0;
}

void NTAPI RtlSetSecurityDescriptorRMControl(PSECURITY_DESCRIPTOR sd, PUCHAR control)
{
	PISECURITY_DESCRIPTOR d = sd;
	d->Control = control ? d->Control | SE_RM_CONTROL_VALID : d->Control & ~SE_RM_CONTROL_VALID;
	d->Sbz1 = control ? *control : 0;
}

NTSTATUS NTAPI RtlRemovePrivileges(HANDLE token, PULONG keep, ULONG count)
{
	_Alignas(8) char room[8 + 64 * sizeof(LUID_AND_ATTRIBUTES)]; /* there are fewer privileges than that */
	PTOKEN_PRIVILEGES held = (PTOKEN_PRIVILEGES)room;
	ULONG n, kept;
	NTSTATUS st = NtQueryInformationToken(token, TokenPrivileges, room, sizeof room, &n);
	if (!NT_SUCCESS(st))
		return st;
	for (n = kept = 0; n < held->PrivilegeCount; n++) {
		LUID_AND_ATTRIBUTES p = held->Privileges[n];
		ULONG i = 0;
		while (i < count && (p.Luid.LowPart != keep[i] || p.Luid.HighPart))
			i++;
		if (i == count) {
			p.Attributes = SE_PRIVILEGE_REMOVED;
			held->Privileges[kept++] = p;
		}
	}
	held->PrivilegeCount = kept;
	return NtAdjustPrivilegesToken(token, FALSE, held, 0, NULL, NULL);
}

DWORD NTAPI RtlGetLastWin32Error(void) { return rm_teb()->last_error; }

void NTAPI RtlSetLastWin32Error(DWORD code) { rm_teb()->last_error = code; }

NTSTATUS NTAPI RtlCreateSecurityDescriptorRelative(PISECURITY_DESCRIPTOR_RELATIVE d, ULONG revision)
{
	if (revision != SECURITY_DESCRIPTOR_REVISION)
		return STATUS_UNKNOWN_REVISION;
	*d = (SECURITY_DESCRIPTOR_RELATIVE){.Revision = (BYTE)revision, .Control = SE_SELF_RELATIVE};
	return STATUS_SUCCESS;
}
