/* Impersonating with tokens. */
#include "check.h"

void test_impersonation(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), imp = client(SecurityImpersonation), h, weak;
	/* a primary token is not set on a thread (I-70) */
	STATUS(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &own, sizeof own), STATUS_BAD_TOKEN_TYPE);
	STATUS(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &imp, 4), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtSetInformationThread(NtCurrentThread(), 99, &imp, sizeof imp), STATUS_INVALID_INFO_CLASS);
	CHECK(DuplicateHandle(GetCurrentProcess(), imp, GetCurrentProcess(), &weak, TOKEN_QUERY, FALSE, 0));
	FAILS(SetThreadToken(NULL, weak), ERROR_ACCESS_DENIED);
	HANDLE thread = GetCurrentThread();
	CHECK(SetThreadToken(&thread, imp));
	CHECK(OpenThreadToken(thread, TOKEN_QUERY, TRUE, &h));
	CHECK(CloseHandle(h));
	h = NULL;
	CHECK(SetThreadToken(&thread, h));
	FAILS(OpenThreadToken(thread, TOKEN_QUERY, TRUE, &h), ERROR_NO_TOKEN);
	CHECK(ImpersonateLoggedOnUser(own));
	CHECK(OpenThreadToken(thread, TOKEN_QUERY, TRUE, &h));
	DWORD level, n;
	CHECK(GetTokenInformation(h, TokenImpersonationLevel, &level, 4, &n));
	SAME(level, SecurityImpersonation);
	CHECK(CloseHandle(h));
	CHECK(RevertToSelf());
	FAILS(ImpersonateLoggedOnUser(NULL), ERROR_INVALID_HANDLE);
	CHECK(ImpersonateAnonymousToken(GetCurrentThread()));
	CHECK(OpenThreadToken(thread, TOKEN_QUERY, TRUE, &h) || GetLastError() == ERROR_CANT_OPEN_ANONYMOUS ||
		GetLastError() == ERROR_ACCESS_DENIED);
	CHECK(RevertToSelf());
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, SecurityImpersonation, 0, 0};
	STATUS(NtImpersonateThread(NtCurrentThread(), NtCurrentThread(), &qos), STATUS_SUCCESS);
	STATUS(NtImpersonateThread(NtCurrentThread(), NtCurrentThread(), NULL), STATUS_ACCESS_VIOLATION);
	CHECK(OpenThreadToken(thread, TOKEN_QUERY, TRUE, &h));
	CHECK(CloseHandle(h));
	CHECK(RevertToSelf());
	STATUS(RtlImpersonateSelf(SecurityImpersonation), STATUS_SUCCESS);
	CHECK(RevertToSelf());
	STATUS(NtQueryInformationToken(NtCurrentThreadToken(), TokenType, &level, 4, &n), STATUS_NO_TOKEN); /* O-15 */
	STATUS(NtQueryInformationToken(NtCurrentEffectiveToken(), TokenType, &level, 4, &n), STATUS_SUCCESS);
	SAME(level, TokenPrimary);
	CHECK(CloseHandle(weak));
	CHECK(CloseHandle(imp));
	CHECK(CloseHandle(own));
}
