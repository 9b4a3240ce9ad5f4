/* The local security authority: the policy of this computer, look-ups of names and SIDs. */
#ifndef REFMON_NTSECAPI_H
#define REFMON_NTSECAPI_H

#include <refmon/ntdef.h>

typedef UNICODE_STRING LSA_UNICODE_STRING, *PLSA_UNICODE_STRING;
typedef OBJECT_ATTRIBUTES LSA_OBJECT_ATTRIBUTES, *PLSA_OBJECT_ATTRIBUTES;
typedef PVOID LSA_HANDLE, *PLSA_HANDLE;

#define POLICY_VIEW_LOCAL_INFORMATION 0x1
#define POLICY_VIEW_AUDIT_INFORMATION 0x2
#define POLICY_GET_PRIVATE_INFORMATION 0x4
#define POLICY_TRUST_ADMIN 0x8
#define POLICY_CREATE_ACCOUNT 0x10
#define POLICY_CREATE_SECRET 0x20
#define POLICY_CREATE_PRIVILEGE 0x40
#define POLICY_SET_DEFAULT_QUOTA_LIMITS 0x80
#define POLICY_SET_AUDIT_REQUIREMENTS 0x100
#define POLICY_AUDIT_LOG_ADMIN 0x200
#define POLICY_SERVER_ADMIN 0x400
#define POLICY_LOOKUP_NAMES 0x800
#define POLICY_NOTIFICATION 0x1000
#define POLICY_ALL_ACCESS 0xF0FFF
#define POLICY_READ 0x20006
#define POLICY_WRITE 0x207F8
#define POLICY_EXECUTE 0x20801

#define LSA_LOOKUP_ISOLATED_AS_LOCAL 0x80000000u

typedef enum _POLICY_INFORMATION_CLASS {
	PolicyAuditLogInformation = 1, PolicyAuditEventsInformation, PolicyPrimaryDomainInformation,
	PolicyPdAccountInformation, PolicyAccountDomainInformation, PolicyLsaServerRoleInformation,
	PolicyReplicaSourceInformation, PolicyDefaultQuotaInformation, PolicyModificationInformation,
	PolicyAuditFullSetInformation, PolicyAuditFullQueryInformation, PolicyDnsDomainInformation,
	PolicyDnsDomainInformationInt, PolicyLocalAccountDomainInformation, PolicyMachineAccountInformation
} POLICY_INFORMATION_CLASS, *PPOLICY_INFORMATION_CLASS;

typedef struct _LSA_TRUST_INFORMATION {
	LSA_UNICODE_STRING Name;
	PSID Sid;
} LSA_TRUST_INFORMATION, *PLSA_TRUST_INFORMATION;
typedef struct _LSA_REFERENCED_DOMAIN_LIST {
	ULONG Entries;
	PLSA_TRUST_INFORMATION Domains;
} LSA_REFERENCED_DOMAIN_LIST, *PLSA_REFERENCED_DOMAIN_LIST;
typedef struct _LSA_TRANSLATED_SID2 {
	SID_NAME_USE Use;
	PSID Sid;
	LONG DomainIndex;
	ULONG Flags;
} LSA_TRANSLATED_SID2, *PLSA_TRANSLATED_SID2;
typedef struct _LSA_TRANSLATED_NAME {
	SID_NAME_USE Use;
	LSA_UNICODE_STRING Name;
	LONG DomainIndex;
} LSA_TRANSLATED_NAME, *PLSA_TRANSLATED_NAME;
typedef struct _POLICY_ACCOUNT_DOMAIN_INFO {
	LSA_UNICODE_STRING DomainName;
	PSID DomainSid;
} POLICY_ACCOUNT_DOMAIN_INFO, *PPOLICY_ACCOUNT_DOMAIN_INFO;
typedef struct _POLICY_PRIMARY_DOMAIN_INFO {
	LSA_UNICODE_STRING Name;
	PSID Sid; /* NULL in a workgroup */
} POLICY_PRIMARY_DOMAIN_INFO, *PPOLICY_PRIMARY_DOMAIN_INFO;

