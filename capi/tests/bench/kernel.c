/* Routines of librefmonk.so. */
#include <refmon/ntifs.h>
#include "bench.h"

int main(void)
{
	PETHREAD me = PsGetCurrentThread();
	PACCESS_TOKEN mine = PsReferencePrimaryToken(PsGetCurrentProcess());
	PSECURITY_DESCRIPTOR d;
	SECURITY_SUBJECT_CONTEXT s, t;
	GENERIC_MAPPING m = {0x120089, 0x120116, 0x1200a0, 0x1f01ff};
	ACCESS_MASK granted;
	NTSTATUS st;
	PVOID o;
	BOOLEAN allocated;
	if (ObGetObjectSecurity(mine, &d, &allocated))
		return 1;
	SeCaptureSubjectContext(&s);
	BENCH("PsGetCurrentThread", PsGetCurrentThread());
	BENCH("PsImpersonateClient + PsRevertToSelf", PsImpersonateClient(me, mine, TRUE, FALSE,
		SecurityImpersonation); PsRevertToSelf());
	BENCH("ObReferenceObjectByHandle + ObDereferenceObject", ObReferenceObjectByHandle(ZwCurrentThread(), 0, NULL,
		KernelMode, &o, NULL); ObDereferenceObject(o));
	BENCH("SeCapture- + SeReleaseSubjectContext", SeCaptureSubjectContext(&t); SeReleaseSubjectContext(&t));
	BENCH("SeAccessCheck, the token's own list", SeAccessCheck(d, &s, FALSE, TOKEN_QUERY, 0, NULL, &m, UserMode, &granted,
		&st));
	SeReleaseSubjectContext(&s);
	PsDereferencePrimaryToken(mine);
	ObReleaseObjectSecurity(d, allocated);
	return 0;
}
