/* Jobs that limit the tokens of their processes. */
#include "check.h"

/* A filter takes effect when a thread of the job impersonates. */
static void filtering_job(HANDLE imp)
{
	PROCESS_INFORMATION p;
	HANDLE job;
	TOKEN_PRIVILEGES gone = {1, {{{SE_BACKUP_PRIVILEGE, 0}, 0}}};
	JOBOBJECT_SECURITY_LIMIT_INFORMATION filter = {JOB_OBJECT_SECURITY_FILTER_TOKENS, NULL, NULL, &gone, NULL};
	HANDLE t;
	char room[1024];
	PTOKEN_PRIVILEGES held = (void *)room;
	ULONG n;
	CHECK((job = CreateJobObjectA(NULL, NULL)) != NULL);
	CHECK(CreateProcessA("a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p));
	CHECK(AssignProcessToJobObject(job, p.hProcess));
	CHECK(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &filter, sizeof filter));
	CHECK(SetThreadToken(&p.hThread, imp));
	CHECK(OpenThreadToken(p.hThread, TOKEN_QUERY, TRUE, &t));
	STATUS(NtQueryInformationToken(t, TokenPrivileges, room, sizeof room, &n), STATUS_SUCCESS);
	for (DWORD i = 0; i < held->PrivilegeCount; i++)
		CHECK(held->Privileges[i].Luid.LowPart != SE_BACKUP_PRIVILEGE);
	CHECK(held->PrivilegeCount > 5);
	CHECK(CloseHandle(t));
	filter.SecurityLimitFlags = 0;
	SetInformationJobObject(job, JobObjectSecurityLimitInformation, &filter, sizeof filter);
	end_process(&p);
	CHECK(CloseHandle(job));
}

static void job_refusals(HANDLE job, HANDLE imp)
{
	JOBOBJECT_SECURITY_LIMIT_INFORMATION limit = {JOB_OBJECT_SECURITY_NO_ADMIN};
	STATUS(NtSetInformationJobObject(job, 4, &limit, sizeof limit), STATUS_INVALID_INFO_CLASS);
	STATUS(NtSetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit - 1),
		STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtSetInformationJobObject(job, JobObjectSecurityLimitInformation, UNMAPPED, sizeof limit),
		STATUS_ACCESS_VIOLATION);
	STATUS(NtSetInformationJobObject(job, JobObjectSecurityLimitInformation, NULL, sizeof limit), STATUS_ACCESS_VIOLATION);
	STATUS(NtSetInformationJobObject(NULL, JobObjectSecurityLimitInformation, &limit, sizeof limit),
		STATUS_INVALID_HANDLE);
	STATUS(NtSetInformationJobObject(imp, JobObjectSecurityLimitInformation, &limit, sizeof limit),
		STATUS_OBJECT_TYPE_MISMATCH);
	limit.SecurityLimitFlags = 0x10;
	/* a limit that is not documented (I-89) */
	FAILS(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_INVALID_PARAMETER);
	limit.SecurityLimitFlags = JOB_OBJECT_SECURITY_FILTER_TOKENS; /* I-89: without any list */
	FAILS(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_INVALID_PARAMETER);
	limit.SidsToDisable = UNMAPPED;
	FAILS(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_NOACCESS);
	limit.SidsToDisable = NULL;
	limit.PrivilegesToDelete = UNMAPPED;
	FAILS(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_NOACCESS);
	limit.PrivilegesToDelete = NULL;
	limit.RestrictedSids = UNMAPPED;
	FAILS(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_NOACCESS);
	limit.RestrictedSids = NULL;
	limit.SecurityLimitFlags = JOB_OBJECT_SECURITY_ONLY_TOKEN; /* I-89: without a token */
	FAILS(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_INVALID_PARAMETER);
	limit.JobToken = imp;
	FAILS(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_BAD_TOKEN_TYPE);
}

/* A job's security limits (JOBOBJECT_SECURITY_LIMIT_INFORMATION). */
void test_jobs(void)
{
	PROCESS_INFORMATION p;
	JOBOBJECT_SECURITY_LIMIT_INFORMATION limit = {JOB_OBJECT_SECURITY_NO_ADMIN};
	HANDLE job = CreateJobObjectA(NULL, "capi-job"), again, imp = client(SecurityImpersonation);
	CHECK(job != NULL);
	SAME(GetLastError(), ERROR_SUCCESS);
	again = CreateJobObjectW(NULL, u"Local\\capi-job");
	SAME(GetLastError(), ERROR_ALREADY_EXISTS);
	STATUS(NtCompareObjects(job, again), STATUS_SUCCESS);
	CHECK(CloseHandle(again));
	again = OpenJobObjectA(JOB_OBJECT_QUERY, FALSE, "Global\\CAPI-JOB");
	CHECK(again == NULL); /* names of jobs keep their case */
	SAME(GetLastError(), ERROR_FILE_NOT_FOUND);
	again = OpenJobObjectA(JOB_OBJECT_QUERY, FALSE, "Global\\capi-job");
	CHECK(again != NULL);
	FAILS(SetInformationJobObject(again, JobObjectSecurityLimitInformation, &limit, sizeof limit), ERROR_ACCESS_DENIED);
	FAILS(AssignProcessToJobObject(again, GetCurrentProcess()), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(again));
	FAILS(OpenJobObjectA(JOB_OBJECT_QUERY, FALSE, NULL), ERROR_INVALID_PARAMETER);
	job_refusals(job, imp);
	CHECK(CreateProcessA("a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p));
	CHECK(SetInformationJobObject(job, JobObjectSecurityLimitInformation, &limit, sizeof limit));
	FAILS(AssignProcessToJobObject(job, p.hProcess), ERROR_ACCESS_DENIED); /* I-90: an administrator's process */
	end_process(&p);
	CHECK(CloseHandle(job));
	filtering_job(imp);
	CHECK(CloseHandle(imp));
}
