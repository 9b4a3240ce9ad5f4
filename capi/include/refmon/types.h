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
#define IN
#define OUT
#define OPTIONAL
#define FAR
#define CONTAINING_RECORD(p, t, f) ((t *)((char *)(p) - offsetof(t, f)))
#define FIELD_OFFSET(t, f) ((LONG)offsetof(t, f))
#define UNREFERENCED_PARAMETER(p) ((void)(p))
#define ARRAYSIZE(a) (sizeof(a) / sizeof((a)[0]))
#define RtlZeroMemory(p, n) __builtin_memset((p), 0, (n))
#define RtlFillMemory(p, n, v) __builtin_memset((p), (v), (n))
#define RtlCopyMemory(to, from, n) __builtin_memcpy((to), (from), (n))
#define RtlMoveMemory(to, from, n) __builtin_memmove((to), (from), (n))
#define RtlEqualMemory(a, b, n) (!__builtin_memcmp((a), (b), (n)))
#define ZeroMemory RtlZeroMemory
#define FillMemory RtlFillMemory
#define CopyMemory RtlCopyMemory
#define MoveMemory RtlMoveMemory
#define LOBYTE(w) ((BYTE)(w))
#define HIBYTE(w) ((BYTE)((WORD)(w) >> 8))
#define LOWORD(l) ((WORD)(l))
#define HIWORD(l) ((WORD)((DWORD)(l) >> 16))
#define MAXDWORD 0xFFFFFFFFu
#define MAX_PATH 260

typedef void *PVOID, *LPVOID, *HANDLE, *HLOCAL;
typedef const void *LPCVOID, *PCVOID;
typedef HANDLE HMODULE, HINSTANCE, HGLOBAL;
typedef HANDLE *PHANDLE, *LPHANDLE;
typedef char CHAR, CCHAR, *PCHAR, *LPSTR, *PSTR;
typedef const char *LPCSTR, *PCSTR;
typedef unsigned char UCHAR, BYTE, BOOLEAN, *PUCHAR, *PBYTE, *LPBYTE, *PBOOLEAN, UINT8;
typedef int16_t SHORT, *PSHORT;
typedef uint16_t USHORT, WORD, *PUSHORT, *PWORD, *LPWORD;
#ifdef __cplusplus
typedef char16_t WCHAR, *PWCHAR, *LPWSTR, *PWSTR;
#else
typedef uint16_t WCHAR, *PWCHAR, *LPWSTR, *PWSTR;
#endif
typedef const WCHAR *LPCWSTR, *PCWSTR;
typedef int32_t LONG, INT, BOOL, *PLONG, *PINT, *PBOOL, *LPBOOL, *LPLONG;
typedef uint32_t ULONG, DWORD, UINT, DWORD32, *PULONG, *PDWORD, *LPDWORD, *PUINT, *LPUINT;
typedef int64_t LONGLONG, LONG64, *PLONGLONG, *PLONG64;
typedef uint64_t ULONGLONG, DWORDLONG, ULONG64, DWORD64, *PULONGLONG, *PULONG64, *PDWORD64;
typedef intptr_t LONG_PTR, INT_PTR;
typedef uintptr_t ULONG_PTR, DWORD_PTR, UINT_PTR, SIZE_T, *PULONG_PTR, *PDWORD_PTR, *PSIZE_T;
typedef LONG NTSTATUS;
typedef NTSTATUS *PNTSTATUS;
typedef LONG HRESULT;
#define S_OK ((HRESULT)0)
#define E_INVALIDARG ((HRESULT)0x80070057)
#define HRESULT_FROM_WIN32(c) ((c) ? (HRESULT)((c) | 0x80070000u) : S_OK)
#define SUCCEEDED(hr) ((HRESULT)(hr) >= 0)
#define FAILED(hr) ((HRESULT)(hr) < 0)

typedef union _LARGE_INTEGER {
	struct { ULONG LowPart; LONG HighPart; };
	struct { ULONG LowPart; LONG HighPart; } u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
	struct { ULONG LowPart, HighPart; };
	struct { ULONG LowPart, HighPart; } u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef struct _FILETIME { DWORD dwLowDateTime, dwHighDateTime; } FILETIME, *PFILETIME, *LPFILETIME;

typedef struct _LUID { ULONG LowPart; LONG HighPart; } LUID, *PLUID;

typedef struct _GUID { ULONG Data1; USHORT Data2; USHORT Data3; UCHAR Data4[8]; } GUID, *PGUID, *LPGUID;
typedef const GUID *LPCGUID, *PCGUID;

typedef struct _UNICODE_STRING {
	USHORT Length;        /* bytes, without a terminator */
	USHORT MaximumLength; /* bytes */
	PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef ULONG ACCESS_MASK, *PACCESS_MASK, REGSAM;

#define NT_SUCCESS(s) ((NTSTATUS)(s) >= 0)
#define NT_INFORMATION(s) ((ULONG)(s) >> 30 == 1)
#define NT_WARNING(s) ((ULONG)(s) >> 30 == 2)
#define NT_ERROR(s) ((ULONG)(s) >> 30 == 3)

#endif
