/* Making and ending processes. */
#include "win.h"

/* Flags of the program that is not run here. */
#define OF_PROGRAM \
	(DETACHED_PROCESS | CREATE_NEW_CONSOLE | NORMAL_PRIORITY_CLASS | IDLE_PRIORITY_CLASS | HIGH_PRIORITY_CLASS | \
	 REALTIME_PRIORITY_CLASS | CREATE_NEW_PROCESS_GROUP | \
	 CREATE_UNICODE_ENVIRONMENT | BELOW_NORMAL_PRIORITY_CLASS | ABOVE_NORMAL_PRIORITY_CLASS | \
	 CREATE_DEFAULT_ERROR_MODE | CREATE_NO_WINDOW)

/* Texts behind each other, in bytes. */
struct texts {
	char *bytes;
	size_t n;
	BOOL failed;
};

static void add_byte(struct texts *t, unsigned c)
{
	if (!t->failed && (t->n & (t->n - 1)) == 0) { /* at each power of two there is room for as much again */
		char *more = realloc(t->bytes, t->n ? 2 * t->n : 1);
		if (more)
			t->bytes = more;
		else
			t->failed = TRUE;
	}
	if (!t->failed)
		t->bytes[t->n++] = (char)c;
}

/* Adds a character in UTF-8. */
static void add_character(struct texts *t, unsigned c)
{
	if (c < 0x80) {
		add_byte(t, c);
		return;
	}
	static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	add_byte(t, lead[more] | c >> (6 * more));
	while (more--)
		add_byte(t, 0x80 | (c >> (6 * more) & 0x3F));
}

/* Adds a text and its zero, and returns what follows it; NULL is empty. */
static LPCVOID add_text(struct texts *t, LPCVOID text, BOOL wide)
{
	LPCSTR s = text;
	LPCWSTR w = text;
	if (text && wide) {
		for (; *w; w++) {
			unsigned c = *w;
			if ((c & 0xFC00) == 0xD800 && (w[1] & 0xFC00) == 0xDC00)
				c = 0x10000 + ((c & 0x3FF) << 10) + (*++w & 0x3FF);
			add_character(t, c);
		}
	} else if (text) {
		for (; *s; s++)
			add_byte(t, (unsigned char)*s);
	}
	add_byte(t, 0);
	if (!text)
		return NULL;
	return wide ? (LPCVOID)(w + 1) : (LPCVOID)(s + 1);
}

/* What is to run. */
struct program {
	LPCVOID application, command, folder, environment;
	BOOL wide;
};

static BOOL create(HANDLE token, const struct program *p, LPSECURITY_ATTRIBUTES process, LPSECURITY_ATTRIBUTES thread,
	BOOL inherit, DWORD flags, LPPROCESS_INFORMATION out)
{
	BOOL named = p->application || (p->command && (p->wide ? *(LPCWSTR)p->command : *(LPCSTR)p->command));
	if (!named)
		return fail(ERROR_INVALID_PARAMETER);
	if (flags & ~(OF_PROGRAM | CREATE_SUSPENDED))
		return fail(ERROR_NOT_SUPPORTED);
	struct texts t = {0};
	add_text(&t, p->application, p->wide);
	add_text(&t, p->command, p->wide);
	add_text(&t, p->folder, p->wide);
	BOOL wide = (flags & CREATE_UNICODE_ENVIRONMENT) != 0;
	for (LPCVOID e = p->environment; e && (wide ? *(LPCWSTR)e : *(LPCSTR)e);)
		e = add_text(&t, e, wide);
	NTSTATUS st = STATUS_NO_MEMORY;
	if (!t.failed)
		st = rm_create_process(token, process, thread, inherit != 0, flags & CREATE_SUSPENDED, out, t.bytes, (ULONG)t.n,
			p->environment != NULL);
	free(t.bytes);
	return done(st);
}

BOOL WINAPI CreateProcessAsUserW(HANDLE token, LPCWSTR application, LPWSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCWSTR directory, LPSTARTUPINFOW startup,
	LPPROCESS_INFORMATION out)
{
	(void)startup;
	struct program p = {application, command, directory, environment, TRUE};
	return create(token, &p, process, thread, inherit, flags, out);
}

BOOL WINAPI CreateProcessAsUserA(HANDLE token, LPCSTR application, LPSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCSTR directory, LPSTARTUPINFOA startup,
	LPPROCESS_INFORMATION out)
{
	(void)startup;
	struct program p = {application, command, directory, environment, FALSE};
	return create(token, &p, process, thread, inherit, flags, out);
}

BOOL WINAPI CreateProcessW(LPCWSTR application, LPWSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCWSTR directory, LPSTARTUPINFOW startup,
	LPPROCESS_INFORMATION out)
{
	return CreateProcessAsUserW(NULL, application, command, process, thread, inherit, flags, environment, directory,
		startup, out);
}

BOOL WINAPI CreateProcessA(LPCSTR application, LPSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCSTR directory, LPSTARTUPINFOA startup,
	LPPROCESS_INFORMATION out)
{
	return CreateProcessAsUserA(NULL, application, command, process, thread, inherit, flags, environment, directory,
		startup, out);
}

BOOL WINAPI TerminateProcess(HANDLE process, UINT code) { return done(NtTerminateProcess(process, (NTSTATUS)code)); }

BOOL WINAPI GetExitCodeProcess(HANDLE process, LPDWORD code)
{
	PROCESS_BASIC_INFORMATION b;
	NTSTATUS st = NtQueryInformationProcess(process, ProcessBasicInformation, &b, sizeof b, NULL);
	if (NT_SUCCESS(st))
		*code = (DWORD)b.ExitStatus;
	return done(st);
}

BOOL WINAPI GetExitCodeThread(HANDLE thread, LPDWORD code)
{
	THREAD_BASIC_INFORMATION b;
	NTSTATUS st = NtQueryInformationThread(thread, ThreadBasicInformation, &b, sizeof b, NULL);
	if (NT_SUCCESS(st))
		*code = (DWORD)b.ExitStatus;
	return done(st);
}

DWORD WINAPI SuspendThread(HANDLE thread)
{
	ULONG count;
	return done(NtSuspendThread(thread, &count)) ? count : (DWORD)-1;
}

DWORD WINAPI ResumeThread(HANDLE thread)
{
	ULONG count;
	return done(NtResumeThread(thread, &count)) ? count : (DWORD)-1;
}

BOOL WINAPI AssignProcessToJobObject(HANDLE job, HANDLE process)
{
	return done(NtAssignProcessToJobObject(job, process));
}

BOOL WINAPI SetInformationJobObject(HANDLE job, JOBOBJECTINFOCLASS class, LPVOID information, DWORD length)
{
	return done(NtSetInformationJobObject(job, class, information, length));
}
