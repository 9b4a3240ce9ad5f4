/* Bad pointers to kernel-mode routines that have a status, in a program with a handler of its own: kernel HOW */
#include <refmon/ntifs.h>
#include "signals.h"

static void bad_pointers(void *p)
{
	PEPROCESS process;
	HANDLE h;
	PVOID o;
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityImpersonation, 0, 0};
	SECURITY_CLIENT_CONTEXT client;
	SECURITY_SUBJECT_CONTEXT s;
	GENERIC_MAPPING m = {1, 2, 4, 7};
	ACCESS_MASK granted;
	NTSTATUS st = 0;
	PACCESS_TOKEN mine = PsReferencePrimaryToken(PsGetCurrentProcess());
	STATUS(PsLookupProcessByProcessId(PsGetCurrentProcessId(), p), STATUS_ACCESS_VIOLATION);
	STATUS(PsLookupProcessByProcessId(PsGetCurrentProcessId(), &process), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByHandle(ZwCurrentProcess(), 0, *PsProcessType, KernelMode, p, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(ObOpenObjectByPointer(process, OBJ_KERNEL_HANDLE, NULL, 0, NULL, KernelMode, p), STATUS_ACCESS_VIOLATION);
	STATUS(SeQueryInformationToken(mine, TokenUser, p), STATUS_ACCESS_VIOLATION);
	STATUS(SeFilterToken(mine, 0, NULL, NULL, NULL, p), STATUS_ACCESS_VIOLATION);
	STATUS(SeCreateClientSecurity(PsGetCurrentThread(), &q, FALSE, p), STATUS_ACCESS_VIOLATION);
	STATUS(ZwOpenProcessTokenEx(ZwCurrentProcess(), TOKEN_QUERY, OBJ_KERNEL_HANDLE, p), STATUS_ACCESS_VIOLATION);
	if (p && p != readonly) {
		SeCaptureSubjectContext(&s);
		CHECK(!SeAccessCheck(p, &s, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st));
		STATUS(st, STATUS_ACCESS_VIOLATION);
		SeReleaseSubjectContext(&s);
		STATUS(SeFilterToken(mine, 0, p, NULL, NULL, &o), STATUS_ACCESS_VIOLATION);
		STATUS(SeCreateClientSecurity(PsGetCurrentThread(), p, FALSE, &client), STATUS_ACCESS_VIOLATION);
		STATUS(ZwDuplicateToken(ZwCurrentThread(), 0, p, FALSE, TokenPrimary, &h), STATUS_ACCESS_VIOLATION);
	}
	ObDereferenceObject(process);
	PsDereferencePrimaryToken(mine);
	SAME(faults, 0);
}

int main(int argc, char **argv)
{
	prepare_pages();
	PsGetCurrentThread();
	install(argc > 1 ? atoi(argv[1]) : 0);
	for (int i = 0; i < 2; i++) {
		void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
		for (int k = 0; k < 6; k++)
			bad_pointers(bad[k]);
		own_fault();
		faults = 0;
	}
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
