//go:build linux && cgo && samba

#include "samba.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include <util/data_blob.h>
#include <core/ntstatus.h>
#include <ndr.h>
#include <gen_ndr/security.h>

static NTSTATUS (*access_check)(const struct security_descriptor *, const struct security_token *, uint32_t,
				uint32_t *);
static ndr_pull_flags_fn_t pull_descriptor;
static bool (*parse_sid)(const char *, struct dom_sid *);

const char *samba_open(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL)
		return dlerror();
	if ((access_check = dlsym(lib, "se_access_check")) == NULL ||
	    (pull_descriptor = dlsym(lib, "ndr_pull_security_descriptor")) == NULL ||
	    (parse_sid = dlsym(lib, "dom_sid_parse")) == NULL)
		return dlerror();
	return NULL;
}

static struct security_descriptor *decode(void *memory, uint8_t *raw, size_t size)
{
	DATA_BLOB blob = {.data = raw, .length = size};
	struct security_descriptor *sd = talloc_zero(memory, struct security_descriptor);
	if (sd == NULL || ndr_pull_struct_blob(&blob, sd, sd, pull_descriptor) != NDR_ERR_SUCCESS) {
		talloc_free(sd);
		return NULL;
	}
	return sd;
}

struct samba_question *samba_prepare(const uint8_t *raw, size_t size, uint32_t sids, uint32_t desired)
{
	struct samba_question *q = talloc_zero(NULL, struct samba_question);
	if (q == NULL)
		return NULL;
	q->memory = q;
	q->raw = talloc_memdup(q, raw, size);
	q->size = size;
	q->desired = desired;
	q->token = talloc_zero(q, struct security_token);
	if (q->raw == NULL || q->token == NULL)
		return NULL;
	q->token->num_sids = sids;
	q->token->sids = talloc_zero_array(q->token, struct dom_sid, sids);
	q->sd = decode(q, q->raw, size);
	return q->sd == NULL || q->token->sids == NULL ? NULL : q;
}

bool samba_add_sid(struct samba_question *q, uint32_t i, const char *text)
{
	return i < q->token->num_sids && parse_sid(text, &q->token->sids[i]);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t samba_ask(struct samba_question *q, uint64_t n, bool once)
{
	int64_t start = now();
	uint32_t granted = 0;
	NTSTATUS status = NT_STATUS(0);
	for (uint64_t i = 0; i < n; i++) {
		struct security_descriptor *sd = q->sd;
		if (once && (sd = decode(q->memory, q->raw, q->size)) == NULL)
			return -1;
		status = access_check(sd, q->token, q->desired, &granted);
		if (once)
			talloc_free(sd);
	}
	q->granted = NT_STATUS_IS_OK(status) ? granted : 0;
	return now() - start;
}
