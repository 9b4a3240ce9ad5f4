/* Impersonate the process's own user at Identification, as a server does with a client, and query the token. */
#include <refmon/refmon.h>
#include <stdio.h>

int main(void)
{
	HANDLE token;
	if (!ImpersonateSelf(SecurityIdentification))
		return 1;
	/* The client may only be identified: it cannot open objects itself, not even its own token. */
	NTSTATUS st = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, FALSE, &token);
	printf("as the client:  0x%08X\n", (unsigned)st);
	/* The server's process can, with OpenAsSelf. */
	st = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &token);
	printf("as the process: 0x%08X\n", (unsigned)st);
	SECURITY_IMPERSONATION_LEVEL level;
	ULONG n;
	st = NtQueryInformationToken(token, TokenImpersonationLevel, &level, sizeof level, &n);
	printf("level:          %d\n", level);
	NtClose(token);
	RevertToSelf();
	return st != STATUS_SUCCESS || level != SecurityIdentification;
}
