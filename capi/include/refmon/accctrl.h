/*
 * Trustees and explicit entries: lists changed by what is asked for a trustee.
 * Security of objects in parts.
 * The functions return an error code, not a BOOL; what they allocate is freed
 * with LocalFree.
 */
#ifndef REFMON_ACCCTRL_H
#define REFMON_ACCCTRL_H

#include <refmon/rtl.h>

typedef enum _TRUSTEE_TYPE {
	TRUSTEE_IS_UNKNOWN, TRUSTEE_IS_USER, TRUSTEE_IS_GROUP, TRUSTEE_IS_DOMAIN, TRUSTEE_IS_ALIAS,
	TRUSTEE_IS_WELL_KNOWN_GROUP,
	TRUSTEE_IS_DELETED, TRUSTEE_IS_INVALID, TRUSTEE_IS_COMPUTER
} TRUSTEE_TYPE;
typedef enum _TRUSTEE_FORM { TRUSTEE_IS_SID, TRUSTEE_IS_NAME, TRUSTEE_BAD_FORM, TRUSTEE_IS_OBJECTS_AND_SID,
	TRUSTEE_IS_OBJECTS_AND_NAME } TRUSTEE_FORM;
typedef enum _MULTIPLE_TRUSTEE_OPERATION { NO_MULTIPLE_TRUSTEE, TRUSTEE_IS_IMPERSONATE } MULTIPLE_TRUSTEE_OPERATION;
typedef enum _ACCESS_MODE { NOT_USED_ACCESS, GRANT_ACCESS, SET_ACCESS, DENY_ACCESS, REVOKE_ACCESS, SET_AUDIT_SUCCESS,
	SET_AUDIT_FAILURE } ACCESS_MODE;

typedef enum _SE_OBJECT_TYPE {
	SE_UNKNOWN_OBJECT_TYPE, SE_FILE_OBJECT, SE_SERVICE, SE_PRINTER, SE_REGISTRY_KEY, SE_LMSHARE, SE_KERNEL_OBJECT,
	SE_WINDOW_OBJECT,
	SE_DS_OBJECT, SE_DS_OBJECT_ALL, SE_PROVIDER_DEFINED_OBJECT, SE_WMIGUID_OBJECT, SE_REGISTRY_WOW64_32KEY,
	SE_REGISTRY_WOW64_64KEY
} SE_OBJECT_TYPE;

/* ptstrName is a SID with TRUSTEE_IS_SID, and points to one of the two structures
 * below with TRUSTEE_IS_OBJECTS_AND_SID and _NAME. */
typedef struct _TRUSTEE_A {
	struct _TRUSTEE_A *pMultipleTrustee;
	MULTIPLE_TRUSTEE_OPERATION MultipleTrusteeOperation;
	TRUSTEE_FORM TrusteeForm;
	TRUSTEE_TYPE TrusteeType;
	LPSTR ptstrName;
} TRUSTEE_A, *PTRUSTEE_A, TRUSTEEA, *PTRUSTEEA;
typedef struct _TRUSTEE_W {
	struct _TRUSTEE_W *pMultipleTrustee;
	MULTIPLE_TRUSTEE_OPERATION MultipleTrusteeOperation;
	TRUSTEE_FORM TrusteeForm;
	TRUSTEE_TYPE TrusteeType;
	LPWSTR ptstrName;
} TRUSTEE_W, *PTRUSTEE_W, TRUSTEEW, *PTRUSTEEW;

typedef struct _OBJECTS_AND_SID {
	DWORD ObjectsPresent; /* ACE_OBJECT_TYPE_PRESENT, ACE_INHERITED_OBJECT_TYPE_PRESENT */
	GUID ObjectTypeGuid, InheritedObjectTypeGuid;
	SID *pSid;
} OBJECTS_AND_SID, *POBJECTS_AND_SID;
typedef struct _OBJECTS_AND_NAME_A {
	DWORD ObjectsPresent;
	SE_OBJECT_TYPE ObjectType;
	LPSTR ObjectTypeName, InheritedObjectTypeName, ptstrName;
} OBJECTS_AND_NAME_A, *POBJECTS_AND_NAME_A;
typedef struct _OBJECTS_AND_NAME_W {
	DWORD ObjectsPresent;
	SE_OBJECT_TYPE ObjectType;
	LPWSTR ObjectTypeName, InheritedObjectTypeName, ptstrName;
} OBJECTS_AND_NAME_W, *POBJECTS_AND_NAME_W;

typedef struct _EXPLICIT_ACCESS_A {
	DWORD grfAccessPermissions;
	ACCESS_MODE grfAccessMode;
	DWORD grfInheritance;
	TRUSTEE_A Trustee;
} EXPLICIT_ACCESS_A, *PEXPLICIT_ACCESS_A, EXPLICIT_ACCESSA, *PEXPLICIT_ACCESSA;
typedef struct _EXPLICIT_ACCESS_W {
	DWORD grfAccessPermissions;
	ACCESS_MODE grfAccessMode;
	DWORD grfInheritance;
	TRUSTEE_W Trustee;
} EXPLICIT_ACCESS_W, *PEXPLICIT_ACCESS_W, EXPLICIT_ACCESSW, *PEXPLICIT_ACCESSW;