/* The index of an option in POLICY_AUDIT_EVENTS_INFO. */
typedef enum _POLICY_AUDIT_EVENT_TYPE {
	AuditCategorySystem, AuditCategoryLogon, AuditCategoryObjectAccess, AuditCategoryPrivilegeUse,
	AuditCategoryDetailedTracking, AuditCategoryPolicyChange, AuditCategoryAccountManagement,
	AuditCategoryDirectoryServiceAccess, AuditCategoryAccountLogon
} POLICY_AUDIT_EVENT_TYPE, *PPOLICY_AUDIT_EVENT_TYPE;
#define POLICY_AUDIT_EVENT_UNCHANGED 0u
#define POLICY_AUDIT_EVENT_SUCCESS 1u
#define POLICY_AUDIT_EVENT_FAILURE 2u
#define POLICY_AUDIT_EVENT_NONE 4u
typedef ULONG POLICY_AUDIT_EVENT_OPTIONS, *PPOLICY_AUDIT_EVENT_OPTIONS;
typedef struct _POLICY_AUDIT_EVENTS_INFO {
	BOOLEAN AuditingMode;
	PPOLICY_AUDIT_EVENT_OPTIONS EventAuditingOptions;
	ULONG MaximumAuditEventCount;
} POLICY_AUDIT_EVENTS_INFO, *PPOLICY_AUDIT_EVENTS_INFO;

/* The members of ObjectAttributes are unused. */
REFMON_SERVICE NTSTATUS NTAPI LsaOpenPolicy(PLSA_UNICODE_STRING SystemName, PLSA_OBJECT_ATTRIBUTES ObjectAttributes,
	ACCESS_MASK DesiredAccess, PLSA_HANDLE PolicyHandle);
REFMON_SERVICE NTSTATUS NTAPI LsaClose(LSA_HANDLE ObjectHandle);
REFMON_SERVICE NTSTATUS NTAPI LsaQueryInformationPolicy(LSA_HANDLE PolicyHandle,
	POLICY_INFORMATION_CLASS InformationClass, PVOID *Buffer);
/* Both results are given with STATUS_SOME_NOT_MAPPED and STATUS_NONE_MAPPED too. */
REFMON_SERVICE NTSTATUS NTAPI LsaLookupNames2(LSA_HANDLE PolicyHandle, ULONG Flags, ULONG Count,
	PLSA_UNICODE_STRING Names, PLSA_REFERENCED_DOMAIN_LIST *ReferencedDomains, PLSA_TRANSLATED_SID2 *Sids);
REFMON_SERVICE NTSTATUS NTAPI LsaLookupSids(LSA_HANDLE PolicyHandle, ULONG Count, PSID *Sids,
	PLSA_REFERENCED_DOMAIN_LIST *ReferencedDomains, PLSA_TRANSLATED_NAME *Names);
/* LsaFreeMemory frees UserRights. */
REFMON_SERVICE NTSTATUS NTAPI LsaEnumerateAccountRights(LSA_HANDLE PolicyHandle, PSID AccountSid,
	PLSA_UNICODE_STRING *UserRights, PULONG CountOfRights);
REFMON_SERVICE NTSTATUS NTAPI LsaLookupPrivilegeName(LSA_HANDLE PolicyHandle, PLUID Value, PUNICODE_STRING *Name);
/* The user whom the thread acts for, else the process's; DomainName may be NULL. LsaFreeMemory frees both. */
REFMON_SERVICE NTSTATUS NTAPI LsaGetUserName(PUNICODE_STRING *UserName, PUNICODE_STRING *DomainName);
REFMON_API NTSTATUS NTAPI LsaFreeMemory(PVOID Buffer);
REFMON_API ULONG NTAPI LsaNtStatusToWinError(NTSTATUS Status);

#endif
