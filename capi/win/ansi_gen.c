/* Written by gen.go from the public headers. DO NOT EDIT. */
#include "ansi.h"

void WINAPI BuildTrusteeWithSidA(PTRUSTEE_A pTrustee, PSID pSid)
{
	BuildTrusteeWithSidW((PTRUSTEE_W)pTrustee, pSid);
}

void WINAPI BuildTrusteeWithNameA(PTRUSTEE_A pTrustee, LPSTR pName)
{
	BuildTrusteeWithNameW((PTRUSTEE_W)pTrustee, (LPWSTR)pName);
}

void WINAPI BuildTrusteeWithObjectsAndSidA(PTRUSTEE_A pTrustee, POBJECTS_AND_SID pObjSid, GUID *pObjectGuid,
	GUID *pInheritedObjectGuid, PSID pSid)
{
	BuildTrusteeWithObjectsAndSidW((PTRUSTEE_W)pTrustee, pObjSid, pObjectGuid, pInheritedObjectGuid, pSid);
}

void WINAPI BuildTrusteeWithObjectsAndNameA(PTRUSTEE_A pTrustee, POBJECTS_AND_NAME_A pObjName,
	SE_OBJECT_TYPE ObjectType, LPSTR ObjectTypeName, LPSTR InheritedObjectTypeName, LPSTR Name)
{
	BuildTrusteeWithObjectsAndNameW((PTRUSTEE_W)pTrustee, (POBJECTS_AND_NAME_W)pObjName, ObjectType,
		(LPWSTR)ObjectTypeName, (LPWSTR)InheritedObjectTypeName, (LPWSTR)Name);
}

TRUSTEE_FORM WINAPI GetTrusteeFormA(PTRUSTEE_A pTrustee)
{
	return GetTrusteeFormW((PTRUSTEE_W)pTrustee);
}

TRUSTEE_TYPE WINAPI GetTrusteeTypeA(PTRUSTEE_A pTrustee)
{
	return GetTrusteeTypeW((PTRUSTEE_W)pTrustee);
}

LPSTR WINAPI GetTrusteeNameA(PTRUSTEE_A pTrustee)
{
	return (LPSTR)GetTrusteeNameW((PTRUSTEE_W)pTrustee);
}

void WINAPI BuildExplicitAccessWithNameA(PEXPLICIT_ACCESS_A pExplicitAccess, LPSTR pTrusteeName,
	DWORD AccessPermissions, ACCESS_MODE AccessMode, DWORD Inheritance)
{
	BuildExplicitAccessWithNameW((PEXPLICIT_ACCESS_W)pExplicitAccess, (LPWSTR)pTrusteeName, AccessPermissions, AccessMode,
		Inheritance);
}

DWORD WINAPI SetEntriesInAclA(ULONG cCountOfExplicitEntries, PEXPLICIT_ACCESS_A pListOfExplicitEntries, PACL OldAcl,
	PACL *NewAcl)
{
	return rm_entries_acl(cCountOfExplicitEntries, (PEXPLICIT_ACCESS_W)pListOfExplicitEntries, OldAcl, NewAcl, FALSE);
}

DWORD WINAPI GetExplicitEntriesFromAclA(PACL pacl, PULONG pcCountOfExplicitEntries,
	PEXPLICIT_ACCESS_A *pListOfExplicitEntries)
{
	return GetExplicitEntriesFromAclW(pacl, pcCountOfExplicitEntries, (PEXPLICIT_ACCESS_W *)pListOfExplicitEntries);
}

DWORD WINAPI GetEffectiveRightsFromAclA(PACL pacl, PTRUSTEE_A pTrustee, PACCESS_MASK pAccessRights)
{
	return rm_effective_rights(pacl, (PTRUSTEE_W)pTrustee, pAccessRights, FALSE);
}

DWORD WINAPI GetAuditedPermissionsFromAclA(PACL pacl, PTRUSTEE_A pTrustee, PACCESS_MASK pSuccessfulAuditedRights,
	PACCESS_MASK pFailedAuditRights)
{
	return rm_audited_permissions(pacl, (PTRUSTEE_W)pTrustee, pSuccessfulAuditedRights, pFailedAuditRights, FALSE);
}