#define NO_INHERITANCE 0x0
#define SUB_OBJECTS_ONLY_INHERIT 0x1
#define SUB_CONTAINERS_ONLY_INHERIT 0x2
#define SUB_CONTAINERS_AND_OBJECTS_INHERIT 0x3
#define INHERIT_NO_PROPAGATE 0x4
#define INHERIT_ONLY 0x8
#define INHERITED_ACCESS_ENTRY 0x10

/* Trustees. The structures keep the pointers they are given. */
REFMON_API void WINAPI BuildTrusteeWithSidW(PTRUSTEE_W pTrustee, PSID pSid);
REFMON_API void WINAPI BuildTrusteeWithSidA(PTRUSTEE_A pTrustee, PSID pSid);
REFMON_API void WINAPI BuildTrusteeWithNameW(PTRUSTEE_W pTrustee, LPWSTR pName);
REFMON_API void WINAPI BuildTrusteeWithNameA(PTRUSTEE_A pTrustee, LPSTR pName);
REFMON_API void WINAPI BuildTrusteeWithObjectsAndSidW(PTRUSTEE_W pTrustee, POBJECTS_AND_SID pObjSid, GUID *pObjectGuid,
	GUID *pInheritedObjectGuid, PSID pSid);
REFMON_API void WINAPI BuildTrusteeWithObjectsAndSidA(PTRUSTEE_A pTrustee, POBJECTS_AND_SID pObjSid, GUID *pObjectGuid,
	GUID *pInheritedObjectGuid, PSID pSid);
REFMON_API void WINAPI BuildTrusteeWithObjectsAndNameW(PTRUSTEE_W pTrustee, POBJECTS_AND_NAME_W pObjName,
	SE_OBJECT_TYPE ObjectType, LPWSTR ObjectTypeName, LPWSTR InheritedObjectTypeName, LPWSTR Name);
REFMON_API void WINAPI BuildTrusteeWithObjectsAndNameA(PTRUSTEE_A pTrustee, POBJECTS_AND_NAME_A pObjName,
	SE_OBJECT_TYPE ObjectType, LPSTR ObjectTypeName, LPSTR InheritedObjectTypeName, LPSTR Name);
REFMON_API TRUSTEE_FORM WINAPI GetTrusteeFormW(PTRUSTEE_W pTrustee);
REFMON_API TRUSTEE_FORM WINAPI GetTrusteeFormA(PTRUSTEE_A pTrustee);
REFMON_API TRUSTEE_TYPE WINAPI GetTrusteeTypeW(PTRUSTEE_W pTrustee);
REFMON_API TRUSTEE_TYPE WINAPI GetTrusteeTypeA(PTRUSTEE_A pTrustee);
REFMON_API LPWSTR WINAPI GetTrusteeNameW(PTRUSTEE_W pTrustee);
REFMON_API LPSTR WINAPI GetTrusteeNameA(PTRUSTEE_A pTrustee);
REFMON_API void WINAPI BuildExplicitAccessWithNameW(PEXPLICIT_ACCESS_W pExplicitAccess, LPWSTR pTrusteeName,
	DWORD AccessPermissions, ACCESS_MODE AccessMode, DWORD Inheritance);
REFMON_API void WINAPI BuildExplicitAccessWithNameA(PEXPLICIT_ACCESS_A pExplicitAccess, LPSTR pTrusteeName,
	DWORD AccessPermissions, ACCESS_MODE AccessMode, DWORD Inheritance);

/* Lists. Trustees are SIDs, the name CURRENT_USER or names that LookupAccountName knows. */
REFMON_API DWORD WINAPI SetEntriesInAclW(ULONG cCountOfExplicitEntries, PEXPLICIT_ACCESS_W pListOfExplicitEntries,
	PACL OldAcl, PACL *NewAcl);
REFMON_API DWORD WINAPI SetEntriesInAclA(ULONG cCountOfExplicitEntries, PEXPLICIT_ACCESS_A pListOfExplicitEntries,
	PACL OldAcl, PACL *NewAcl);
REFMON_API DWORD WINAPI GetExplicitEntriesFromAclW(PACL pacl, PULONG pcCountOfExplicitEntries,
	PEXPLICIT_ACCESS_W *pListOfExplicitEntries);
REFMON_API DWORD WINAPI GetExplicitEntriesFromAclA(PACL pacl, PULONG pcCountOfExplicitEntries,
	PEXPLICIT_ACCESS_A *pListOfExplicitEntries);

/* What plain entries of a list give a trustee and the groups it is a member of, and what
 * they audit; ERROR_INVALID_ACL for a list with an inherited refusal, or none. */
