/*
 * refmon's C face: the documented NT and advapi32-style prototypes with an
 * embedded kernel behind them, for programs on Linux. Link with -lrefmon.
 *
 * REFMON_TOKEN    token file of the process; default: REFMON_USER
 * REFMON_USER     administrator (default: elevated) or standard
 * REFMON_PROFILE  observed (default: as Windows was seen to behave) or documented
 *
 * A process must not fork and go on calling: in the child every call fails.
 */
#ifndef REFMON_REFMON_H
#define REFMON_REFMON_H

#include <refmon/types.h>
#include <refmon/security.h>
#include <refmon/status.h>
#include <refmon/nt.h>
#include <refmon/zw.h>
#include <refmon/rtl.h>
#include <refmon/ntsecapi.h>
#include <refmon/winbase.h>
#include <refmon/process.h>
#include <refmon/wellknown.h>
#include <refmon/accctrl.h>
#include <refmon/generic.h>

#endif
