/* A lookup whose second result cannot be written frees its first result. The variable of the first result keeps its
 * value. */
#define _GNU_SOURCE
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

extern void *__libc_malloc(size_t n);
extern void __libc_free(void *p);

enum { page = 4096 };
static __thread int armed;
static void *locked;     /* the page that becomes read-only with the first block */
static void *blocks[16]; /* of this thread while it is armed; NULL once it is free */
static unsigned taken;

void *malloc(size_t n)
{
	void *p = __libc_malloc(n);
	if (armed && taken < sizeof blocks / sizeof *blocks) {
		blocks[taken++] = p;
		mprotect(locked, page, PROT_READ);
	}
	return p;
}

void free(void *p)
{
	for (unsigned i = 0; armed && p && i < taken; i++)
		if (blocks[i] == p)
			blocks[i] = NULL;
	__libc_free(p);
}

static int failures;

static void check(const char *name, NTSTATUS st, PLSA_REFERENCED_DOMAIN_LIST domains)
{
	unsigned left = 0;
	armed = 0;
	for (unsigned i = 0; i < taken; i++)
		left += blocks[i] != NULL;
	if (st != STATUS_ACCESS_VIOLATION || taken < 2 || left || domains != (PLSA_REFERENCED_DOMAIN_LIST)7) {
		failures++;
		printf("%s: 0x%08X, %u blocks, %u left, domains %p\n", name, (unsigned)st, taken, left, (void *)domains);
	}
	mprotect(locked, page, PROT_READ | PROT_WRITE);
	taken = 0;
}

int main(void)
{
	locked = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	LSA_OBJECT_ATTRIBUTES oa;
	memset(&oa, 0, sizeof oa);
	LSA_HANDLE h = NULL;
	if (LsaOpenPolicy(NULL, &oa, POLICY_LOOKUP_NAMES, &h) != STATUS_SUCCESS)
		return 2;
	PLSA_REFERENCED_DOMAIN_LIST domains = (PLSA_REFERENCED_DOMAIN_LIST)7;
	UNICODE_STRING name;
	RtlInitUnicodeString(&name, u"Everyone");
	armed = 1;
	NTSTATUS st = LsaLookupNames2(h, 0, 1, &name, &domains, locked);
	check("LsaLookupNames2", st, domains);
	char sid[68];
	DWORD n = sizeof sid;
	if (!CreateWellKnownSid(WinWorldSid, NULL, sid, &n))
		return 3;
	PSID list[] = {sid};
	domains = (PLSA_REFERENCED_DOMAIN_LIST)7;
	armed = 1;
	st = LsaLookupSids(h, 1, list, &domains, locked);
	check("LsaLookupSids", st, domains);
	printf("%d failed\n", failures);
	return failures != 0;
}
