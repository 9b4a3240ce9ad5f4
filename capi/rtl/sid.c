/* SIDs, strings and masks: routines that need no kernel. */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define AS_SID(p) ((SID *)(p))

void NTAPI RtlInitUnicodeString(PUNICODE_STRING d, PCWSTR s)
{
	size_t n = 0;
	d->Buffer = (PWSTR)s;
	if (!s) {
		d->Length = d->MaximumLength = 0;
		return;
	}
	while (s[n])
		n++;
	if (n > 0x7FFE) /* Length is a USHORT and keeps room for the terminator */
		n = 0x7FFE;
	d->Length = (USHORT)(2 * n);
	d->MaximumLength = (USHORT)(2 * n + 2);
}

BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING d, PCWSTR s)
{
	size_t n = 0;
	while (s[n])
		n++;
	PWSTR w = n <= 0x7FFE ? malloc(2 * (n + 1)) : NULL;
	if (!w)
		return FALSE;
	memcpy(w, s, 2 * (n + 1));
	RtlInitUnicodeString(d, w);
	return TRUE;
}

BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(PUNICODE_STRING d, PCSTR s)
{
	size_t n = strlen(s) + 1;
	PWSTR w = n <= 0x7FFF ? malloc(2 * n) : NULL;
	if (!w)
		return FALSE;
	for (size_t i = 0; i < n; i++)
		w[i] = (unsigned char)s[i];
	RtlInitUnicodeString(d, w);
	return TRUE;
}

NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG flags, PCUNICODE_STRING in, PUNICODE_STRING out)
{
	ULONG n = in ? in->Length : 0;
	BOOLEAN terminated = (flags & RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE) != 0;
	if (!out || flags > 3 || flags == RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING)
		return STATUS_INVALID_PARAMETER;
	if (in && (n % 2 || in->MaximumLength % 2 || n > in->MaximumLength || (!in->Buffer && in->MaximumLength)))
		return STATUS_INVALID_PARAMETER;
	if (terminated && n > 0xFFFC)
		return STATUS_NAME_TOO_LONG;
	*out = (UNICODE_STRING){0};
	if (!n && !(flags & RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING))
		return STATUS_SUCCESS;
	ULONG size = n + 2 * terminated;
	if (!(out->Buffer = malloc(size)))
		return STATUS_NO_MEMORY;
	if (n)
		memcpy(out->Buffer, in->Buffer, n);
	if (terminated)
		out->Buffer[n / 2] = 0;
	out->Length = (USHORT)n;
	out->MaximumLength = (USHORT)size;
	return STATUS_SUCCESS;
}

void NTAPI RtlFreeUnicodeString(PUNICODE_STRING s)
{
	free(s->Buffer);
	memset(s, 0, sizeof *s);
}

BOOLEAN NTAPI RtlValidSid(PSID p)
{
	return p && AS_SID(p)->Revision == SID_REVISION && AS_SID(p)->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}

ULONG NTAPI RtlLengthRequiredSid(ULONG n) { return 8 + 4 * n; }

ULONG NTAPI RtlLengthSid(PSID p) { return RtlLengthRequiredSid(AS_SID(p)->SubAuthorityCount); }

BOOLEAN NTAPI RtlEqualSid(PSID a, PSID b)
{
	if (AS_SID(a)->Revision != AS_SID(b)->Revision || AS_SID(a)->SubAuthorityCount != AS_SID(b)->SubAuthorityCount)
		return FALSE;
	return memcmp(a, b, RtlLengthSid(a)) == 0;
}

BOOLEAN NTAPI RtlEqualPrefixSid(PSID a, PSID b)
{
	if (AS_SID(a)->Revision != AS_SID(b)->Revision || AS_SID(a)->SubAuthorityCount != AS_SID(b)->SubAuthorityCount)
		return FALSE;
	ULONG n = AS_SID(a)->SubAuthorityCount;
	return memcmp(a, b, RtlLengthRequiredSid(n ? n - 1 : 0)) == 0;
}

NTSTATUS NTAPI RtlInitializeSid(PSID p, PSID_IDENTIFIER_AUTHORITY authority, UCHAR n)
{
	if (n > SID_MAX_SUB_AUTHORITIES)
		return STATUS_INVALID_PARAMETER;
	AS_SID(p)->Revision = SID_REVISION;
	AS_SID(p)->SubAuthorityCount = n;
	AS_SID(p)->IdentifierAuthority = *authority;
	return STATUS_SUCCESS;
}

#ifdef REFMON_MS_ABI
#define va_list __builtin_ms_va_list
#define va_start __builtin_ms_va_start
#define va_end __builtin_ms_va_end
#else
#include <stdarg.h>
#endif

