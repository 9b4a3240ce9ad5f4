/*
 * Serves the named pipe "orders". It opens each file as the client that requests it.
 *
 *     cc -o server server.c $(pkg-config --cflags --libs refmon) -lpthread
 *     REFMON_SOCKET=/run/refmon/refmond.sock ./server
 */
#include <locale.h>
#include <pthread.h>
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>
#include <uchar.h>

/* Opens a file with the present rights of the calling thread. Returns its status. name is UTF-8, at most 255 bytes. */
static NTSTATUS open_file(const char *name)
{
	WCHAR wide[256];
	UNICODE_STRING text = {0, sizeof wide, wide};
	mbstate_t state = {0};
	for (size_t n; (n = mbrtoc16(wide + text.Length / sizeof *wide, name, strlen(name) + 1, &state)) != 0;
			text.Length += sizeof *wide) {
		if (n == (size_t)-1 || n == (size_t)-2)
			return STATUS_OBJECT_NAME_INVALID; /* not UTF-8 */
		if (n != (size_t)-3) /* the second half of a surrogate pair takes no byte */
			name += n;
	}
	OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &text};
	IO_STATUS_BLOCK io;
	HANDLE file;
	NTSTATUS st = NtOpenFile(&file, FILE_READ_DATA, &attributes, &io, 0, 0);
	if (NT_SUCCESS(st))
		NtClose(file);
	return st;
}

/* Prints a request and its status. The name is of the client, so each byte that is not printable ASCII becomes \xNN. */
static void print_request(const char *name, const char *status)
{
	char line[4 * 256], *end = line; /* one call prints all, so lines of several threads never mix */
	for (const unsigned char *s = (const unsigned char *)name; *s; s++)
		end += sprintf(end, *s < ' ' || *s > '~' || *s == '"' || *s == '\\' ? "\\x%02x" : "%c", *s);
	*end = 0;
	printf("asked for \"%s\": %s\n", line, status);
	fflush(stdout);
}

/* Serves one client. Each has a pthread of its own, so identities never mix. */
static void *answer(void *pipe)
{
	char name[256], text[32];
	DWORD n;
	while (ReadFile(pipe, name, sizeof name - 1, &n, NULL)) {
		name[n] = 0;
		NTSTATUS st = STATUS_ACCESS_DENIED;
		if (ImpersonateNamedPipeClient(pipe)) {
			st = open_file(name);
			RevertToSelf();
		}
		snprintf(text, sizeof text, "0x%08X", (unsigned)st);
		print_request(name, text);
		if (!WriteFile(pipe, text, strlen(text), &n, NULL))
			break;
	}
	CloseHandle(pipe);
	return NULL;
}

/* Creates an instance of the pipe, which waits for one client. Returns INVALID_HANDLE_VALUE after a message. */
static HANDLE new_instance(DWORD flags, SECURITY_ATTRIBUTES *security)
{
	HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\orders", PIPE_ACCESS_DUPLEX | flags,
		PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, PIPE_UNLIMITED_INSTANCES, 4096, 4096, 0, security);
	if (pipe == INVALID_HANDLE_VALUE)
		fprintf(stderr, "the pipe: error %u\n", (unsigned)GetLastError());
	return pipe;
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	/* Clients get no FILE_CREATE_PIPE_INSTANCE: with it they could serve the pipe's other clients. */
	SECURITY_ATTRIBUTES everyone = {sizeof everyone, NULL, FALSE};
	if (!ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;0x12019b;;;WD)(A;;FA;;;OW)", SDDL_REVISION_1,
			&everyone.lpSecurityDescriptor, NULL))
		return 1;
	/* This fails if another server has the name. */
	HANDLE pipe = new_instance(FILE_FLAG_FIRST_PIPE_INSTANCE, &everyone);
	if (pipe == INVALID_HANDLE_VALUE)
		return 1;
	puts("listening on \\\\.\\pipe\\orders");
	fflush(stdout);
	for (;;) {
		DWORD error = ConnectNamedPipe(pipe, NULL) ? ERROR_PIPE_CONNECTED : GetLastError();
		if (error == ERROR_NO_DATA) { /* a client came and has left */
			DisconnectNamedPipe(pipe);
			continue;
		}
		if (error != ERROR_PIPE_CONNECTED) {
			fprintf(stderr, "a client: error %u\n", (unsigned)error);
			return 1;
		}
		/* The next instance exists before this one ends, so that no other server can take the name. */
		HANDLE next = new_instance(0, &everyone);
		if (next == INVALID_HANDLE_VALUE) { /* too many clients: this one must come again */
			DisconnectNamedPipe(pipe);
			continue;
		}
		pthread_t thread;
		if (pthread_create(&thread, NULL, answer, pipe) == 0)
			pthread_detach(thread);
		else
			CloseHandle(pipe);
		pipe = next;
	}
}
