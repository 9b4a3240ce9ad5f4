/* The program's handler is there before the library is loaded: before HOW LIBRARY */
#include "signals.h"
#include <dlfcn.h>

static NTSTATUS (*open_token)(HANDLE, ACCESS_MASK, PHANDLE);

static void *all(void *unused)
{
	HANDLE h = NULL;
	void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
	STATUS(open_token((HANDLE)-1, TOKEN_QUERY, &h), STATUS_SUCCESS);
	for (int i = 0; i < 6; i++)
		STATUS(open_token((HANDLE)-1, TOKEN_QUERY, bad[i]), STATUS_ACCESS_VIOLATION);
	SAME(faults, 0);
	own_fault();
	faults = 0;
	STATUS(open_token((HANDLE)-1, TOKEN_QUERY, none), STATUS_ACCESS_VIOLATION);
	SAME(faults, 0);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t t;
	if (argc < 3)
		return 2;
	prepare_pages();
	install(atoi(argv[1]));
	own_fault();
	faults = 0;
	void *library = dlopen(argv[2], RTLD_NOW);
	if (!library) {
		printf("%s\n", dlerror());
		return 2;
	}
	open_token = (NTSTATUS(*)(HANDLE, ACCESS_MASK, PHANDLE))dlsym(library, "NtOpenProcessToken");
	all(NULL);
	CHECK(pthread_create(&t, NULL, all, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
