/* Text between the A forms, which ansi_gen.c has, and the W forms that they call. */
#ifndef REFMON_ANSI_H
#define REFMON_ANSI_H

#include "win.h"

/* The longest text that a W form gives, in units. */
enum { longest_text = 0x7FFF };

/* A call without its text would be another call, so it fails without memory for it (O-172). */
static BOOL taken(PWSTR w) { return w ? TRUE : fail(ERROR_NOT_ENOUGH_MEMORY); }

/* Makes *w a copy of one-byte text in UTF-16, for drop; NULL stays NULL. */
static BOOL widen(LPCSTR s, PWSTR *w)
{
	size_t n = s ? strlen(s) + 1 : 0;
	if (!s)
		return TRUE;
	*w = malloc(2 * n);
	for (size_t i = 0; *w && i < n; i++)
		(*w)[i] = (unsigned char)s[i];
	return taken(*w);
}

/* The number of units of a text, with its terminator. */
static size_t units(LPCWSTR w)
{
	size_t n = 1;
	while (w[n - 1])
		n++;
	return n;
}

/* Frees a text, and clears it first, since it may be a password. */
static void drop(PWSTR w)
{
	if (w)
		explicit_bzero(w, 2 * units(w));
	free(w);
}

/* The buffer of a W form. */
struct buffer {
	PWSTR text;
	DWORD room, units; /* units is room until the W form changes it */
};

/* Makes a buffer of as many units as the caller's has bytes; of none for NULL. */
static BOOL room(LPSTR to, LPDWORD bytes, struct buffer *b)
{
	b->room = b->units = bytes && *bytes < longest_text ? *bytes : longest_text;
	if (!to)
		return TRUE;
	b->text = malloc(2 * ((size_t)b->room + 1)); /* with a terminator, so that no room is not NULL */
	return taken(b->text);
}

/* Copies the text into the caller's buffer if the W form succeeded, and the count that it set. */
static void leave(LPSTR to, LPDWORD bytes, struct buffer *b, BOOL succeeded)
{
	if (succeeded && to) {
		size_t n = units(b->text);
		memcpy(to, narrow(b->text, n), n);
	}
	if (bytes && b->units != b->room)
		*bytes = b->units;
	free(b->text);
}

#endif
