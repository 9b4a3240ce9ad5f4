/* bcryptprimitives.dll for a Wine that has none (before 9): the one function
 * that a Go program needs of it, over the generator that every Windows has.
 * Only for recordings under Wine; see docs/recording.md. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
	while (length > 0) {
		ULONG n = length < 0x10000000 ? (ULONG)length : 0x10000000;
		if (!SystemFunction036(buffer, n))
			return FALSE;
		buffer += n;
		length -= n;
	}
	return TRUE;
}
