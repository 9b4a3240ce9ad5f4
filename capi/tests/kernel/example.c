/* A driver's way to act for a client: capture it, impersonate, look, put back what was there. */
#include <refmon/ntifs.h>
#include <stdio.h>

int main(void)
{
	PETHREAD thread = PsGetCurrentThread();
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, SecurityIdentification, SECURITY_STATIC_TRACKING, FALSE};
	SECURITY_CLIENT_CONTEXT client;
	if (SeCreateClientSecurity(thread, &qos, FALSE, &client))
		return 1;

	/* NULL for none; the other outputs are then left as they are. */
	BOOLEAN copyOnOpen = FALSE, effectiveOnly = FALSE;
	SECURITY_IMPERSONATION_LEVEL level = SecurityAnonymous;
	PACCESS_TOKEN before = PsReferenceImpersonationToken(thread, &copyOnOpen, &effectiveOnly, &level);
	if (SeImpersonateClientEx(&client, thread))
		return 1;

	/* Outside the System process a token is opened as a kernel handle. */
	HANDLE token;
	NTSTATUS st = ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, 0, &token);
	printf("without OBJ_KERNEL_HANDLE: 0x%08X\n", (unsigned)st);
	st = ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE, &token);
	printf("with OBJ_KERNEL_HANDLE:    0x%08X\n", (unsigned)st);
	printf("in user mode:              0x%08X\n", (unsigned)NtClose(token));
	ZwClose(token);

	/* Returning may fail like any other impersonation: what comes back is checked too. */
	st = PsImpersonateClient(thread, before, copyOnOpen, effectiveOnly, level);
	PsDereferenceImpersonationToken(before);
	SeDeleteClientSecurity(&client);
	return st != STATUS_SUCCESS;
}
