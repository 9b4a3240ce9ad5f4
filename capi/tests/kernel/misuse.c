/* What ends the program, with a message that says what was wrong: misuse NUMBER. */
#include <refmon/ntifs.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void NTAPI keeps(PVOID token)
{
	PsImpersonateClient(PsGetCurrentThread(), token, FALSE, FALSE, SecurityIdentification);
}

static void context(int number)
{
	SECURITY_SUBJECT_CONTEXT s;
	SECURITY_CLIENT_CONTEXT c;
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityImpersonation, SECURITY_STATIC_TRACKING, FALSE};
	switch (number) {
	case 4:
		SeCaptureSubjectContext(&s);
		SeReleaseSubjectContext(&s);
		SeReleaseSubjectContext(&s);
		break;
	case 5:
		SeCaptureSubjectContext((PSECURITY_SUBJECT_CONTEXT)0x7eadbee0);
		break;
	case 6:
		SeCaptureSubjectContext(&s);
		SeUnlockSubjectContext(&s);
		break;
	case 7:
		if (SeCreateClientSecurity(PsGetCurrentThread(), &q, FALSE, &c))
			exit(3);
		SeDeleteClientSecurity(&c);
		SeImpersonateClient(&c, NULL);
		break;
	case 10:
		SeCreateClientSecurity(NULL, &q, FALSE, &c);
	}
}

int main(int argc, char **argv)
{
	PACCESS_TOKEN mine = PsReferencePrimaryToken(PsGetCurrentProcess());
	SE_IMPERSONATION_STATE state;
	PVOID o;
	(void)argc;
	context(atoi(argv[1]));
	switch (atoi(argv[1])) {
	case 0: /* never one */
		PsRevertThreadToSelf((PETHREAD)&state);
		break;
	case 1: /* given back twice, while the process still has it */
		PsDereferencePrimaryToken(mine);
		PsDereferencePrimaryToken(mine);
		break;
	case 2: /* gone */
		if (SeFilterToken(mine, 0, NULL, NULL, NULL, &o))
			return 3;
		PsDereferencePrimaryToken(o);
		SeTokenIsAdmin(o);
		break;
	case 3: /* another type */
		PsImpersonateClient((PETHREAD)mine, NULL, FALSE, FALSE, 0);
		break;
	case 8: /* restored twice (I-61) */
		if (SeFilterToken(mine, 0, NULL, NULL, NULL, &o) || PsImpersonateClient(PsGetCurrentThread(), o, FALSE, FALSE,
		SecurityIdentification))
			return 3;
		PsDereferencePrimaryToken(o);
		PsDisableImpersonation(PsGetCurrentThread(), &state);
		PsRestoreImpersonation(PsGetCurrentThread(), &state);
		PsRestoreImpersonation(PsGetCurrentThread(), &state);
		break;
	case 9: /* not a type, before the first, behind one, after the last */
	case 14:
	case 15:
	case 16: {
		uintptr_t first = (uintptr_t)*SeTokenObjectType;
		POBJECT_TYPE bad[] = {(POBJECT_TYPE)PsThreadType, (POBJECT_TYPE)(first - 0x100), (POBJECT_TYPE)(first + 1),
			(POBJECT_TYPE)(first + 0x600)};
		ObReferenceObjectByHandle(ZwCurrentThread(), 0, bad[atoi(argv[1]) == 9 ? 0 : atoi(argv[1]) - 13], KernelMode,
			&o, NULL);
		break;
	}
	case 12: /* code can be read, and not written */
		PsDisableImpersonation(PsGetCurrentThread(), (PSE_IMPERSONATION_STATE)(uintptr_t)main);
		break;
	case 13:
		PsRestoreImpersonation(PsGetCurrentThread(), (PSE_IMPERSONATION_STATE)0x7eadbee0);
		break;
	case 11: {
		WORK_QUEUE_ITEM item;
		ExInitializeWorkItem(&item, keeps, mine);
		ExQueueWorkItem(&item, DelayedWorkQueue);
		sleep(10);
	}
	}
	puts("still here");
	return 0;
}
