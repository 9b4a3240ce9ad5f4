/*
 * Basic types of the NT API with their 64-bit Windows sizes, on Linux.
 *
 * WCHAR has 2 bytes: write strings as u"...". A LONG has 4 bytes.
 * With REFMON_MS_ABI defined before the first include, every prototype has the
 * calling convention of 64-bit Windows; link such code with -lrefmon-ms.
 */
#ifndef REFMON_TYPES_H
#define REFMON_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef REFMON_MS_ABI
#define NTAPI __attribute__((ms_abi))
#else
#define NTAPI
#endif
#define WINAPI NTAPI
#define CALLBACK NTAPI

#ifdef __cplusplus
#define REFMON_API extern "C" __attribute__((visibility("default")))
#else
#define REFMON_API extern __attribute__((visibility("default")))
#endif
/* A function that is answered by the kernel. */
#define REFMON_SERVICE REFMON_API

#define CONST const
#define VOID void
#define TRUE 1
#define FALSE 0
#define ANYSIZE_ARRAY 1

typedef void *PVOID, *LPVOID, *HANDLE, *HLOCAL;
typedef const void *LPCVOID;
typedef HANDLE *PHANDLE, *LPHANDLE;
typedef char CHAR, CCHAR, *PCHAR, *LPSTR, *PSTR;
typedef const char *LPCSTR, *PCSTR;
typedef unsigned char UCHAR, BYTE, BOOLEAN, *PUCHAR, *PBYTE, *LPBYTE, *PBOOLEAN;
typedef int16_t SHORT;
typedef uint16_t USHORT, WORD, *PUSHORT, *LPWORD;
#ifdef __cplusplus
typedef char16_t WCHAR, *PWCHAR, *LPWSTR, *PWSTR;
#else
typedef uint16_t WCHAR, *PWCHAR, *LPWSTR, *PWSTR;
#endif
typedef const WCHAR *LPCWSTR, *PCWSTR;
typedef int32_t LONG, INT, BOOL, *PLONG, *PINT, *PBOOL, *LPBOOL, *LPLONG;
typedef uint32_t ULONG, DWORD, UINT, *PULONG, *PDWORD, *LPDWORD;
typedef int64_t LONGLONG, LONG64;
typedef uint64_t ULONGLONG, ULONG64, DWORD64, *PULONG64, *PDWORD64;
typedef intptr_t LONG_PTR, INT_PTR;
typedef uintptr_t ULONG_PTR, DWORD_PTR, SIZE_T, *PSIZE_T;
typedef LONG NTSTATUS;
typedef NTSTATUS *PNTSTATUS;

typedef union _LARGE_INTEGER {
	struct { ULONG LowPart; LONG HighPart; };
	struct { ULONG LowPart; LONG HighPart; } u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef struct _LUID { ULONG LowPart; LONG HighPart; } LUID, *PLUID;

typedef struct _GUID { ULONG Data1; USHORT Data2; USHORT Data3; UCHAR Data4[8]; } GUID, *PGUID;

typedef struct _UNICODE_STRING {
	USHORT Length;        /* bytes, without a terminator */
	USHORT MaximumLength; /* bytes */
	PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef ULONG ACCESS_MASK, *PACCESS_MASK;

#define NT_SUCCESS(s) ((NTSTATUS)(s) >= 0)

#endif