DWORD WINAPI BuildSecurityDescriptorA(PTRUSTEE_A pOwner, PTRUSTEE_A pGroup, ULONG cCountOfAccessEntries,
	PEXPLICIT_ACCESS_A pListOfAccessEntries, ULONG cCountOfAuditEntries, PEXPLICIT_ACCESS_A pListOfAuditEntries,
	PSECURITY_DESCRIPTOR pOldSD, PULONG pSizeNewSD, PSECURITY_DESCRIPTOR *pNewSD)
{
	return rm_build_descriptor((PTRUSTEE_W)pOwner, (PTRUSTEE_W)pGroup, cCountOfAccessEntries,
		(PEXPLICIT_ACCESS_W)pListOfAccessEntries, cCountOfAuditEntries, (PEXPLICIT_ACCESS_W)pListOfAuditEntries, pOldSD,
		pSizeNewSD, pNewSD, FALSE);
}

DWORD WINAPI LookupSecurityDescriptorPartsA(PTRUSTEE_A *ppOwner, PTRUSTEE_A *ppGroup, PULONG pcCountOfAccessEntries,
	PEXPLICIT_ACCESS_A *ppListOfAccessEntries, PULONG pcCountOfAuditEntries, PEXPLICIT_ACCESS_A *ppListOfAuditEntries,
	PSECURITY_DESCRIPTOR pSD)
{
	return rm_descriptor_parts((PTRUSTEE_W *)ppOwner, (PTRUSTEE_W *)ppGroup, pcCountOfAccessEntries,
		(PEXPLICIT_ACCESS_W *)ppListOfAccessEntries, pcCountOfAuditEntries, (PEXPLICIT_ACCESS_W *)ppListOfAuditEntries, pSD,
		FALSE);
}

DWORD WINAPI GetNamedSecurityInfoA(LPCSTR pObjectName, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
	PSID *ppsidOwner, PSID *ppsidGroup, PACL *ppDacl, PACL *ppSacl, PSECURITY_DESCRIPTOR *ppSecurityDescriptor)
{
	PWSTR wide_pObjectName = NULL;
	DWORD r = ERROR_NOT_ENOUGH_MEMORY;
	if (widen(pObjectName, &wide_pObjectName))
		r = GetNamedSecurityInfoW(wide_pObjectName, ObjectType, SecurityInfo, ppsidOwner, ppsidGroup, ppDacl, ppSacl,
			ppSecurityDescriptor);
	drop(wide_pObjectName);
	return r;
}

DWORD WINAPI SetNamedSecurityInfoA(LPSTR pObjectName, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
	PSID psidOwner, PSID psidGroup, PACL pDacl, PACL pSacl)
{
	PWSTR wide_pObjectName = NULL;
	DWORD r = ERROR_NOT_ENOUGH_MEMORY;
	if (widen(pObjectName, &wide_pObjectName))
		r = SetNamedSecurityInfoW(wide_pObjectName, ObjectType, SecurityInfo, psidOwner, psidGroup, pDacl, pSacl);
	drop(wide_pObjectName);
	return r;
}

HANDLE WINAPI CreateNamedPipeA(LPCSTR lpName, DWORD dwOpenMode, DWORD dwPipeMode, DWORD nMaxInstances,
	DWORD nOutBufferSize, DWORD nInBufferSize, DWORD nDefaultTimeOut, LPSECURITY_ATTRIBUTES lpSecurityAttributes)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = INVALID_HANDLE_VALUE;
	if (widen(lpName, &wide_lpName))
		r = CreateNamedPipeW(wide_lpName, dwOpenMode, dwPipeMode, nMaxInstances, nOutBufferSize, nInBufferSize,
			nDefaultTimeOut, lpSecurityAttributes);
	drop(wide_lpName);
	return r;
}

BOOL WINAPI GetNamedPipeHandleStateA(HANDLE hNamedPipe, LPDWORD lpState, LPDWORD lpCurInstances,
	LPDWORD lpMaxCollectionCount, LPDWORD lpCollectDataTimeout, LPSTR lpUserName, DWORD nMaxUserNameSize)
{
	return GetNamedPipeHandleStateW(hNamedPipe, lpState, lpCurInstances, lpMaxCollectionCount, lpCollectDataTimeout,
		(LPWSTR)lpUserName, nMaxUserNameSize);
}

