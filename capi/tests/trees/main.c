/* Makes, changes, lists and deletes files of a tree of the daemon, and prints what came. It has no tree of its own:
 * the embedded kernel refuses. */
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>

static UNICODE_STRING counted(PCWSTR s)
{
	USHORT n = 0;
	while (s[n])
		n++;
	UNICODE_STRING u = {(USHORT)(2 * n), (USHORT)(2 * n), (PWSTR)s};
	return u;
}

static NTSTATUS create(PHANDLE h, PCWSTR name, ULONG disposition, ULONG options, ULONG attributes, ULONG *done)
{
	UNICODE_STRING text = counted(name);
	OBJECT_ATTRIBUTES oa = {sizeof oa, NULL, &text, 0, NULL, NULL};
	IO_STATUS_BLOCK io = {0};
	NTSTATUS st = NtCreateFile(h, GENERIC_READ | GENERIC_WRITE | DELETE | SYNCHRONIZE, &oa, &io, NULL, attributes, 7,
		disposition, options | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
	*done = (ULONG)io.Information;
	return st;
}

static void line(const char *what, NTSTATUS st) { printf("%s: %#x\n", what, (unsigned)st); }

static void narrow(const WCHAR *s, ULONG bytes)
{
	for (ULONG i = 0; i < bytes / 2; i++)
		putchar(s[i] < 0x80 ? (char)s[i] : '?');
}

/* Lists a directory with a buffer of that room. */
static void list(HANDLE dir, ULONG room, PCWSTR pattern, FILE_INFORMATION_CLASS class)
{
	_Alignas(8) unsigned char buffer[4096];
	UNICODE_STRING p = counted(pattern);
	IO_STATUS_BLOCK io;
	NTSTATUS st;
	BOOLEAN restart = TRUE;
	printf("list %u:", (unsigned)room);
	while (memset(buffer, 0xAA, sizeof buffer),
		(st = NtQueryDirectoryFile(dir, NULL, NULL, NULL, &io, buffer, room, class, FALSE, *pattern ? &p : NULL, restart)) ==
			STATUS_SUCCESS || st == STATUS_BUFFER_OVERFLOW) {
		unsigned char *at = buffer;
		restart = FALSE;
		for (;;) {
			ULONG next;
			putchar(' ');
			if (class == FileNamesInformation) {
				FILE_NAMES_INFORMATION *n = (void *)at;
				narrow(n->FileName, n->FileNameLength);
				next = n->NextEntryOffset;
			} else {
				FILE_DIRECTORY_INFORMATION *d = (void *)at;
				ULONG shown = st == STATUS_BUFFER_OVERFLOW ? (ULONG)(buffer + io.Information - (PUCHAR)d->FileName) :
					d->FileNameLength;
				narrow(d->FileName, shown);
				printf("(%u,%#x,%lld)", (unsigned)d->FileNameLength, (unsigned)d->FileAttributes,
					(long long)d->EndOfFile.QuadPart);
				next = d->NextEntryOffset;
			}
			if (next == 0 || next % 8)
				break;
			at += next;
		}
		if (buffer[io.Information] != 0xAA)
			printf(" beyond %u", (unsigned)io.Information);
	}
	printf(" %#x\n", (unsigned)st);
}

/* Reads a byte of a file of three as documented for ReadFile, at an offset or else where the last read ended. */
static void read_byte(HANDLE h, LPOVERLAPPED at)
{
	char text = '-';
	DWORD n = 9;
	SetLastError(0);
	BOOL ok = ReadFile(h, &text, 1, &n, at);
	printf("%d %u %c %u\n", ok, (unsigned)n, text, (unsigned)GetLastError());
}

/* Writes a byte at an offset. */
static void write_byte(HANDLE h, LPOVERLAPPED at)
{
	DWORD n = 9;
	BOOL ok = WriteFile(h, "x", 1, &n, at);
	printf("WriteFile: %d %u\n", ok, (unsigned)n);
}

/* Ends ReadFileEx and WriteFileEx. */
static void WINAPI moved(DWORD error, DWORD n, LPOVERLAPPED o)
{
	printf("moved %u at %u: %u\n", (unsigned)n, (unsigned)o->Offset, (unsigned)error);
}

/* Writes and reads a byte at an offset by the functions with a routine, then reads at the end of the file. */
static void move_bytes(HANDLE h)
{
	char text = '-';
	OVERLAPPED at = {.Offset = 1}, last = {.Offset = 3};
	BOOL ok = WriteFileEx(h, "y", 1, &at, moved);
	printf("WriteFileEx: %d %#x\n", ok, (unsigned)SleepEx(0, TRUE));
	ok = ReadFileEx(h, &text, 1, &at, moved);
	printf("ReadFileEx: %d %#x\n", ok, (unsigned)SleepEx(0, TRUE));
	SetLastError(0);
	ok = ReadFileEx(h, &text, 1, &last, moved);
	printf("%c, at the end: %d %u\n", text, ok, (unsigned)GetLastError());
}

static void change(HANDLE h)
{
	IO_STATUS_BLOCK io = {.Information = 9};
	FILE_BASIC_INFORMATION basic = {.FileAttributes = FILE_ATTRIBUTE_HIDDEN}, read;
	FILE_END_OF_FILE_INFORMATION end = {.EndOfFile.QuadPart = 3};
	FILE_POSITION_INFORMATION position = {.CurrentByteOffset.QuadPart = 2};
	FILE_STANDARD_INFORMATION standard;
	char text[4] = "";
	basic.LastWriteTime.QuadPart = 125912558456000000;
	line("write", NtWriteFile(h, NULL, NULL, NULL, &io, "0123456789", 10, NULL, NULL));
	line("end", NtSetInformationFile(h, &io, &end, sizeof end, FileEndOfFileInformation));
	printf("block: %u %#x\n", (unsigned)io.Information, (unsigned)io.Status);
	line("basic", NtSetInformationFile(h, &io, &basic, sizeof basic, FileBasicInformation));
	line("short", NtSetInformationFile(h, &io, &basic, sizeof basic - 1, FileBasicInformation));
	line("class", NtSetInformationFile(h, &io, &basic, sizeof basic, (FILE_INFORMATION_CLASS)99));
	line("pointer", NtSetInformationFile(h, &io, NULL, sizeof basic, FileBasicInformation));
	line("block", NtSetInformationFile(h, NULL, &basic, sizeof basic, FileBasicInformation));
	line("position", NtSetInformationFile(h, &io, &position, sizeof position, FilePositionInformation));
	line("read", NtReadFile(h, NULL, NULL, NULL, &io, text, 3, NULL, NULL));
	printf("text: %u %s\n", (unsigned)io.Information, text);
	line("position", NtQueryInformationFile(h, &io, &position, sizeof position, FilePositionInformation));
	printf("at: %lld\n", (long long)position.CurrentByteOffset.QuadPart);
	FILE_FS_SIZE_INFORMATION size;
	FILE_FS_FULL_SIZE_INFORMATION full;
	line("size", NtQueryVolumeInformationFile(h, &io, &size, sizeof size, FileFsSizeInformation));
	line("full size", NtQueryVolumeInformationFile(h, &io, &full, sizeof full, FileFsFullSizeInformation));
	printf("sector %u, %d %d %d\n", (unsigned)size.BytesPerSector, size.SectorsPerAllocationUnit < 512,
		size.AvailableAllocationUnits.QuadPart < size.TotalAllocationUnits.QuadPart,
		full.CallerAvailableAllocationUnits.QuadPart <= full.ActualAvailableAllocationUnits.QuadPart);
	OVERLAPPED second = {.Offset = 1}, last = {.Offset = 3}, beyond = {.Offset = 1, .OffsetHigh = 1};
	read_byte(h, &second);
	read_byte(h, NULL);
	read_byte(h, NULL);
	read_byte(h, &last);
	read_byte(h, &beyond);
	line("basic", NtQueryInformationFile(h, &io, &read, sizeof read, FileBasicInformation));
	printf("written: %d, attributes %#x\n", read.LastWriteTime.QuadPart == basic.LastWriteTime.QuadPart,
		(unsigned)read.FileAttributes);
	write_byte(h, &second);
	read_byte(h, &second);
	move_bytes(h);
	line("standard", NtQueryInformationFile(h, &io, &standard, sizeof standard, FileStandardInformation));
	printf("size %lld, links %u, %d %d\n", (long long)standard.EndOfFile.QuadPart, (unsigned)standard.NumberOfLinks,
		standard.DeletePending, standard.Directory);
}

static NTSTATUS move(HANDLE h, HANDLE root, PCWSTR name, FILE_INFORMATION_CLASS class, ULONG claimed)
{
	_Alignas(8) unsigned char room[256] = {0};
	FILE_RENAME_INFORMATION *r = (void *)room;
	UNICODE_STRING u = counted(name);
	IO_STATUS_BLOCK io;
	r->RootDirectory = root;
	r->FileNameLength = claimed ? claimed : u.Length;
	memcpy(r->FileName, u.Buffer, u.Length);
	return NtSetInformationFile(h, &io, r, (ULONG)(offsetof(FILE_RENAME_INFORMATION, FileName) + u.Length + 4), class);
}

int main(void)
{
	HANDLE dir, h;
	ULONG done;
	IO_STATUS_BLOCK io;
	FILE_DISPOSITION_INFORMATION remove = {TRUE};
	FILE_STANDARD_INFORMATION standard;
	UNICODE_STRING text = counted(u"\\??\\share\\dir\\l\u0101nked");
	OBJECT_ATTRIBUTES oa = {sizeof oa, NULL, &text, 0, NULL, NULL};
	NTSTATUS st = create(&dir, u"\\??\\share\\dir", FILE_CREATE, FILE_DIRECTORY_FILE, 0, &done);
	if (st != STATUS_SUCCESS) {
		line("create", st);
		line("delete", NtDeleteFile(&oa));
		line("pointer", NtDeleteFile(NULL));
		line("set", NtSetInformationFile(NULL, &io, &remove, sizeof remove, FileDispositionInformation));
		line("list", NtQueryDirectoryFile(NULL, NULL, NULL, NULL, &io, &standard, 4, FileNamesInformation, FALSE, NULL, 0));
		return 0;
	}
	st = create(&h, u"\\??\\share\\dir\\a name.txt", FILE_CREATE, FILE_NON_DIRECTORY_FILE, FILE_ATTRIBUTE_SYSTEM, &done);
	printf("create: %#x %u\n", (unsigned)st, (unsigned)done);
	change(h);
	line("rename", move(h, NULL, u"renamed", FileRenameInformation, 0));
	line("link", move(h, dir, u"l\u0101nked", FileLinkInformation, 0));
	line("too long", move(h, NULL, u"x", FileRenameInformation, 44));
	line("odd", move(h, NULL, u"x", FileRenameInformation, 3));
	list(dir, 4096, u"", FileDirectoryInformation);
	list(dir, 66, u"ren*", FileDirectoryInformation);
	list(dir, 4096, u"*ed", FileNamesInformation);
	list(dir, 64, u"", FileDirectoryInformation);
	list(dir, 4096, u"", FileStandardInformation);
	line("event", NtQueryDirectoryFile(dir, (HANDLE)4, NULL, NULL, &io, &standard, sizeof standard, FileNamesInformation,
		FALSE, NULL, FALSE));
	line("routine", NtQueryDirectoryFile(dir, NULL, (PIO_APC_ROUTINE)4, NULL, &io, &standard, sizeof standard,
		FileNamesInformation, FALSE, NULL, FALSE));
	line("short", NtSetInformationFile(h, &io, &remove, 0, FileDispositionInformation));
	NtClose(h);
	line("delete", NtDeleteFile(&oa));
	line("delete", NtDeleteFile(&oa));
	st = create(&h, u"\\??\\share\\dir\\renamed", FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE, 2, &done);
	printf("overwrite: %#x %u\n", (unsigned)st, (unsigned)done);
	line("remove", NtSetInformationFile(h, &io, &remove, sizeof remove, FileDispositionInformation));
	NtQueryInformationFile(h, &io, &standard, sizeof standard, FileStandardInformation);
	printf("pending: %d\n", standard.DeletePending);
	NtClose(h);
	NtQueryInformationFile(dir, &io, &standard, sizeof standard, FileStandardInformation);
	printf("directory: %d\n", standard.Directory);
	list(dir, 4096, u"", FileNamesInformation);
	NtClose(dir);
	return 0;
}
