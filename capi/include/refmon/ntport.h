/*
 * Ports. Calls wait as they do elsewhere; there are no views of sections, their pointers
 * must be NULL, and no datagrams. A server receives on its connection port or on that of
 * one connection. MaxConnectionInfoLength and MaxPoolUsage are not looked at.
 */
#ifndef REFMON_NTPORT_H
#define REFMON_NTPORT_H

#include <refmon/ntdef.h>

#define LPC_REQUEST 1
#define LPC_REPLY 2
#define LPC_PORT_CLOSED 5
#define LPC_CONNECTION_REQUEST 10
typedef struct _PORT_MESSAGE {
	union { struct { USHORT DataLength, TotalLength; } s1; ULONG Length; } u1; /* bytes behind the header, and in all */
	union { struct { USHORT Type, DataInfoOffset; } s2; ULONG ZeroInit; } u2;
	union { CLIENT_ID ClientId; double DoNotUseThisField; };
	ULONG MessageId;
	union { SIZE_T ClientViewSize; ULONG CallbackId; };
} PORT_MESSAGE, *PPORT_MESSAGE;
REFMON_SERVICE NTSTATUS NTAPI NtCreatePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes,
	ULONG MaxConnectionInfoLength, ULONG MaxMessageLength, ULONG MaxPoolUsage);
REFMON_SERVICE NTSTATUS NTAPI NtConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos, PVOID ClientView, PVOID ServerView, PULONG MaxMessageLength,
	PVOID ConnectionInformation, PULONG ConnectionInformationLength);
REFMON_SERVICE NTSTATUS NTAPI NtListenPort(HANDLE PortHandle, PPORT_MESSAGE ConnectionRequest);
REFMON_SERVICE NTSTATUS NTAPI NtAcceptConnectPort(PHANDLE PortHandle, PVOID PortContext,
	PPORT_MESSAGE ConnectionRequest, BOOLEAN AcceptConnection, PVOID ServerView, PVOID ClientView);
REFMON_SERVICE NTSTATUS NTAPI NtCompleteConnectPort(HANDLE PortHandle);
REFMON_SERVICE NTSTATUS NTAPI NtRequestWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage,
	PPORT_MESSAGE ReplyMessage);
REFMON_SERVICE NTSTATUS NTAPI NtReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage);
REFMON_SERVICE NTSTATUS NTAPI NtReplyWaitReceivePort(HANDLE PortHandle, PVOID *PortContext, PPORT_MESSAGE ReplyMessage,
	PPORT_MESSAGE ReceiveMessage);
REFMON_SERVICE NTSTATUS NTAPI NtImpersonateClientOfPort(HANDLE PortHandle, PPORT_MESSAGE Message);

#endif
