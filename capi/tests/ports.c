/* Ports: a server that accepts, refuses, answers and impersonates its clients (I-88).
 * Client and server are threads of this process with handles of their own. */
#include "check.h"
#include <pthread.h>

typedef struct { PORT_MESSAGE h; char data[216]; } message;

static UNICODE_STRING name;
static HANDLE port;

static message make(const char *text)
{
	message m;
	memset(&m, 0, sizeof m);
	m.h.u1.s1.DataLength = (USHORT)strlen(text);
	m.h.u1.s1.TotalLength = (USHORT)(sizeof m.h + strlen(text));
	memcpy(m.data, text, strlen(text));
	return m;
}

static int says(const message *m, const char *text)
{
	return m->h.u1.s1.DataLength == strlen(text) && memcmp(m->data, text, strlen(text)) == 0;
}

static NTSTATUS connect(PHANDLE h, PSECURITY_QUALITY_OF_SERVICE qos, char *info, ULONG *length, PULONG longest)
{
	return NtConnectPort(h, &name, qos, NULL, NULL, longest, info, length);
}

static void *client_thread(void *arg)
{
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, SecurityIdentification, SECURITY_STATIC_TRACKING, FALSE};
	HANDLE h = (HANDLE)0x55, level = client(SecurityImpersonation);
	char info[16] = "who";
	ULONG length = 3, longest = 0;
	message m, r;
	(void)arg;
	/* refused first */
	STATUS(connect(&h, &qos, info, &length, NULL), STATUS_PORT_CONNECTION_REFUSED);
	SAME((uintptr_t)h, 0);
	/* then accepted, with an answer */
	length = sizeof info;
	strcpy(info, "again");
	CHECK(SetThreadToken(NULL, level));
	STATUS(connect(&h, &qos, info, &length, &longest), STATUS_SUCCESS);
	CHECK(RevertToSelf());
	SAME(longest, sizeof(message));
	SAME(length, 2);
	CHECK(memcmp(info, "ok", 2) == 0);
	m = make("hello");
	memset(&r, 0, sizeof r);
	STATUS(NtRequestWaitReplyPort(h, &m.h, &r.h), STATUS_SUCCESS);
	SAME(r.h.u2.s2.Type, LPC_REPLY);
	SAME((uintptr_t)r.h.ClientId.UniqueProcess, GetCurrentProcessId());
	SAME((uintptr_t)r.h.ClientId.UniqueThread, GetCurrentThreadId());
	CHECK(says(&r, "world"));
	m = make("more");
	STATUS(NtRequestWaitReplyPort(h, &m.h, &m.h), STATUS_SUCCESS); /* one buffer for both */
	CHECK(says(&m, "enough"));
	m.h.u1.s1.DataLength = sizeof m.data + 1;
	m.h.u1.s1.TotalLength = sizeof m + 1;
	char big[512] = {0};
	memcpy(big, &m.h, sizeof m.h);
	STATUS(NtRequestWaitReplyPort(h, (PPORT_MESSAGE)big, &r.h), STATUS_PORT_MESSAGE_TOO_LONG);
	m = make("x");
	m.h.u1.s1.TotalLength = 40;
	STATUS(NtRequestWaitReplyPort(h, &m.h, &r.h), STATUS_INVALID_PARAMETER);
	/* what only a server does */
	STATUS(NtListenPort(h, &r.h), STATUS_INVALID_PORT_HANDLE);
	STATUS(NtReplyWaitReceivePort(h, NULL, NULL, &r.h), STATUS_INVALID_PORT_HANDLE);
	m = make("x");
	STATUS(NtReplyPort(h, &m.h), STATUS_INVALID_PORT_HANDLE);
	STATUS(NtImpersonateClientOfPort(h, &m.h), STATUS_INVALID_PORT_HANDLE);
	STATUS(NtCompleteConnectPort(h), STATUS_INVALID_PORT_HANDLE);
	STATUS(NtClose(h), STATUS_SUCCESS);
	CHECK(CloseHandle(level));
	/* the server ends in the middle of a request */
	STATUS(connect(&h, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
	m = make("bye");
	STATUS(NtRequestWaitReplyPort(h, &m.h, &r.h), STATUS_PORT_DISCONNECTED);
	STATUS(NtRequestWaitReplyPort(h, &m.h, &r.h), STATUS_PORT_DISCONNECTED);
	STATUS(NtClose(h), STATUS_SUCCESS);
	return NULL;
}

static void level_is(SECURITY_IMPERSONATION_LEVEL want)
{
	HANDLE t;
	DWORD level = 9, n;
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &t), STATUS_SUCCESS);
	CHECK(RevertToSelf());
	STATUS(NtQueryInformationToken(t, TokenImpersonationLevel, &level, sizeof level, &n), STATUS_SUCCESS);
	SAME(level, want);
	STATUS(NtClose(t), STATUS_SUCCESS);
}