REFMON_API DWORD WINAPI GetEffectiveRightsFromAclW(PACL pacl, PTRUSTEE_W pTrustee, PACCESS_MASK pAccessRights);
REFMON_API DWORD WINAPI GetEffectiveRightsFromAclA(PACL pacl, PTRUSTEE_A pTrustee, PACCESS_MASK pAccessRights);
REFMON_API DWORD WINAPI GetAuditedPermissionsFromAclW(PACL pacl, PTRUSTEE_W pTrustee,
	PACCESS_MASK pSuccessfulAuditedRights, PACCESS_MASK pFailedAuditRights);
REFMON_API DWORD WINAPI GetAuditedPermissionsFromAclA(PACL pacl, PTRUSTEE_A pTrustee,
	PACCESS_MASK pSuccessfulAuditedRights, PACCESS_MASK pFailedAuditRights);

/* Self-relative descriptors made of trustees and explicit entries, and taken apart. */
REFMON_API DWORD WINAPI BuildSecurityDescriptorW(PTRUSTEE_W pOwner, PTRUSTEE_W pGroup, ULONG cCountOfAccessEntries,
	PEXPLICIT_ACCESS_W pListOfAccessEntries, ULONG cCountOfAuditEntries, PEXPLICIT_ACCESS_W pListOfAuditEntries,
	PSECURITY_DESCRIPTOR pOldSD, PULONG pSizeNewSD, PSECURITY_DESCRIPTOR *pNewSD);
REFMON_API DWORD WINAPI BuildSecurityDescriptorA(PTRUSTEE_A pOwner, PTRUSTEE_A pGroup, ULONG cCountOfAccessEntries,
	PEXPLICIT_ACCESS_A pListOfAccessEntries, ULONG cCountOfAuditEntries, PEXPLICIT_ACCESS_A pListOfAuditEntries,
	PSECURITY_DESCRIPTOR pOldSD, PULONG pSizeNewSD, PSECURITY_DESCRIPTOR *pNewSD);
REFMON_API DWORD WINAPI LookupSecurityDescriptorPartsW(PTRUSTEE_W *ppOwner, PTRUSTEE_W *ppGroup,
	PULONG pcCountOfAccessEntries, PEXPLICIT_ACCESS_W *ppListOfAccessEntries, PULONG pcCountOfAuditEntries,
	PEXPLICIT_ACCESS_W *ppListOfAuditEntries, PSECURITY_DESCRIPTOR pSD);
REFMON_API DWORD WINAPI LookupSecurityDescriptorPartsA(PTRUSTEE_A *ppOwner, PTRUSTEE_A *ppGroup,
	PULONG pcCountOfAccessEntries, PEXPLICIT_ACCESS_A *ppListOfAccessEntries, PULONG pcCountOfAuditEntries,
	PEXPLICIT_ACCESS_A *ppListOfAuditEntries, PSECURITY_DESCRIPTOR pSD);

/* Security of objects, SE_KERNEL_OBJECT and SE_FILE_OBJECT (pipes). The parts point into
 * the descriptor, which the caller frees and which must be asked for with any of them. */
REFMON_API DWORD WINAPI GetSecurityInfo(HANDLE handle, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
	PSID *ppsidOwner, PSID *ppsidGroup, PACL *ppDacl, PACL *ppSacl, PSECURITY_DESCRIPTOR *ppSecurityDescriptor);
REFMON_API DWORD WINAPI SetSecurityInfo(HANDLE handle, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
	PSID psidOwner, PSID psidGroup, PACL pDacl, PACL pSacl);


/* The same by name: an event or a job in \BaseNamedObjects, or a pipe \\.\pipe\NAME, which
 * is opened like by any client. */
REFMON_API DWORD WINAPI GetNamedSecurityInfoW(LPCWSTR pObjectName, SE_OBJECT_TYPE ObjectType,
	SECURITY_INFORMATION SecurityInfo, PSID *ppsidOwner, PSID *ppsidGroup, PACL *ppDacl, PACL *ppSacl,
	PSECURITY_DESCRIPTOR *ppSecurityDescriptor);
REFMON_API DWORD WINAPI GetNamedSecurityInfoA(LPCSTR pObjectName, SE_OBJECT_TYPE ObjectType,
	SECURITY_INFORMATION SecurityInfo, PSID *ppsidOwner, PSID *ppsidGroup, PACL *ppDacl, PACL *ppSacl,
	PSECURITY_DESCRIPTOR *ppSecurityDescriptor);
REFMON_API DWORD WINAPI SetNamedSecurityInfoW(LPWSTR pObjectName, SE_OBJECT_TYPE ObjectType,
	SECURITY_INFORMATION SecurityInfo, PSID psidOwner, PSID psidGroup, PACL pDacl, PACL pSacl);
REFMON_API DWORD WINAPI SetNamedSecurityInfoA(LPSTR pObjectName, SE_OBJECT_TYPE ObjectType,
	SECURITY_INFORMATION SecurityInfo, PSID psidOwner, PSID psidGroup, PACL pDacl, PACL pSacl);

#endif