BOOL WINAPI WaitNamedPipeA(LPCSTR lpNamedPipeName, DWORD nTimeOut)
{
	PWSTR wide_lpNamedPipeName = NULL;
	BOOL r = FALSE;
	if (widen(lpNamedPipeName, &wide_lpNamedPipeName))
		r = WaitNamedPipeW(wide_lpNamedPipeName, nTimeOut);
	drop(wide_lpNamedPipeName);
	return r;
}

HANDLE WINAPI CreateFileA(LPCSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
	LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition, DWORD dwFlagsAndAttributes,
	HANDLE hTemplateFile)
{
	PWSTR wide_lpFileName = NULL;
	HANDLE r = INVALID_HANDLE_VALUE;
	if (widen(lpFileName, &wide_lpFileName))
		r = CreateFileW(wide_lpFileName, dwDesiredAccess, dwShareMode, lpSecurityAttributes, dwCreationDisposition,
			dwFlagsAndAttributes, hTemplateFile);
	drop(wide_lpFileName);
	return r;
}

HANDLE WINAPI CreateJobObjectA(LPSECURITY_ATTRIBUTES lpJobAttributes, LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = CreateJobObjectW(lpJobAttributes, wide_lpName);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI OpenJobObjectA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = OpenJobObjectW(dwDesiredAccess, bInheritHandle, wide_lpName);
	drop(wide_lpName);
	return r;
}

BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorA(LPCSTR StringSecurityDescriptor,
	DWORD StringSDRevision, PSECURITY_DESCRIPTOR *SecurityDescriptor, PULONG SecurityDescriptorSize)
{
	PWSTR wide_StringSecurityDescriptor = NULL;
	BOOL r = FALSE;
	if (widen(StringSecurityDescriptor, &wide_StringSecurityDescriptor))
		r = ConvertStringSecurityDescriptorToSecurityDescriptorW(wide_StringSecurityDescriptor, StringSDRevision,
			SecurityDescriptor, SecurityDescriptorSize);
	drop(wide_StringSecurityDescriptor);
	return r;
}

BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorA(PSECURITY_DESCRIPTOR SecurityDescriptor,
	DWORD RequestedStringSDRevision, SECURITY_INFORMATION SecurityInformation, LPSTR *StringSecurityDescriptor,
	PULONG StringSecurityDescriptorLen)
{
	PWSTR wide_StringSecurityDescriptor = NULL;
	BOOL r = ConvertSecurityDescriptorToStringSecurityDescriptorW(SecurityDescriptor, RequestedStringSDRevision,
		SecurityInformation, StringSecurityDescriptor ? &wide_StringSecurityDescriptor : NULL, StringSecurityDescriptorLen);
	if (r)
		*StringSecurityDescriptor = narrow(wide_StringSecurityDescriptor, units(wide_StringSecurityDescriptor));
	return r;
}

BOOL WINAPI ConvertStringSidToSidA(LPCSTR StringSid, PSID *Sid)
{
	PWSTR wide_StringSid = NULL;
	BOOL r = FALSE;
	if (widen(StringSid, &wide_StringSid))
		r = ConvertStringSidToSidW(wide_StringSid, Sid);
	drop(wide_StringSid);
	return r;
}

BOOL WINAPI ConvertSidToStringSidA(PSID Sid, LPSTR *StringSid)
{
	PWSTR wide_StringSid = NULL;
	BOOL r = ConvertSidToStringSidW(Sid, StringSid ? &wide_StringSid : NULL);
	if (r)
		*StringSid = narrow(wide_StringSid, units(wide_StringSid));
	return r;
}

BOOL WINAPI LookupPrivilegeValueA(LPCSTR lpSystemName, LPCSTR lpName, PLUID lpLuid)
{
	PWSTR wide_lpSystemName = NULL;
	PWSTR wide_lpName = NULL;
	BOOL r = FALSE;
	if (widen(lpSystemName, &wide_lpSystemName) && widen(lpName, &wide_lpName))
		r = LookupPrivilegeValueW(wide_lpSystemName, wide_lpName, lpLuid);
	drop(wide_lpSystemName);
	drop(wide_lpName);
	return r;
}