static void serve_second(message *m)
{
	HANDLE second;
	STATUS(NtAcceptConnectPort(&second, NULL, &m->h, TRUE, NULL, NULL), STATUS_SUCCESS);
	STATUS(NtCompleteConnectPort(second), STATUS_SUCCESS);
	STATUS(NtReplyWaitReceivePort(second, NULL, NULL, &m->h), STATUS_SUCCESS);
	STATUS(NtImpersonateClientOfPort(second, &m->h), STATUS_SUCCESS); /* the default of no quality of service */
	level_is(SecurityImpersonation);
	STATUS(NtClose(second), STATUS_SUCCESS);
}

static HANDLE accepted(void)
{
	HANDLE comm = (HANDLE)0x55, none_ = (HANDLE)0x55;
	PVOID context;
	message m;
	STATUS(NtListenPort(port, &m.h), STATUS_SUCCESS);
	SAME(m.h.u2.s2.Type, LPC_CONNECTION_REQUEST);
	CHECK(says(&m, "who"));
	CHECK(m.h.ClientId.UniqueProcess && m.h.ClientId.UniqueThread && m.h.MessageId);
	message wrong = m;
	wrong.h.MessageId += 7;
	STATUS(NtAcceptConnectPort(&comm, NULL, &wrong.h, TRUE, NULL, NULL), STATUS_REPLY_MESSAGE_MISMATCH);
	SAME((uintptr_t)comm, 0);
	STATUS(NtAcceptConnectPort(&comm, NULL, &m.h, FALSE, NULL, NULL), STATUS_SUCCESS);
	SAME((uintptr_t)comm, 0);
	STATUS(NtReplyWaitReceivePort(port, &context, NULL, &m.h), STATUS_SUCCESS); /* the connection port receives them too */
	SAME(m.h.u2.s2.Type, LPC_CONNECTION_REQUEST);
	CHECK(says(&m, "again") || m.h.u1.s1.DataLength == 16);
	memcpy(m.data, "ok", 2);
	m.h.u1.s1.DataLength = 2;
	m.h.u1.s1.TotalLength = sizeof m.h + 2;
	STATUS(NtAcceptConnectPort(&comm, (PVOID)0x1234, &m.h, TRUE, NULL, NULL), STATUS_SUCCESS);
	CHECK(comm != NULL);
	STATUS(NtAcceptConnectPort(&none_, NULL, &m.h, TRUE, NULL, NULL), STATUS_REPLY_MESSAGE_MISMATCH); /* once */
	STATUS(NtCompleteConnectPort(comm), STATUS_SUCCESS);
	STATUS(NtCompleteConnectPort(comm), STATUS_INVALID_PARAMETER);
	return comm;
}

