/*
 * What is looked up by name at run time has the calling convention of what was
 * linked, also where functions are declared hidden, as Windows headers for Linux
 * do: librefmon.so, which has the same names, comes after librefmon-ms.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define WINAPI __attribute__((ms_abi))
#define HIDDEN extern __attribute__((visibility("hidden")))
HIDDEN int WINAPI CreateWellKnownSid(int type, void *domain, void *sid, unsigned *size);
HIDDEN int WINAPI IsWellKnownSid(void *sid, int type);
HIDDEN int WINAPI NtClose(void *handle);

int main(void)
{
	static const char *const names[] = {"CreateWellKnownSid", "NtClose", "ZwClose", "RtlLengthSid", "SetEntriesInAclW"};
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		Dl_info from;
		void *f = dlsym(RTLD_DEFAULT, names[i]);
		if (!f || !dladdr(f, &from) || strstr(from.dli_fname, "librefmon.so")) {
			printf("%s comes from %s\n", names[i], f ? from.dli_fname : "nowhere");
			return 1;
		}
	}
	int WINAPI (*create)(int, void *, void *, unsigned *) = (int WINAPI (*)(int, void *, void *,
		unsigned *))dlsym(RTLD_DEFAULT, "CreateWellKnownSid");
	char sid[68], other[68];
	unsigned n = sizeof sid, m = sizeof other;
	if (!create(1, NULL, sid, &n) || !CreateWellKnownSid(1, NULL, other, &m) || n != m || memcmp(sid, other, 12) ||
		!IsWellKnownSid(sid, 1))
		return 2; /* WinWorldSid, twelve bytes */
	puts(NtClose(NULL) == (int)0xC0000008 ? "ok" : "NtClose");
	return 0;
}
