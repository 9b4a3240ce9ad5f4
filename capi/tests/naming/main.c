/* The computer of a daemon, whose name is longer than one on Windows. */
#include "../check.h"

atomic_int checks, failures;

int main(void)
{
	char name[256] = "\\\\";
	DWORD n = sizeof name - 2;
	LUID luid;
	CHECK(GetComputerNameA(name + 2, &n));
	CHECK(n > MAX_COMPUTERNAME_LENGTH);
	CHECK(LookupPrivilegeValueA(name, "SeDebugPrivilege", &luid));
	CHECK(LookupPrivilegeValueA(name + 2, "SeDebugPrivilege", &luid));
	FAILS(LookupPrivilegeValueA("\\\\other", "SeDebugPrivilege", &luid), RPC_S_SERVER_UNAVAILABLE);
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