static void serve(void)
{
	PVOID context = (PVOID)0x99;
	message m, r, wrong;
	HANDLE comm = accepted();
	STATUS(NtReplyWaitReceivePort(port, &context, NULL, &m.h), STATUS_SUCCESS);
	SAME((uintptr_t)context, 0x1234);
	SAME(m.h.u2.s2.Type, LPC_REQUEST);
	CHECK(says(&m, "hello"));
	/* I-88: as the client that waits, at the level it allows */
	STATUS(NtImpersonateClientOfPort(comm, &m.h), STATUS_SUCCESS);
	level_is(SecurityIdentification);
	STATUS(NtImpersonateClientOfPort(port, &m.h), STATUS_INVALID_PORT_HANDLE); /* on the client's port alone */
	wrong = m;
	wrong.h.MessageId += 7;
	STATUS(NtImpersonateClientOfPort(comm, &wrong.h), STATUS_REPLY_MESSAGE_MISMATCH);
	wrong = m;
	wrong.h.ClientId.UniqueThread = NULL;
	STATUS(NtImpersonateClientOfPort(comm, &wrong.h), STATUS_REPLY_MESSAGE_MISMATCH);
	STATUS(NtReplyPort(comm, &wrong.h), STATUS_REPLY_MESSAGE_MISMATCH);
	r = make("world");
	r.h.ClientId = m.h.ClientId;
	r.h.MessageId = m.h.MessageId;
	/* a reply, and the next request on the connection's own port */
	STATUS(NtReplyWaitReceivePort(comm, &context, &r.h, &m.h), STATUS_SUCCESS);
	CHECK(says(&m, "more"));
	STATUS(NtReplyPort(comm, &r.h), STATUS_REPLY_MESSAGE_MISMATCH); /* to what was replied to */
	STATUS(NtImpersonateClientOfPort(comm, &r.h), STATUS_REPLY_MESSAGE_MISMATCH);
	r = make("enough");
	r.h.ClientId = m.h.ClientId;
	r.h.MessageId = m.h.MessageId;
	STATUS(NtReplyWaitReceivePort(port, NULL, &r.h, UNMAPPED), STATUS_ACCESS_VIOLATION); /* which sends no reply */
	STATUS(NtReplyPort(port, &r.h), STATUS_SUCCESS);
	/* the client goes, and another connection is made */
	STATUS(NtReplyWaitReceivePort(comm, NULL, NULL, &m.h), STATUS_PORT_DISCONNECTED);
	do
		STATUS(NtReplyWaitReceivePort(port, &context, NULL, &m.h), STATUS_SUCCESS);
	while (m.h.u2.s2.Type == LPC_PORT_CLOSED);
	SAME(m.h.u2.s2.Type, LPC_CONNECTION_REQUEST);
	SAME(m.h.u1.s1.DataLength, 0);
	serve_second(&m);
	STATUS(NtClose(comm), STATUS_SUCCESS);
}

