/* Carries requests of the recorder out on librefmon instead of a Windows: reads
 * them from standard input, answers on standard output, numbers little-endian.
 * Only for the recorder's tests: see librefmon_test.go. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void in(void *to, size_t n)
{
	if (n && fread(to, 1, n, stdin) != n)
		exit(0); /* the test has gone */
}

static uint32_t number(void)
{
	uint32_t n;
	in(&n, 4);
	return n;
}

static void out(const void *from, size_t n)
{
	if (n && fwrite(from, 1, n, stdout) != n)
		exit(2);
}

typedef uint64_t word;
typedef uint32_t function(word, word, word, word, word, word, word, word, word, word, word, word, word, word, word, word);

enum { ARGUMENTS = 16 };

/* What the recorder reads memory with, which is not part of librefmon. */
void RtlMoveMemory(void *to, const void *from, size_t n) { memmove(to, from, n); }

int lstrlenW(const uint16_t *s)
{
	int n = 0;
	while (s[n])
		n++;
	return n;
}

int main(void)
{
	for (;;) {
		char name[256] = "";
		uint32_t n = number();
		if (n >= sizeof name)
			return 2;
		in(name, n);
		word a[ARGUMENTS] = {0};
		uint32_t from[ARGUMENTS] = {0}, count = number();
		if (count > ARGUMENTS)
			return 2;
		for (uint32_t i = 0; i < count; i++) {
			in(&a[i], 8);
			from[i] = number();
		}
		uint32_t buffers = number();
		char **b = calloc(buffers + 1, sizeof *b);
		uint32_t *size = calloc(buffers + 1, sizeof *size);
		for (uint32_t i = 0; i < buffers; i++) {
			size[i] = number();
			b[i] = aligned_alloc(16, (size[i] + 31) & ~15u);
			in(b[i], size[i]);
		}
		for (uint32_t fixes = number(); fixes > 0; fixes--) {
			uint32_t f[4]; /* buffer, at, to, offset */
			in(f, sizeof f);
			word p = (word)(uintptr_t)b[f[2]] + f[3];
			memcpy(b[f[0]] + f[1], &p, 8);
		}
		for (uint32_t i = 0; i < count; i++)
			if (from[i])
				a[i] = (word)(uintptr_t)b[from[i] - 1];
		void *p = dlsym(RTLD_DEFAULT, name);
		uint32_t missing = !p, result = 0, error = 0;
		if (p)
			result = ((function *)p)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15]);
		function *last = (function *)dlsym(RTLD_DEFAULT, "GetLastError");
		if (p && last)
			error = last(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
		out(&missing, 4);
		out(&result, 4);
		out(&error, 4);
		for (uint32_t i = 0; i < buffers; i++) {
			word base = (word)(uintptr_t)b[i];
			out(&base, 8);
			out(b[i], size[i]);
			free(b[i]);
		}
		free(b);
		free(size);
		fflush(stdout);
	}
}
