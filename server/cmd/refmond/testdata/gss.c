/* A client by libkrb5's GSSAPI: it writes its tokens to descriptor 1 and reads the
 * service's from descriptor 0, each behind its length in 4 bytes, and says on
 * descriptor 2 what came of it. */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>
#include <gssapi/gssapi_ext.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gss_OID_desc spnego = {6, "\x2b\x06\x01\x05\x05\x02"};

static void fail(const char *what, OM_uint32 major, OM_uint32 minor) {
	fprintf(stderr, "%s: %08x", what, (unsigned)major);
	for (int kind = 1; kind <= 2; kind++) {
		OM_uint32 more = 0, ignored;
		gss_buffer_desc text;
		gss_display_status(&ignored, kind == 1 ? major : minor, kind == 1 ? GSS_C_GSS_CODE : GSS_C_MECH_CODE,
			GSS_C_NO_OID, &more, &text);
		fprintf(stderr, ": %.*s", (int)text.length, (char *)text.value);
	}
	fprintf(stderr, "\n");
	exit(1);
}

static void whole(int out, void *buffer, size_t size) {
	for (char *p = buffer; size > 0;) {
		ssize_t n = out ? write(1, p, size) : read(0, p, size);
		if (n <= 0) {
			fprintf(stderr, "%s ended\n", out ? "output" : "input");
			exit(1);
		}
		p += n;
		size -= (size_t)n;
	}
}

int main(int argc, char **argv) {
	OM_uint32 major, minor, flags = 0, asked = GSS_C_MUTUAL_FLAG;
	gss_name_t name;
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	gss_buffer_desc text, in = GSS_C_EMPTY_BUFFER, out;
	if (argc != 4)
		return 2;
	text.value = argv[1];
	text.length = strlen(argv[1]);
	major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name);
	if (GSS_ERROR(major))
		fail("name", major, minor);
	if (!strcmp(argv[3], "identify"))
		asked |= GSS_C_IDENTIFY_FLAG;
	do {
		major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context, name,
			!strcmp(argv[2], "spnego") ? &spnego : (gss_OID)gss_mech_krb5, asked, 0, GSS_C_NO_CHANNEL_BINDINGS, &in,
			NULL, &out, &flags, NULL);
		if (GSS_ERROR(major))
			fail("context", major, minor);
		if (out.length > 0) {
			uint32_t size = (uint32_t)out.length;
			whole(1, &size, sizeof size);
			whole(1, out.value, out.length);
			gss_release_buffer(&minor, &out);
		}
		if (major & GSS_S_CONTINUE_NEEDED) {
			uint32_t size;
			whole(0, &size, sizeof size);
			if (size > 1 << 20)
				return 3;
			in.length = size;
			in.value = malloc(size + 1);
			whole(0, in.value, size);
		}
	} while (major & GSS_S_CONTINUE_NEEDED);
	fprintf(stderr, "established%s\n", flags & GSS_C_MUTUAL_FLAG ? ", mutual" : "");
	return 0;
}