static void bad_pointers(POBJECT_ATTRIBUTES oa)
{
	HANDLE h;
	message m = make("x");
	ULONG n;
	void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
	for (int i = 0; i < 6; i++) {
		void *p = bad[i];
		STATUS(NtCreatePort(p, oa, 0, 256, 0), STATUS_ACCESS_VIOLATION);
		STATUS(NtConnectPort(p, &name, NULL, NULL, NULL, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtListenPort(NULL, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtAcceptConnectPort(p, NULL, &m.h, TRUE, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtReplyWaitReceivePort(NULL, NULL, NULL, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtRequestWaitReplyPort(NULL, &m.h, p), STATUS_ACCESS_VIOLATION);
		if (p)
			STATUS(NtConnectPort(&h, &name, NULL, NULL, NULL, p, NULL, NULL), STATUS_ACCESS_VIOLATION);
		if (p)
			STATUS(NtConnectPort(&h, &name, NULL, NULL, NULL, NULL, NULL, p), STATUS_ACCESS_VIOLATION);
		if (p)
			STATUS(NtReplyWaitReceivePort(NULL, p, NULL, &m.h), STATUS_ACCESS_VIOLATION);
		n = 8;
		if (p)
			STATUS(NtConnectPort(&h, &name, NULL, NULL, NULL, NULL, p, &n), STATUS_ACCESS_VIOLATION);
		if (p == readonly)
			continue; /* an input may lie there */
		STATUS(NtConnectPort(&h, p, NULL, NULL, NULL, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtAcceptConnectPort(&h, NULL, p, TRUE, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtReplyPort(port, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtImpersonateClientOfPort(port, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtRequestWaitReplyPort(NULL, p, &m.h), STATUS_ACCESS_VIOLATION);
		if (p)
			STATUS(NtCreatePort(&h, p, 0, 256, 0), STATUS_ACCESS_VIOLATION);
		if (p)
			STATUS(NtConnectPort(&h, &name, p, NULL, NULL, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
		if (p)
			STATUS(NtReplyWaitReceivePort(port, NULL, p, &m.h), STATUS_ACCESS_VIOLATION);
	}
}

static void refusals(void)
{
	HANDLE h = (HANDLE)0x55, event = CreateEventA(NULL, FALSE, FALSE, NULL);
	UNICODE_STRING nowhere;
	OBJECT_ATTRIBUTES oa;
	message m = make("x");
	RtlInitUnicodeString(&nowhere, u"\\BaseNamedObjects\\no such port");
	STATUS(NtConnectPort(&h, &nowhere, NULL, NULL, NULL, NULL, NULL, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
	SAME((uintptr_t)h, 0);
	STATUS(NtConnectPort(&h, &name, NULL, &m, NULL, NULL, NULL, NULL), STATUS_NOT_SUPPORTED); /* a view */
	ULONG room = 8;
	STATUS(NtConnectPort(&h, &nowhere, NULL, NULL, NULL, NULL, NULL, &room), STATUS_OBJECT_NAME_NOT_FOUND);
	InitializeObjectAttributes(&oa, &name, 0, NULL, NULL);
	STATUS(NtCreatePort(&h, &oa, 0, 256, 0), STATUS_OBJECT_NAME_COLLISION);
	STATUS(NtCreatePort(&h, &oa, 0, 40, 0), STATUS_INVALID_PARAMETER); /* no room for data */
	STATUS(NtCreatePort(&h, &oa, 0, 0x10000, 0), STATUS_INVALID_PARAMETER);
	HANDLE handles[] = {NULL, event};
	for (int i = 0; i < 2; i++) {
		NTSTATUS want = i ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_INVALID_HANDLE; /* I-88, O-31 */
		STATUS(NtListenPort(handles[i], &m.h), want);
		STATUS(NtCompleteConnectPort(handles[i]), want);
		m = make("x");
		STATUS(NtReplyPort(handles[i], &m.h), want);
		STATUS(NtImpersonateClientOfPort(handles[i], &m.h), want);
		STATUS(NtRequestWaitReplyPort(handles[i], &m.h, &m.h), want);
		STATUS(NtReplyWaitReceivePort(handles[i], NULL, NULL, &m.h), want);
	}
	STATUS(NtCompleteConnectPort(port), STATUS_INVALID_PORT_HANDLE);
	STATUS(NtRequestWaitReplyPort(port, &m.h, &m.h), STATUS_INVALID_PORT_HANDLE);
	STATUS(NtAcceptConnectPort(&h, NULL, &m.h, TRUE, NULL, NULL), STATUS_REPLY_MESSAGE_MISMATCH);
	bad_pointers(&oa);
	CHECK(CloseHandle(event));
}

static void *waits(void *arg)
{
	HANDLE h;
	(void)arg;
	STATUS(connect(&h, NULL, NULL, NULL, NULL), STATUS_PORT_CONNECTION_REFUSED);
	return NULL;
}

void test_ports(void)
{
	OBJECT_ATTRIBUTES oa;
	pthread_t t;
	message m;
	RtlInitUnicodeString(&name, u"\\BaseNamedObjects\\capi-port");
	InitializeObjectAttributes(&oa, &name, 0, NULL, NULL);
	STATUS(NtCreatePort(&port, &oa, 64, sizeof(message), 0), STATUS_SUCCESS);
	CHECK(pthread_create(&t, NULL, client_thread, NULL) == 0);
	serve();
	pthread_join(t, NULL);
	refusals();
	/* a client that waits when the port goes */
	CHECK(pthread_create(&t, NULL, waits, NULL) == 0);
	STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
	while (m.h.u2.s2.Type == LPC_PORT_CLOSED)
		STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
	SAME(m.h.u2.s2.Type, LPC_CONNECTION_REQUEST);
	STATUS(NtClose(port), STATUS_SUCCESS);
	pthread_join(t, NULL);
}
