/* Named objects: events and jobs. */
#include "win.h"

static const WCHAR directory[] = u"\\BaseNamedObjects\\";
#define DIRECTORY_UNITS (sizeof directory / 2 - 1)

/* Where a name stands, Global\ and Local\ being links there; its text belongs to the caller, who frees it. */
static PWSTR place(LPCWSTR name, PUNICODE_STRING s)
{
	size_t n = 0;
	while (name[n])
		n++;
	PWSTR w = n < 0x7000 ? malloc(sizeof directory + 2 * n) : NULL;
	if (!w) {
		SetLastError(n < 0x7000 ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_NAME);
		return NULL;
	}
	memcpy(w, directory, sizeof directory);
	memcpy(w + DIRECTORY_UNITS, name, 2 * (n + 1));
	RtlInitUnicodeString(s, w);
	return w;
}

static BOOL attributes(struct named *n, LPCWSTR name, ULONG flags, BOOL inherit, PSECURITY_DESCRIPTOR d)
{
	n->text = name && *name ? place(name, &n->name) : NULL;
	if (name && *name && !n->text)
		return FALSE;
	InitializeObjectAttributes(&n->oa, n->text ? &n->name : NULL, (n->text ? flags : 0) | (inherit ? OBJ_INHERIT : 0),
		NULL, d);
	return TRUE;
}

BOOL rm_named(struct named *n, LPCWSTR name, LPSECURITY_ATTRIBUTES sa)
{
	return attributes(n, name, OBJ_OPENIF, sa && sa->bInheritHandle, sa ? sa->lpSecurityDescriptor : NULL);
}

BOOL rm_made(struct named *n, NTSTATUS st)
{
	free(n->text);
	if (NT_SUCCESS(st))
		SetLastError(st == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
	return done(st);
}

HANDLE WINAPI CreateEventExW(LPSECURITY_ATTRIBUTES sa, LPCWSTR name, DWORD flags, DWORD access)
{
	HANDLE h = NULL;
	struct named n;
	if (flags & ~(CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET)) {
		fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (!rm_named(&n, name, sa))
		return NULL;
	NTSTATUS st = NtCreateEvent(&h, access, &n.oa, flags & CREATE_EVENT_MANUAL_RESET ? NotificationEvent
		: SynchronizationEvent, (flags & CREATE_EVENT_INITIAL_SET) != 0);
	return rm_made(&n, st) ? h : NULL;
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES sa, BOOL manual, BOOL initial, LPCWSTR name)
{
	return CreateEventExW(sa, name, (manual ? CREATE_EVENT_MANUAL_RESET : 0) | (initial ? CREATE_EVENT_INITIAL_SET : 0),
		EVENT_ALL_ACCESS);
}

HANDLE rm_open_by(open_service service, DWORD access, BOOL inherit, LPCWSTR name)
{
	HANDLE h = NULL;
	struct named n;
	if (!name)
		fail(ERROR_INVALID_PARAMETER);
	if (!name || !attributes(&n, name, 0, inherit, NULL))
		return NULL;
	NTSTATUS st = service(&h, access, &n.oa);
	free(n.text);
	return done(st) ? h : NULL;
}

HANDLE WINAPI OpenEventW(DWORD access, BOOL inherit, LPCWSTR name)
{
	return rm_open_by(NtOpenEvent, access, inherit, name);
}

HANDLE WINAPI CreateJobObjectW(LPSECURITY_ATTRIBUTES sa, LPCWSTR name)
{
	HANDLE h = NULL;
	struct named n;
	if (!rm_named(&n, name, sa))
		return NULL;
	NTSTATUS st = NtCreateJobObject(&h, JOB_OBJECT_ALL_ACCESS, &n.oa);
	return rm_made(&n, st) ? h : NULL;
}

HANDLE WINAPI OpenJobObjectW(DWORD access, BOOL inherit, LPCWSTR name)
{
	return rm_open_by(NtOpenJobObject, access, inherit, name);
}

/* The name of an event, job, mutex, semaphore or timer, for functions that take any of them. */
NTSTATUS rm_object_name(LPCWSTR name, PUNICODE_STRING s, PWSTR *text)
{
	*text = place(name, s);
	return *text ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}
