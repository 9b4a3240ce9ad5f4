/* Routines that are called for ended logon sessions (T-5), on the thread that ends one. */
#include "kernel.h"
#include <pthread.h>

static struct { LUID id; int plain, extended; PVOID context; pthread_t thread; PETHREAD current; int nested; } seen;

static NTSTATUS NTAPI plain(PLUID id)
{
	seen.plain++;
	seen.id = *id;
	seen.thread = pthread_self();
	seen.current = PsGetCurrentThread();
	/* a routine may use the kernel: nothing is locked */
	PACCESS_TOKEN t = token_of(bob, TokenImpersonation, SecurityImpersonation);
	seen.nested = user_is(t, bob) && PsImpersonateClient(ME, t, FALSE, FALSE, SecurityImpersonation) == STATUS_SUCCESS;
	PsRevertToSelf();
	PsDereferenceImpersonationToken(t);
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI extended(PLUID id, PVOID context)
{
	(void)id;
	seen.extended++;
	seen.context = context;
	return STATUS_UNSUCCESSFUL; /* the status is ignored */
}

/* The last token of a new session, which is marked or not. */
static PACCESS_TOKEN last_token(PLUID session, int mark)
{
	LARGE_INTEGER never = {.QuadPart = INT64_MAX};
	TOKEN_USER u = {{alice, 0}};
	TOKEN_GROUPS groups = {0, {{NULL, 0}}};
	TOKEN_PRIVILEGES privileges = {0, {{{0, 0}, 0}}};
	TOKEN_PRIMARY_GROUP group = {alice};
	TOKEN_SOURCE source = {"ktests", {0, 0}};
	OBJECT_ATTRIBUTES a;
	HANDLE h;
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	refmon_open_logon_session(session);
	STATUS(ZwCreateToken(&h, TOKEN_ALL_ACCESS, &a, TokenPrimary, session, &never, &u, &groups, &privileges, NULL, &group,
		NULL, &source), STATUS_SUCCESS);
	if (mark)
		STATUS(SeMarkLogonSessionForTerminationNotification(session), STATUS_SUCCESS);
	return referenced(h);
}

static void *elsewhere(void *token)
{
	PsDereferencePrimaryToken(token);
	return ME;
}

/* Ends while it impersonates: its token goes with it, noticed by a later call. */
static void *ends(void *token)
{
	STATUS(PsImpersonateClient(ME, token, FALSE, FALSE, SecurityIdentification), STATUS_SUCCESS);
	PsDereferencePrimaryToken(token);
	return NULL;
}

void test_ksessions(void)
{
	LUID id, unknown = {0xDEAD, 0x7EAD}, got;
	STATUS(SeMarkLogonSessionForTerminationNotification(&unknown), STATUS_NOT_FOUND);
	STATUS(SeUnregisterLogonSessionTerminatedRoutine(plain), STATUS_NOT_FOUND);
	STATUS(SeRegisterLogonSessionTerminatedRoutine(NULL), STATUS_INVALID_PARAMETER);
	STATUS(SeRegisterLogonSessionTerminatedRoutine(plain), STATUS_SUCCESS);
	STATUS(SeRegisterLogonSessionTerminatedRoutineEx(extended, &seen), STATUS_SUCCESS);
	STATUS(SeUnregisterLogonSessionTerminatedRoutineEx(extended, &id), STATUS_NOT_FOUND); /* another context */

	PACCESS_TOKEN t = last_token(&id, TRUE);
	STATUS(SeQueryAuthenticationIdToken(t, &got), STATUS_SUCCESS);
	CHECK(SAME_LUID(got, id));
	STATUS(ObReferenceObjectByPointer(t, 0, *SeTokenObjectType, KernelMode), STATUS_SUCCESS);
	PsDereferencePrimaryToken(t);
	SAME(seen.plain, 0); /* one reference is left */
	PsDereferencePrimaryToken(t);
	SAME(seen.plain, 1);
	SAME(seen.extended, 1);
	CHECK(SAME_LUID(seen.id, id));
	CHECK(seen.context == &seen);
	CHECK(pthread_equal(seen.thread, pthread_self()));
	CHECK(seen.current == ME);
	CHECK(seen.nested);
	STATUS(SeMarkLogonSessionForTerminationNotification(&id), STATUS_NOT_FOUND); /* it is gone */

	PsDereferencePrimaryToken(last_token(&id, FALSE)); /* the session was not marked, so no routine is called */
	SAME(seen.plain, 1);

	/* on the pthread that drops the last token */
	pthread_t thread;
	PVOID current;
	t = last_token(&id, TRUE);
	CHECK(pthread_create(&thread, NULL, elsewhere, t) == 0);
	CHECK(pthread_join(thread, &current) == 0);
	SAME(seen.plain, 2);
	CHECK(seen.current == current);
	CHECK(seen.current != ME);
	t = last_token(&id, TRUE);
	CHECK(pthread_create(&thread, NULL, ends, t) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	ME;
	SAME(seen.plain, 3);
	CHECK(SAME_LUID(seen.id, id));
	CHECK(pthread_equal(seen.thread, pthread_self()));

	/* registered twice, called twice */
	STATUS(SeUnregisterLogonSessionTerminatedRoutine(plain), STATUS_SUCCESS);
	STATUS(SeRegisterLogonSessionTerminatedRoutineEx(extended, &seen), STATUS_SUCCESS);
	seen.extended = 0;
	PsDereferencePrimaryToken(last_token(&id, TRUE));
	SAME(seen.extended, 2);
	SAME(seen.plain, 3);
	STATUS(SeUnregisterLogonSessionTerminatedRoutineEx(extended, &seen), STATUS_SUCCESS);
	STATUS(SeUnregisterLogonSessionTerminatedRoutineEx(extended, &seen), STATUS_SUCCESS);
	STATUS(SeUnregisterLogonSessionTerminatedRoutineEx(extended, &seen), STATUS_NOT_FOUND);
	PsDereferencePrimaryToken(last_token(&id, TRUE));
	SAME(seen.extended, 2);
}