NTSTATUS NTAPI RtlInitializeSidEx(PSID p, PSID_IDENTIFIER_AUTHORITY authority, UCHAR n, ...)
{
	va_list subs;
	NTSTATUS st = RtlInitializeSid(p, authority, n);
	if (!NT_SUCCESS(st))
		return st;
	va_start(subs, n);
	for (UCHAR i = 0; i < n; i++)
		AS_SID(p)->SubAuthority[i] = __builtin_va_arg(subs, ULONG);
	va_end(subs);
	return STATUS_SUCCESS;
}

PSID_IDENTIFIER_AUTHORITY NTAPI RtlIdentifierAuthoritySid(PSID p) { return &AS_SID(p)->IdentifierAuthority; }

PULONG NTAPI RtlSubAuthoritySid(PSID p, ULONG i) { return &AS_SID(p)->SubAuthority[i]; }

PUCHAR NTAPI RtlSubAuthorityCountSid(PSID p) { return &AS_SID(p)->SubAuthorityCount; }

NTSTATUS NTAPI RtlCopySid(ULONG length, PSID to, PSID from)
{
	ULONG n = RtlLengthSid(from);
	if (length < n)
		return STATUS_BUFFER_TOO_SMALL;
	memmove(to, from, n);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY authority, UCHAR n, ULONG s0, ULONG s1, ULONG s2,
	ULONG s3, ULONG s4, ULONG s5, ULONG s6, ULONG s7, PSID *out)
{
	const ULONG subs[8] = {s0, s1, s2, s3, s4, s5, s6, s7};
	if (n > 8)
		return STATUS_INVALID_SID;
	PSID p = malloc(RtlLengthRequiredSid(n));
	if (!p)
		return STATUS_NO_MEMORY;
	RtlInitializeSid(p, authority, n);
	memcpy(AS_SID(p)->SubAuthority, subs, 4 * (size_t)n);
	*out = p;
	return STATUS_SUCCESS;
}

PVOID NTAPI RtlFreeSid(PSID p)
{
	free(p);
	return NULL;
}

NTSTATUS NTAPI RtlConvertSidToUnicodeString(PUNICODE_STRING s, PSID p, BOOLEAN allocate)
{
	PWSTR text;
	ULONG units;
	NTSTATUS st = rm_format_sid(p, &text, &units);
	if (!NT_SUCCESS(st))
		return st;
	if (allocate) {
		s->Buffer = text;
		s->Length = (USHORT)(2 * (units - 1));
		s->MaximumLength = (USHORT)(2 * units);
		return STATUS_SUCCESS;
	}
	ULONG n = 2 * (units - 1);
	if (s->MaximumLength < n) {
		free(text);
		return STATUS_BUFFER_OVERFLOW;
	}
	memcpy(s->Buffer, text, s->MaximumLength >= n + 2 ? n + 2 : n);
	s->Length = (USHORT)n;
	free(text);
	return STATUS_SUCCESS;
}

void NTAPI RtlMapGenericMask(PACCESS_MASK mask, PGENERIC_MAPPING m)
{
	ACCESS_MASK x = *mask;
	if (x & GENERIC_READ)
		x |= m->GenericRead;
	if (x & GENERIC_WRITE)
		x |= m->GenericWrite;
	if (x & GENERIC_EXECUTE)
		x |= m->GenericExecute;
	if (x & GENERIC_ALL)
		x |= m->GenericAll;
	*mask = x & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
}

BOOLEAN NTAPI RtlAreAllAccessesGranted(ACCESS_MASK granted, ACCESS_MASK desired)
{
	return (granted & desired) == desired;
}

BOOLEAN NTAPI RtlAreAnyAccessesGranted(ACCESS_MASK granted, ACCESS_MASK desired) { return (granted & desired) != 0; }

void NTAPI RtlCopyLuid(PLUID to, PLUID from) { *to = *from; }

NTSTATUS NTAPI RtlImpersonateSelf(SECURITY_IMPERSONATION_LEVEL level) { return rm_impersonate_self(level); }

NTSTATUS NTAPI RtlAdjustPrivilege(ULONG privilege, BOOLEAN enable, BOOLEAN thread, PBOOLEAN enabled)
{
	HANDLE token;
	TOKEN_PRIVILEGES state = {1, {{{privilege, 0}, enable ? SE_PRIVILEGE_ENABLED : 0}}}, old = {0};
	ULONG n;
	NTSTATUS st;
	if (thread)
		st = NtOpenThreadToken(NtCurrentThread(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, FALSE, &token);
	else
		st = NtOpenProcessToken(NtCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token);
	if (!NT_SUCCESS(st))
		return st;
	st = NtAdjustPrivilegesToken(token, FALSE, &state, sizeof old, &old, &n);
	NtClose(token);
	if (st == STATUS_NOT_ALL_ASSIGNED)
		return STATUS_PRIVILEGE_NOT_HELD;
	if (NT_SUCCESS(st)) /* no change listed: it was as asked for */
		*enabled = old.PrivilegeCount ? (old.Privileges[0].Attributes & SE_PRIVILEGE_ENABLED) != 0 : enable;
	return st;
}
