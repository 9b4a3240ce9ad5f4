/* Processes with another user's token, and the audit messages of a server. */
#include "privileged.h"

/* With SeAssignPrimaryTokenPrivilege any user's token does; its user owns the process. */
static void as_user(void)
{
	HANDLE h = alice(), t;
	PROCESS_INFORMATION p;
	_Alignas(8) char room[512];
	ULONG n;
	CHECK(CreateProcessAsUserA(h, NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p));
	CHECK(OpenProcessToken(p.hProcess, TOKEN_QUERY, &t));
	CHECK(GetTokenInformation(t, TokenUser, room, sizeof room, &n));
	CHECK(EqualSid(((PTOKEN_USER)room)->User.Sid, sid(ALICE)));
	CHECK(CloseHandle(t));
	CHECK(GetKernelObjectSecurity(p.hProcess, OWNER_SECURITY_INFORMATION, room, sizeof room, &n));
	PSID owner;
	BOOL defaulted;
	CHECK(GetSecurityDescriptorOwner(room, &owner, &defaulted));
	CHECK(EqualSid(owner, sid(ALICE)));
	CHECK(TerminateProcess(p.hProcess, 0));
	CHECK(CloseHandle(p.hProcess));
	CHECK(CloseHandle(p.hThread));
	/* held and not enabled will do, taken away will not (I-96) */
	BOOLEAN was;
	HANDLE own = NULL;
	static const ULONG needed[] = {SE_ASSIGNPRIMARYTOKEN_PRIVILEGE, SE_INCREASE_QUOTA_PRIVILEGE};
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &own), STATUS_SUCCESS);
	for (int i = 0; i < 2; i++)
		STATUS(RtlAdjustPrivilege(needed[i], FALSE, FALSE, &was), STATUS_SUCCESS);
	CHECK(CreateProcessAsUserA(h, NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p));
	CHECK(TerminateProcess(p.hProcess, 0) && CloseHandle(p.hProcess) && CloseHandle(p.hThread));
	for (int i = 0; i < 2; i++) {
		STATUS(RtlAdjustPrivilege(needed[i], FALSE, FALSE, &was), STATUS_SUCCESS);
		SAME(was, FALSE);
		STATUS(RtlAdjustPrivilege(needed[i], TRUE, FALSE, &was), STATUS_SUCCESS);
	}
	TOKEN_PRIVILEGES gone = {1, {{{SE_INCREASE_QUOTA_PRIVILEGE, 0}, SE_PRIVILEGE_REMOVED}}};
	STATUS(NtAdjustPrivilegesToken(own, FALSE, &gone, 0, NULL, NULL), STATUS_SUCCESS);
	FAILS(CreateProcessAsUserA(h, NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p), ERROR_PRIVILEGE_NOT_HELD);
	CHECK(CloseHandle(own));
	CHECK(CloseHandle(h));
}

/* With SeAuditPrivilege in the process's own token; no reader listens to the log, so that
 * GenerateOnClose stays FALSE under the default policy. */
static void alarms(void)
{
	PSECURITY_DESCRIPTOR d;
	GENERIC_MAPPING m = {1, 2, 4, 7};
	DWORD granted = 9;
	BOOL access = 9, generate = 9;
	BOOLEAN was;
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA("O:SYG:SYD:(A;;0x1;;;WD)S:(AU;SAFA;0x7;;;WD)",
		SDDL_REVISION_1, &d, NULL));
	CHECK(ImpersonateSelf(SecurityImpersonation));
	CHECK(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", d, 1, &m, FALSE, &granted, &access, &generate));
	SAME(granted, 1);
	SAME(access, TRUE);
	CHECK(AccessCheckAndAuditAlarmW(u"server", NULL, u"File", u"name", d, 2, &m, FALSE, &granted, &access, &generate));
	SAME(granted, 0);
	SAME(access, FALSE);
	SAME(GetLastError(), ERROR_ACCESS_DENIED);
	FAILS(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", d, GENERIC_READ, &m, FALSE, &granted, &access,
		&generate), ERROR_GENERIC_NOT_MAPPED);
	FAILS(AccessCheckAndAuditAlarmA(NULL, NULL, "File", "name", d, 1, &m, FALSE, &granted, &access, &generate),
		ERROR_NOACCESS);
	FAILS(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", NULL, 1, &m, FALSE, &granted, &access, &generate),
		ERROR_INVALID_SECURITY_DESCR);
	/* I-7: the client's token does not count, the process's does */
	STATUS(RtlAdjustPrivilege(SE_AUDIT_PRIVILEGE, FALSE, TRUE, &was), STATUS_SUCCESS);
	CHECK(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", d, 1, &m, FALSE, &granted, &access, &generate));
	HANDLE t;
	CHECK(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &t) && RevertToSelf());
	CHECK(ObjectOpenAuditAlarmA("server", &t, "File", "name", d, t, 1, 1, NULL, FALSE, TRUE, &generate));
	FAILS(ObjectOpenAuditAlarmA("server", none, "File", "name", d, t, 1, 1, NULL, FALSE, TRUE, &generate),
		ERROR_NOACCESS);
	CHECK(CloseHandle(t));
	CHECK(ObjectCloseAuditAlarmA("server", NULL, TRUE));
	CHECK(ObjectDeleteAuditAlarmA("server", NULL, TRUE));
	FAILS(ObjectCloseAuditAlarmW(NULL, NULL, TRUE), ERROR_NOACCESS);
	STATUS(RtlAdjustPrivilege(SE_AUDIT_PRIVILEGE, FALSE, FALSE, &was), STATUS_SUCCESS);
	FAILS(ObjectCloseAuditAlarmA("server", NULL, TRUE), ERROR_PRIVILEGE_NOT_HELD);
	STATUS(RtlAdjustPrivilege(SE_AUDIT_PRIVILEGE, TRUE, FALSE, &was), STATUS_SUCCESS);
	LocalFree(d);
}

void test_server(void)
{
	as_user();
	alarms();
}
