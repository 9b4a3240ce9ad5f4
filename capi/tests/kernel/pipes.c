/* A server in kernel mode and its client in user mode, over a pipe (I-84, I-85, IC-51). */
#include "kernel.h"

#define PIPE u"\\??\\pipe\\kernel-test"

void test_kpipes(void)
{
	UNICODE_STRING name;
	OBJECT_ATTRIBUTES oa;
	IO_STATUS_BLOCK io;
	LARGE_INTEGER timeout = {.QuadPart = -1000};
	HANDLE server, client;
	char c = 0;
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	RtlInitUnicodeString(&name, PIPE);
	InitializeObjectAttributes(&oa, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
		sddl("O:SYG:SYD:(A;;FA;;;S-1-5-21-7-7-7-1001)"));
	STATUS(ZwCreateNamedPipeFile(&server, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &oa, &io,
		FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT,
		FILE_PIPE_MESSAGE_TYPE, FILE_PIPE_MESSAGE_MODE, 0, 1, 4096, 4096, &timeout), STATUS_SUCCESS);
	CHECK(ObIsKernelHandle(server));
	/* only alice may open it */
	oa.SecurityDescriptor = NULL;
	oa.Attributes = OBJ_CASE_INSENSITIVE;
	STATUS(NtCreateFile(&client, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &oa, &io, NULL, 0, 0, FILE_OPEN,
		FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0), STATUS_ACCESS_DENIED);
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	STATUS(NtCreateFile(&client, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &oa, &io, NULL, 0, 0, FILE_OPEN,
		FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0), STATUS_SUCCESS);
	STATUS(NtWriteFile(client, NULL, NULL, NULL, &io, "x", 1, NULL, NULL), STATUS_SUCCESS);
	PsRevertToSelf();
	STATUS(NtReadFile(server, NULL, NULL, NULL, &io, &c, 1, NULL, NULL), STATUS_INVALID_HANDLE); /* O-13 */
	STATUS(NtFsControlFile(server, NULL, NULL, NULL, &io, FSCTL_PIPE_IMPERSONATE, NULL, 0, NULL, 0),
		STATUS_INVALID_HANDLE);
	/* nothing is read yet */
	STATUS(ZwFsControlFile(server, NULL, NULL, NULL, &io, FSCTL_PIPE_IMPERSONATE, NULL, 0, NULL, 0),
		STATUS_CANNOT_IMPERSONATE);
	STATUS(ZwFsControlFile(client, NULL, NULL, NULL, &io, FSCTL_PIPE_IMPERSONATE, NULL, 0, NULL, 0),
		STATUS_ILLEGAL_FUNCTION);
	STATUS(ZwReadFile(server, NULL, NULL, NULL, &io, &c, 1, NULL, NULL), STATUS_SUCCESS);
	SAME(c, 'x');
	SAME(io.Information, 1);
	STATUS(ZwFsControlFile(server, NULL, NULL, NULL, &io, FSCTL_PIPE_IMPERSONATE, NULL, 0, NULL, 0), STATUS_SUCCESS);
	STATE s = state();
	CHECK(s.token && user_is(s.token, alice));
	SAME(s.level, SecurityImpersonation);
	SAME(s.copy, TRUE);
	SAME(s.effective, TRUE); /* what a client without a quality of service gives (I-84) */
	PsDereferenceImpersonationToken(s.token);
	STATUS(ZwWriteFile(server, NULL, NULL, NULL, &io, "y", 1, NULL, NULL), STATUS_SUCCESS);
	PsRevertToSelf();
	STATUS(NtReadFile(client, NULL, NULL, NULL, &io, &c, 1, NULL, NULL), STATUS_SUCCESS);
	SAME(c, 'y');
	STATUS(NtClose(client), STATUS_SUCCESS);
	STATUS(ZwFsControlFile(server, NULL, NULL, NULL, &io, FSCTL_PIPE_DISCONNECT, NULL, 0, NULL, 0), STATUS_SUCCESS);
	STATUS(ZwClose(server), STATUS_SUCCESS);
	PsDereferenceImpersonationToken(a);
}