BOOL WINAPI LookupPrivilegeNameA(LPCSTR lpSystemName, PLUID lpLuid, LPSTR lpName, LPDWORD cchName)
{
	PWSTR wide_lpSystemName = NULL;
	struct buffer wide_lpName = {0};
	BOOL r = FALSE;
	if (widen(lpSystemName, &wide_lpSystemName) && room(lpName, cchName, &wide_lpName))
		r = LookupPrivilegeNameW(wide_lpSystemName, lpLuid, wide_lpName.text, cchName ? &wide_lpName.units : NULL);
	drop(wide_lpSystemName);
	leave(lpName, cchName, &wide_lpName, r);
	return r;
}

BOOL WINAPI ObjectOpenAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, LPSTR ObjectTypeName, LPSTR ObjectName,
	PSECURITY_DESCRIPTOR pSecurityDescriptor, HANDLE ClientToken, DWORD DesiredAccess, DWORD GrantedAccess,
	PPRIVILEGE_SET Privileges, BOOL ObjectCreation, BOOL AccessGranted, LPBOOL GenerateOnClose)
{
	PWSTR wide_SubsystemName = NULL;
	PWSTR wide_ObjectTypeName = NULL;
	PWSTR wide_ObjectName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName) && widen(ObjectTypeName, &wide_ObjectTypeName) && widen(ObjectName,
		&wide_ObjectName))
		r = ObjectOpenAuditAlarmW(wide_SubsystemName, HandleId, wide_ObjectTypeName, wide_ObjectName, pSecurityDescriptor,
			ClientToken, DesiredAccess, GrantedAccess, Privileges, ObjectCreation, AccessGranted, GenerateOnClose);
	drop(wide_SubsystemName);
	drop(wide_ObjectTypeName);
	drop(wide_ObjectName);
	return r;
}

BOOL WINAPI ObjectPrivilegeAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, HANDLE ClientToken, DWORD DesiredAccess,
	PPRIVILEGE_SET Privileges, BOOL AccessGranted)
{
	PWSTR wide_SubsystemName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName))
		r = ObjectPrivilegeAuditAlarmW(wide_SubsystemName, HandleId, ClientToken, DesiredAccess, Privileges, AccessGranted);
	drop(wide_SubsystemName);
	return r;
}

BOOL WINAPI PrivilegedServiceAuditAlarmA(LPCSTR SubsystemName, LPCSTR ServiceName, HANDLE ClientToken,
	PPRIVILEGE_SET Privileges, BOOL AccessGranted)
{
	PWSTR wide_SubsystemName = NULL;
	PWSTR wide_ServiceName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName) && widen(ServiceName, &wide_ServiceName))
		r = PrivilegedServiceAuditAlarmW(wide_SubsystemName, wide_ServiceName, ClientToken, Privileges, AccessGranted);
	drop(wide_SubsystemName);
	drop(wide_ServiceName);
	return r;
}

BOOL WINAPI ObjectCloseAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, BOOL GenerateOnClose)
{
	PWSTR wide_SubsystemName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName))
		r = ObjectCloseAuditAlarmW(wide_SubsystemName, HandleId, GenerateOnClose);
	drop(wide_SubsystemName);
	return r;
}

BOOL WINAPI ObjectDeleteAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, BOOL GenerateOnClose)
{
	PWSTR wide_SubsystemName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName))
		r = ObjectDeleteAuditAlarmW(wide_SubsystemName, HandleId, GenerateOnClose);
	drop(wide_SubsystemName);
	return r;
}

BOOL WINAPI AccessCheckAndAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, LPSTR ObjectTypeName, LPSTR ObjectName,
	PSECURITY_DESCRIPTOR SecurityDescriptor, DWORD DesiredAccess, PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation,
	LPDWORD GrantedAccess, LPBOOL AccessStatus, LPBOOL pfGenerateOnClose)
{
	PWSTR wide_SubsystemName = NULL;
	PWSTR wide_ObjectTypeName = NULL;
	PWSTR wide_ObjectName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName) && widen(ObjectTypeName, &wide_ObjectTypeName) && widen(ObjectName,
		&wide_ObjectName))
		r = AccessCheckAndAuditAlarmW(wide_SubsystemName, HandleId, wide_ObjectTypeName, wide_ObjectName, SecurityDescriptor,
			DesiredAccess, GenericMapping, ObjectCreation, GrantedAccess, AccessStatus, pfGenerateOnClose);
	drop(wide_SubsystemName);
	drop(wide_ObjectTypeName);
	drop(wide_ObjectName);
	return r;
}

