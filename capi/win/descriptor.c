/* Descriptors made of trustees and explicit entries, and taken apart. */
#include "win.h"

/* The parts of a descriptor under way; what is set here is freed at the end. */
struct making {
	PSID owner, group;
	PACL dacl, sacl;
};

static DWORD leave(struct making *m, DWORD code)
{
	free(m->owner);
	free(m->group);
	free(m->dacl);
	free(m->sacl);
	return code;
}

static DWORD part(PVOID trustee, BOOLEAN wide, PSID *sid, PSID *into)
{
	DWORD code = trustee ? RtlNtStatusToDosError(rm_trustee_sid(trustee, wide, sid)) : ERROR_SUCCESS;
	if (!code && trustee)
		*into = *sid;
	return code;
}

/* Puts the entries into the list there was. */
static DWORD list(ULONG count, PVOID entries, BOOLEAN wide, PACL *old, PACL *new)
{
	DWORD code = count ? RtlNtStatusToDosError(rm_set_entries(count, entries, *old, new, wide)) : ERROR_SUCCESS;
	if (!code && count)
		*old = *new;
	return code;
}

DWORD rm_build_descriptor(PTRUSTEE_W owner, PTRUSTEE_W group, ULONG accesses, PEXPLICIT_ACCESS_W access, ULONG audits,
	PEXPLICIT_ACCESS_W audit, PSECURITY_DESCRIPTOR old, PULONG size, PSECURITY_DESCRIPTOR *out, BOOLEAN wide)
{
	struct making m = {0};
	SECURITY_DESCRIPTOR d;
	BOOLEAN present, defaulted;
	SECURITY_DESCRIPTOR_CONTROL control;
	ULONG revision, n = 0;
	if (!size || !out)
		return ERROR_INVALID_PARAMETER;
	RtlCreateSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION);
	if (old) {
		if (!RtlValidSecurityDescriptor(old) || !NT_SUCCESS(RtlGetControlSecurityDescriptor(old, &control, &revision)) ||
			!(control & SE_SELF_RELATIVE))
			return ERROR_INVALID_SECURITY_DESCR; /* it must be self-relative */
		RtlGetOwnerSecurityDescriptor(old, &d.Owner, &defaulted);
		RtlGetGroupSecurityDescriptor(old, &d.Group, &defaulted);
		RtlGetDaclSecurityDescriptor(old, &present, &d.Dacl, &defaulted);
		RtlGetSaclSecurityDescriptor(old, &present, &d.Sacl, &defaulted);
		d.Control = control & ~SE_SELF_RELATIVE;
		d.Sbz1 = ((PISECURITY_DESCRIPTOR)old)->Sbz1; /* the byte of SE_RM_CONTROL_VALID */
	}
	DWORD code = part(owner, wide, &m.owner, &d.Owner);
	if (!code)
		code = part(group, wide, &m.group, &d.Group);
	if (!code)
		code = list(accesses, access, wide, &d.Dacl, &m.dacl);
	if (!code)
		code = list(audits, audit, wide, &d.Sacl, &m.sacl);
	if (code)
		return leave(&m, code);
	d.Control &= ~((owner ? SE_OWNER_DEFAULTED : 0) | (group ? SE_GROUP_DEFAULTED : 0) |
		(accesses ? SE_DACL_DEFAULTED : 0) | (audits ? SE_SACL_DEFAULTED : 0));
	d.Control |= (accesses ? SE_DACL_PRESENT : 0) | (audits ? SE_SACL_PRESENT : 0);
	RtlMakeSelfRelativeSD(&d, NULL, &n);
	PSECURITY_DESCRIPTOR made = malloc(n);
	if (!made)
		return leave(&m, ERROR_NOT_ENOUGH_MEMORY);
	code = RtlNtStatusToDosError(RtlMakeSelfRelativeSD(&d, made, &n));
	if (code)
		free(made);
	else {
		*size = n;
		*out = made;
	}
	return leave(&m, code);
}

