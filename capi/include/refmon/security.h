/*
 * Structures and constants of the security model: SIDs, lists, descriptors,
 * tokens. Layouts are those of 64-bit Windows.
 */
#ifndef REFMON_SECURITY_H
#define REFMON_SECURITY_H

#include <refmon/types.h>
#include <refmon/rights.h>
#include <refmon/rids.h>
#include <refmon/sid.h>
#include <refmon/privilege.h>
#include <refmon/acl.h>
#include <refmon/descriptor.h>
#include <refmon/token.h>

typedef struct _GENERIC_MAPPING {
	ACCESS_MASK GenericRead, GenericWrite, GenericExecute, GenericAll;
} GENERIC_MAPPING, *PGENERIC_MAPPING;

#endif