BOOL WINAPI AccessCheckByTypeAndAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, LPCSTR ObjectTypeName,
	LPCSTR ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, DWORD DesiredAccess,
	AUDIT_EVENT_TYPE AuditType, DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation, LPDWORD GrantedAccess, LPBOOL AccessStatus,
	LPBOOL pfGenerateOnClose)
{
	PWSTR wide_SubsystemName = NULL;
	PWSTR wide_ObjectTypeName = NULL;
	PWSTR wide_ObjectName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName) && widen(ObjectTypeName, &wide_ObjectTypeName) && widen(ObjectName,
		&wide_ObjectName))
		r = AccessCheckByTypeAndAuditAlarmW(wide_SubsystemName, HandleId, wide_ObjectTypeName, wide_ObjectName,
			SecurityDescriptor, PrincipalSelfSid, DesiredAccess, AuditType, Flags, ObjectTypeList, ObjectTypeListLength,
			GenericMapping, ObjectCreation, GrantedAccess, AccessStatus, pfGenerateOnClose);
	drop(wide_SubsystemName);
	drop(wide_ObjectTypeName);
	drop(wide_ObjectName);
	return r;
}

BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, LPCSTR ObjectTypeName,
	LPCSTR ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, DWORD DesiredAccess,
	AUDIT_EVENT_TYPE AuditType, DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation, LPDWORD GrantedAccessList, LPDWORD AccessStatusList,
	LPBOOL pfGenerateOnClose)
{
	PWSTR wide_SubsystemName = NULL;
	PWSTR wide_ObjectTypeName = NULL;
	PWSTR wide_ObjectName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName) && widen(ObjectTypeName, &wide_ObjectTypeName) && widen(ObjectName,
		&wide_ObjectName))
		r = AccessCheckByTypeResultListAndAuditAlarmW(wide_SubsystemName, HandleId, wide_ObjectTypeName, wide_ObjectName,
			SecurityDescriptor, PrincipalSelfSid, DesiredAccess, AuditType, Flags, ObjectTypeList, ObjectTypeListLength,
			GenericMapping, ObjectCreation, GrantedAccessList, AccessStatusList, pfGenerateOnClose);
	drop(wide_SubsystemName);
	drop(wide_ObjectTypeName);
	drop(wide_ObjectName);
	return r;
}

BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmByHandleA(LPCSTR SubsystemName, LPVOID HandleId,
	HANDLE ClientToken, LPCSTR ObjectTypeName, LPCSTR ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, DWORD DesiredAccess, AUDIT_EVENT_TYPE AuditType, DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList,
	DWORD ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation, LPDWORD GrantedAccessList,
	LPDWORD AccessStatusList, LPBOOL pfGenerateOnClose)
{
	PWSTR wide_SubsystemName = NULL;
	PWSTR wide_ObjectTypeName = NULL;
	PWSTR wide_ObjectName = NULL;
	BOOL r = FALSE;
	if (widen(SubsystemName, &wide_SubsystemName) && widen(ObjectTypeName, &wide_ObjectTypeName) && widen(ObjectName,
		&wide_ObjectName))
		r = AccessCheckByTypeResultListAndAuditAlarmByHandleW(wide_SubsystemName, HandleId, ClientToken, wide_ObjectTypeName,
			wide_ObjectName, SecurityDescriptor, PrincipalSelfSid, DesiredAccess, AuditType, Flags, ObjectTypeList,
			ObjectTypeListLength, GenericMapping, ObjectCreation, GrantedAccessList, AccessStatusList, pfGenerateOnClose);
	drop(wide_SubsystemName);
	drop(wide_ObjectTypeName);
	drop(wide_ObjectName);
	return r;
}

