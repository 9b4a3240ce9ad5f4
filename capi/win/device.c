/* The names by which programs open devices, pipes among them. */
#include "win.h"

static const WCHAR prefix[] = u"\\\\.\\", names[] = u"\\??\\", null[] = u"nul";
enum { prefix_units = sizeof prefix / 2 - 1, names_units = sizeof names / 2 - 1, longest = 0x1000 };

/* Whether a name is NUL in any case, which needs no prefix. */
static BOOL is_null(LPCWSTR name)
{
	for (size_t i = 0; null[i]; i++)
		if ((name[i] | 0x20) != null[i])
			return FALSE;
	return !name[sizeof null / 2 - 1];
}

PWSTR rm_device_name(LPCWSTR name, PUNICODE_STRING s)
{
	size_t n = 0;
	if (!is_null(name)) {
		for (size_t i = 0; i < prefix_units; i++)
			if (name[i] != prefix[i])
				return NULL;
		name += prefix_units;
	}
	while (name[n] && n < longest)
		n++;
	PWSTR w = name[n] ? NULL : malloc(2 * (names_units + n + 1));
	if (!w)
		return NULL;
	memcpy(w, names, 2 * names_units);
	memcpy(w + names_units, name, 2 * (n + 1));
	RtlInitUnicodeString(s, w);
	return w;
}

static BOOL contains(LPCWSTR s, WCHAR c)
{
	while (*s && *s != c)
		s++;
	return *s == c;
}

NTSTATUS rm_file_name(LPCWSTR name, PUNICODE_STRING s, PWSTR *text)
{
	*text = rm_device_name(name, s);
	if (!*text && contains(name, '\\'))
		return STATUS_NOT_SUPPORTED;
	if (!*text) /* one of the named files, which are in no directory */
		RtlInitUnicodeString(s, name);
	return STATUS_SUCCESS;
}
