/* Random input structures for routines that capture some: descriptors, lists, qualities of service, partly
 * valid and partly not, near the end of what can be read. Nothing they hold may stop the program, and what
 * is refused leaves nothing behind. REFMON_FUZZ_SEED repeats a run, REFMON_FUZZ_CALLS makes it longer. */
#include "kernel.h"
#include <sys/mman.h>
#include <time.h>

static uint64_t seed;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

enum { ARENA = 4096 };
static char *arena; /* ARENA bytes, then a page that cannot be touched */

/* An address in the arena, often close to its end. */
static void *place(size_t n)
{
	return arena + (next() % 2 ? ARENA - n - next() % 8 * 4 % (ARENA - n) : next() % (ARENA - n) & ~3ull);
}

/* A copy of a valid structure with some bytes changed, at a random place. */
static void *damaged(const void *from, size_t n)
{
	char *at = place(n);
	memmove(at, from, n);
	for (int k = next() % 4; k > 0; k--)
		at[next() % n] = next() % 3 ? next() : (char[]){0, 1, -1, 0x7f}[next() % 4];
	return at;
}

/* Mostly the pointer, else one that no call may use. */
static void *pointer(void *p)
{
	void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, none, arena + ARENA - 2, arena + 1};
	return next() % 8 ? p : bad[next() % 7];
}

static PSECURITY_DESCRIPTOR list[3];

static NTSTATUS filter(PACCESS_TOKEN a)
{
	struct { DWORD n; SID_AND_ATTRIBUTES g[2]; } groups = {2, {{pointer(SeExports->SeWorldSid), 0},
		{damaged(SeExports->SeAliasUsersSid, 16), 0}}};
	struct { DWORD n; LUID_AND_ATTRIBUTES p[1]; } privileges = {1, {{SeExports->SeShutdownPrivilege, 0}}};
	PACCESS_TOKEN f = NULL;
	groups.n = next() % 8 ? next() % 3 : next();
	NTSTATUS st = SeFilterToken(a, next() % 8 ? next() & 0xF : next(),
		next() % 2 ? pointer(damaged(&groups, sizeof groups)) : NULL, pointer(damaged(&privileges, sizeof privileges)),
		next() % 2 ? pointer(damaged(&groups, sizeof groups)) : NULL, pointer(&f));
	CHECK(!f || NT_SUCCESS(st));
	if (f)
		PsDereferenceImpersonationToken(f);
	return st;
}

static NTSTATUS context(void)
{
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityIdentification, next() & 1, next() & 1};
	SECURITY_CLIENT_CONTEXT c;
	NTSTATUS st = SeCreateClientSecurity(ME, pointer(damaged(&q, sizeof q)), next() & 1, &c);
	if (NT_SUCCESS(st)) {
		CHECK(c.SecurityQos.ImpersonationLevel <= SecurityDelegation);
		SeDeleteClientSecurity(&c);
	}
	return st;
}

/* One call, of a list that is damaged or not. */
static NTSTATUS one(PSECURITY_SUBJECT_CONTEXT s, PGENERIC_MAPPING m, PACCESS_TOKEN a)
{
	PSECURITY_DESCRIPTOR d = list[next() % 3], n = NULL, old = list[next() % 3];
	ULONG size = RtlLengthSecurityDescriptor(d);
	PSECURITY_DESCRIPTOR bad = damaged(d, size);
	NTSTATUS st = STATUS_SUCCESS;
	switch (next() % 6) {
	case 0: {
		ACCESS_MASK granted = 0, desired = next() & 7;
		PPRIVILEGE_SET used;
		BOOLEAN ok = SeAccessCheck(pointer(bad), s, FALSE, desired, 0, &used, m, UserMode, &granted, &st);
		CHECK(ok == (st == STATUS_SUCCESS));
		CHECK((granted & ~desired) == 0 && (ok || granted == 0));
		SeFreePrivileges(used);
		break;
	}
	case 1:
		/* what the full test finds valid can be captured */
		if (SeValidSecurityDescriptor(size, bad)) {
			SECURITY_INFORMATION all = 0xF;
			ULONG length = 0;
			STATUS(SeQuerySecurityDescriptorInfo(&all, NULL, &length, &bad), STATUS_BUFFER_TOO_SMALL);
		} else
			st = STATUS_INVALID_SECURITY_DESCR;
		break;
	case 2:
		st = SeAssignSecurityEx(pointer(bad), next() % 2 ? pointer(damaged(old, RtlLengthSecurityDescriptor(old))) : NULL,
		&n, NULL, next() & 1, next() & 0x7F, next() % 4 ? s : NULL, pointer(m), PagedPool);
		CHECK(NT_SUCCESS(st) == (n != NULL));
		CHECK(!n || RtlValidSecurityDescriptor(n));
		SeDeassignSecurity(&n);
		break;
	case 3: {
		SECURITY_INFORMATION part = next() & 0xF000003F;
		n = old;
		st = SeSetSecurityDescriptorInfoEx(NULL, &part, pointer(bad), &n, next() & 3, PagedPool, pointer(m));
		CHECK(NT_SUCCESS(st) == (n != old));
		if (n != old)
			SeDeassignSecurity(&n);
		break;
	}
	case 4:
		return filter(a);
	case 5:
		return context();
	}
	return st;
}

void test_kfuzz(void)
{
	const char *text = getenv("REFMON_FUZZ_SEED"), *many = getenv("REFMON_FUZZ_CALLS");
	seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 2654435761u | 1;
	printf("fuzz: REFMON_FUZZ_SEED=%#llx\n", (unsigned long long)seed);
	fflush(stdout);
	arena = mmap(NULL, 2 * ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(arena + ARENA, ARENA, PROT_NONE);
	list[0] = sddl("O:BAG:SYD:(A;;GR;;;WD)(D;;GW;;;BU)S:(AU;SA;GA;;;WD)(ML;;NW;;;ME)");
	list[1] = sddl("O:S-1-5-21-7-7-7-1001G:BUD:(OA;;CC;bf967aba-0de6-11d0-a285-00aa003049e2;;BU)");
	list[2] = sddl("D:");
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	GENERIC_MAPPING m = {1, 2, 4, 7};
	SECURITY_SUBJECT_CONTEXT s;
	SeCaptureSubjectContext(&s);
	int refused = 0, done = 0;
	for (long i = many ? atol(many) : 20000; i > 0; i--) {
		NTSTATUS st = one(&s, &m, a);
		refused += !NT_SUCCESS(st);
		done += NT_SUCCESS(st);
	}
	CHECK(refused > 100 && done > 100);
	SeReleaseSubjectContext(&s);
	PsDereferenceImpersonationToken(a);
	munmap(arena, 2 * ARENA);
}
