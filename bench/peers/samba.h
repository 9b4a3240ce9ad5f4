/* Asks Samba's own access check, through the public symbols of the libraries
 * that Debian ships, with the types of the headers of samba-dev. */
#ifndef REFMON_PEERS_SAMBA_H
#define REFMON_PEERS_SAMBA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct security_descriptor;
struct security_token;

struct samba_question {
	void *memory; /* talloc context of all below; never freed */
	struct security_token *token;
	struct security_descriptor *sd;
	uint8_t *raw;
	size_t size;
	uint32_t desired;
	uint32_t granted; /* of the last question; 0 if denied */
};

/* Loads the library; NULL, or why it could not be used. */
const char *samba_open(const char *path);

/* A question about self-relative bytes, which are copied; NULL if they are bad. */
struct samba_question *samba_prepare(const uint8_t *raw, size_t size, uint32_t sids, uint32_t desired);

/* Sets one SID of the token; false if the text is not a SID. */
bool samba_add_sid(struct samba_question *q, uint32_t i, const char *text);

/* Asks n times, decoding the bytes each time if once; nanoseconds, -1 if they are bad. */
int64_t samba_ask(struct samba_question *q, uint64_t n, bool once);

#endif