BOOL WINAPI GetFileSecurityA(LPCSTR lpFileName, SECURITY_INFORMATION RequestedInformation,
	PSECURITY_DESCRIPTOR pSecurityDescriptor, DWORD nLength, LPDWORD lpnLengthNeeded)
{
	PWSTR wide_lpFileName = NULL;
	BOOL r = FALSE;
	if (widen(lpFileName, &wide_lpFileName))
		r = GetFileSecurityW(wide_lpFileName, RequestedInformation, pSecurityDescriptor, nLength, lpnLengthNeeded);
	drop(wide_lpFileName);
	return r;
}

BOOL WINAPI SetFileSecurityA(LPCSTR lpFileName, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR pSecurityDescriptor)
{
	PWSTR wide_lpFileName = NULL;
	BOOL r = FALSE;
	if (widen(lpFileName, &wide_lpFileName))
		r = SetFileSecurityW(wide_lpFileName, SecurityInformation, pSecurityDescriptor);
	drop(wide_lpFileName);
	return r;
}

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES lpEventAttributes, BOOL bManualReset, BOOL bInitialState,
	LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = CreateEventW(lpEventAttributes, bManualReset, bInitialState, wide_lpName);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI CreateEventExA(LPSECURITY_ATTRIBUTES lpEventAttributes, LPCSTR lpName, DWORD dwFlags,
	DWORD dwDesiredAccess)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = CreateEventExW(lpEventAttributes, wide_lpName, dwFlags, dwDesiredAccess);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI OpenEventA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = OpenEventW(dwDesiredAccess, bInheritHandle, wide_lpName);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES lpMutexAttributes, BOOL bInitialOwner, LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = CreateMutexW(lpMutexAttributes, bInitialOwner, wide_lpName);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI CreateMutexExA(LPSECURITY_ATTRIBUTES lpMutexAttributes, LPCSTR lpName, DWORD dwFlags,
	DWORD dwDesiredAccess)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = CreateMutexExW(lpMutexAttributes, wide_lpName, dwFlags, dwDesiredAccess);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI OpenMutexA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = OpenMutexW(dwDesiredAccess, bInheritHandle, wide_lpName);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
	LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = CreateSemaphoreW(lpSemaphoreAttributes, lInitialCount, lMaximumCount, wide_lpName);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI CreateSemaphoreExA(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
	LPCSTR lpName, DWORD dwFlags, DWORD dwDesiredAccess)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = CreateSemaphoreExW(lpSemaphoreAttributes, lInitialCount, lMaximumCount, wide_lpName, dwFlags, dwDesiredAccess);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI OpenSemaphoreA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName)
{
	PWSTR wide_lpName = NULL;
	HANDLE r = NULL;
	if (widen(lpName, &wide_lpName))
		r = OpenSemaphoreW(dwDesiredAccess, bInheritHandle, wide_lpName);
	drop(wide_lpName);
	return r;
}

HANDLE WINAPI CreateWaitableTimerA(LPSECURITY_ATTRIBUTES lpTimerAttributes, BOOL bManualReset, LPCSTR lpTimerName)
{
	PWSTR wide_lpTimerName = NULL;
	HANDLE r = NULL;
	if (widen(lpTimerName, &wide_lpTimerName))
		r = CreateWaitableTimerW(lpTimerAttributes, bManualReset, wide_lpTimerName);
	drop(wide_lpTimerName);
	return r;
}

HANDLE WINAPI CreateWaitableTimerExA(LPSECURITY_ATTRIBUTES lpTimerAttributes, LPCSTR lpTimerName, DWORD dwFlags,
	DWORD dwDesiredAccess)
{
	PWSTR wide_lpTimerName = NULL;
	HANDLE r = NULL;
	if (widen(lpTimerName, &wide_lpTimerName))
		r = CreateWaitableTimerExW(lpTimerAttributes, wide_lpTimerName, dwFlags, dwDesiredAccess);
	drop(wide_lpTimerName);
	return r;
}