DWORD WINAPI BuildSecurityDescriptorW(PTRUSTEE_W owner, PTRUSTEE_W group, ULONG accesses, PEXPLICIT_ACCESS_W access,
	ULONG audits, PEXPLICIT_ACCESS_W audit, PSECURITY_DESCRIPTOR old, PULONG size, PSECURITY_DESCRIPTOR *out)
{
	return rm_build_descriptor(owner, group, accesses, access, audits, audit, old, size, out, TRUE);
}

/* A trustee with the name of a SID behind it, DOMAIN\NAME where there is a domain. */
static DWORD named(PSID sid, PTRUSTEE_W *out, BOOLEAN wide)
{
	PWSTR name, domain;
	ULONG units[2], use;
	if (!sid) {
		*out = NULL;
		return ERROR_SUCCESS;
	}
	DWORD code = RtlNtStatusToDosError(rm_account_name(sid, &name, &domain, units, &use));
	if (code)
		return code;
	PTRUSTEE_W t = malloc(sizeof *t + 2 * ((size_t)units[0] + units[1]));
	if (t) {
		PWSTR text = (PWSTR)(t + 1);
		ULONG n = units[1] - 1;
		memcpy(text, domain, 2 * (size_t)n);
		if (n)
			text[n++] = '\\';
		memcpy(text + n, name, 2 * (size_t)units[0]);
		BuildTrusteeWithNameW(t, wide ? text : (LPWSTR)narrow(text, n + units[0]));
		*out = t;
	}
	free(name);
	free(domain);
	return t ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
}

/* The explicit entries of a list; none for no list. */
static DWORD entries(PACL acl, PULONG count, PEXPLICIT_ACCESS_W *out)
{
	if (acl)
		return GetExplicitEntriesFromAclW(acl, count, out);
	*count = 0;
	*out = NULL;
	return ERROR_SUCCESS;
}

DWORD rm_descriptor_parts(PTRUSTEE_W *owner, PTRUSTEE_W *group, PULONG accesses, PEXPLICIT_ACCESS_W *access,
	PULONG audits, PEXPLICIT_ACCESS_W *audit, PSECURITY_DESCRIPTOR d, BOOLEAN wide)
{
	PSID o = NULL, g = NULL;
	PACL dacl = NULL, sacl = NULL;
	PTRUSTEE_W a = NULL, b = NULL;
	PEXPLICIT_ACCESS_W x = NULL, y = NULL;
	ULONG n = 0, m = 0;
	BOOLEAN present, defaulted;
	if (!accesses != !access || !audits != !audit)
		return ERROR_INVALID_PARAMETER;
	if (!d || !RtlValidSecurityDescriptor(d))
		return ERROR_INVALID_SECURITY_DESCR;
	RtlGetOwnerSecurityDescriptor(d, &o, &defaulted);
	RtlGetGroupSecurityDescriptor(d, &g, &defaulted);
	RtlGetDaclSecurityDescriptor(d, &present, &dacl, &defaulted);
	RtlGetSaclSecurityDescriptor(d, &present, &sacl, &defaulted);
	DWORD code = owner ? named(o, &a, wide) : ERROR_SUCCESS;
	if (!code && group)
		code = named(g, &b, wide);
	if (!code && access)
		code = entries(dacl, &n, &x);
	if (!code && audit)
		code = entries(sacl, &m, &y);
	if (code) {
		free(a);
		free(b);
		free(x);
		return code;
	}
	if (owner)
		*owner = a;
	if (group)
		*group = b;
	if (access)
		*access = x, *accesses = n;
	if (audit)
		*audit = y, *audits = m;
	return ERROR_SUCCESS;
}

DWORD WINAPI LookupSecurityDescriptorPartsW(PTRUSTEE_W *owner, PTRUSTEE_W *group, PULONG accesses,
	PEXPLICIT_ACCESS_W *access, PULONG audits, PEXPLICIT_ACCESS_W *audit, PSECURITY_DESCRIPTOR d)
{
	return rm_descriptor_parts(owner, group, accesses, access, audits, audit, d, TRUE);
}
