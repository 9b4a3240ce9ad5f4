/* Nanoseconds for each call, best of five rounds. */
#include <refmon/refmon.h>
#include "bench.h"

int main(void)
{
	HANDLE own, client, h;
	PSECURITY_DESCRIPTOR d;
	PRIVILEGE_SET set;
	ULONG n = sizeof set;
	ACCESS_MASK granted;
	NTSTATUS access;
	DWORD type;
	static GENERIC_MAPPING away = {0x120089, 0x120116, 0x1200a0, 0x1f01ff}; /* not on the stack */
	GENERIC_MAPPING m = away;
	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own) ||
		!DuplicateToken(own, SecurityImpersonation, &client) ||
		!ConvertStringSecurityDescriptorToSecurityDescriptorA("O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-4)(A;;FA;;;BA)", 1, &d,
		NULL) || !SetThreadToken(NULL, client))
		return 1;
	BENCH("RtlNtStatusToDosError (empty call)", RtlNtStatusToDosError(0));
	BENCH("NtClose of no handle", NtClose(NULL));
	BENCH("NtOpenThreadToken + NtClose", NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h); NtClose(h));
	BENCH("NtQueryInformationToken TokenType", NtQueryInformationToken(client, TokenType, &type, sizeof type, &n));
	n = sizeof set;
	BENCH("NtAccessCheck, 2 entries", NtAccessCheck(d, client, 1, &m, &set, &n, &granted, &access));
	BENCH("the same, with the mapping on another page", NtAccessCheck(d, client, 1, &away, &set, &n, &granted, &access));
	BENCH("SetThreadToken + RevertToSelf", SetThreadToken(NULL, client); RevertToSelf());
	BENCH("NtDuplicateToken + NtClose", NtDuplicateToken(own, TOKEN_QUERY, NULL, FALSE, TokenPrimary, &h); NtClose(h));
	BENCH("fault: NULL output", NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, NULL));
	BENCH("fault: unmapped output", NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, (PHANDLE)0x7eadbee0));
	return 0;
}