HANDLE WINAPI OpenWaitableTimerA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpTimerName)
{
	PWSTR wide_lpTimerName = NULL;
	HANDLE r = NULL;
	if (widen(lpTimerName, &wide_lpTimerName))
		r = OpenWaitableTimerW(dwDesiredAccess, bInheritHandle, wide_lpTimerName);
	drop(wide_lpTimerName);
	return r;
}

BOOL WINAPI LogonUserA(LPCSTR lpszUsername, LPCSTR lpszDomain, LPCSTR lpszPassword, DWORD dwLogonType,
	DWORD dwLogonProvider, PHANDLE phToken)
{
	PWSTR wide_lpszUsername = NULL;
	PWSTR wide_lpszDomain = NULL;
	PWSTR wide_lpszPassword = NULL;
	BOOL r = FALSE;
	if (widen(lpszUsername, &wide_lpszUsername) && widen(lpszDomain, &wide_lpszDomain) && widen(lpszPassword,
		&wide_lpszPassword))
		r = LogonUserW(wide_lpszUsername, wide_lpszDomain, wide_lpszPassword, dwLogonType, dwLogonProvider, phToken);
	drop(wide_lpszUsername);
	drop(wide_lpszDomain);
	drop(wide_lpszPassword);
	return r;
}

BOOL WINAPI LookupAccountSidA(LPCSTR lpSystemName, PSID Sid, LPSTR Name, LPDWORD cchName, LPSTR ReferencedDomainName,
	LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse)
{
	PWSTR wide_lpSystemName = NULL;
	struct buffer wide_Name = {0};
	struct buffer wide_ReferencedDomainName = {0};
	BOOL r = FALSE;
	if (widen(lpSystemName, &wide_lpSystemName) && room(Name, cchName, &wide_Name) && room(ReferencedDomainName,
		cchReferencedDomainName, &wide_ReferencedDomainName))
		r = LookupAccountSidW(wide_lpSystemName, Sid, wide_Name.text, cchName ? &wide_Name.units : NULL,
			wide_ReferencedDomainName.text, cchReferencedDomainName ? &wide_ReferencedDomainName.units : NULL, peUse);
	drop(wide_lpSystemName);
	leave(Name, cchName, &wide_Name, r);
	leave(ReferencedDomainName, cchReferencedDomainName, &wide_ReferencedDomainName, r);
	return r;
}

BOOL WINAPI LookupAccountNameA(LPCSTR lpSystemName, LPCSTR lpAccountName, PSID Sid, LPDWORD cbSid,
	LPSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse)
{
	PWSTR wide_lpSystemName = NULL;
	PWSTR wide_lpAccountName = NULL;
	struct buffer wide_ReferencedDomainName = {0};
	BOOL r = FALSE;
	if (widen(lpSystemName, &wide_lpSystemName) && widen(lpAccountName, &wide_lpAccountName) && room(ReferencedDomainName,
		cchReferencedDomainName, &wide_ReferencedDomainName))
		r = LookupAccountNameW(wide_lpSystemName, wide_lpAccountName, Sid, cbSid, wide_ReferencedDomainName.text,
			cchReferencedDomainName ? &wide_ReferencedDomainName.units : NULL, peUse);
	drop(wide_lpSystemName);
	drop(wide_lpAccountName);
	leave(ReferencedDomainName, cchReferencedDomainName, &wide_ReferencedDomainName, r);
	return r;
}

BOOL WINAPI GetUserNameA(LPSTR lpBuffer, LPDWORD pcbBuffer)
{
	struct buffer wide_lpBuffer = {0};
	BOOL r = FALSE;
	if (room(lpBuffer, pcbBuffer, &wide_lpBuffer))
		r = GetUserNameW(wide_lpBuffer.text, pcbBuffer ? &wide_lpBuffer.units : NULL);
	leave(lpBuffer, pcbBuffer, &wide_lpBuffer, r);
	return r;
}

BOOL WINAPI GetComputerNameA(LPSTR lpBuffer, LPDWORD nSize)
{
	struct buffer wide_lpBuffer = {0};
	BOOL r = FALSE;
	if (room(lpBuffer, nSize, &wide_lpBuffer))
		r = GetComputerNameW(wide_lpBuffer.text, nSize ? &wide_lpBuffer.units : NULL);
	leave(lpBuffer, nSize, &wide_lpBuffer, r);
	return r;
}
