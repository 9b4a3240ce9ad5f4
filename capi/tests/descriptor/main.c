/* Reads a file of a tree of the daemon by a descriptor, and says what else it could do with it. */
#include <errno.h>
#include <fcntl.h>
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static NTSTATUS open_file(PCWSTR name, USHORT length, PHANDLE file)
{
	UNICODE_STRING text = {length, length, (PWSTR)name};
	OBJECT_ATTRIBUTES attributes = {sizeof attributes, NULL, &text, 0, NULL, NULL};
	IO_STATUS_BLOCK block;
	return NtOpenFile(file, GENERIC_READ, &attributes, &block, FILE_SHARE_READ, 0);
}

int main(void)
{
	static const WCHAR name[] = u"\\??\\share\\plan";
	char text[16] = "";
	HANDLE file;
	LONG fd;
	NTSTATUS st = open_file(name, sizeof name - sizeof name[0], &file);
	if (st != STATUS_SUCCESS) {
		printf("open: %#x\n", st);
		st = refmon_file_descriptor((HANDLE)4, &fd);
		printf("descriptor: %#x\n", st);
		return 0;
	}
	st = refmon_file_descriptor(file, &fd);
	printf("descriptor: %#x\n", st);
	printf("close on exec: %d\n", fcntl(fd, F_GETFD) == FD_CLOEXEC);
	printf("read: %zd %s", read(fd, text, sizeof text - 1), text);
	printf("write: %d\n", write(fd, "x", 1) < 0 && errno == EBADF);
	printf("chmod: %d\n", fchmod(fd, 0666) < 0 && errno == EROFS);
	close(fd);
	NtClose(file);
	st = refmon_file_descriptor(file, &fd);
	printf("closed: %#x %d\n", st, fd);
	return 0;
}
