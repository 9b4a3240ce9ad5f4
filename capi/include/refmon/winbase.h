/* advapi32-style functions: BOOL results and a last error for each thread. */
#ifndef REFMON_WINBASE_H
#define REFMON_WINBASE_H

#include <refmon/rtl.h>

#endif
