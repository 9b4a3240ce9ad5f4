/* Each structure of ntifs.h has the size and the offsets it has on 64-bit Windows. */
#include <refmon/ntifs.h>

#define SIZE(t, n) _Static_assert(sizeof(t) == (n), #t)
#define AT(t, f, n) _Static_assert(offsetof(t, f) == (n), #t "." #f)

SIZE(KPROCESSOR_MODE, 1);
SIZE(SECURITY_SUBJECT_CONTEXT, 32);
AT(SECURITY_SUBJECT_CONTEXT, ImpersonationLevel, 8);
AT(SECURITY_SUBJECT_CONTEXT, PrimaryToken, 16);
AT(SECURITY_SUBJECT_CONTEXT, ProcessAuditId, 24);
SIZE(TOKEN_CONTROL, 40);
AT(TOKEN_CONTROL, TokenSource, 24);
SIZE(SECURITY_CLIENT_CONTEXT, 72);
AT(SECURITY_CLIENT_CONTEXT, ClientToken, 16);
AT(SECURITY_CLIENT_CONTEXT, DirectlyAccessClientToken, 24);
AT(SECURITY_CLIENT_CONTEXT, DirectAccessEffectiveOnly, 25);
AT(SECURITY_CLIENT_CONTEXT, ServerIsRemote, 26);
AT(SECURITY_CLIENT_CONTEXT, ClientTokenControl, 28);
SIZE(SE_IMPERSONATION_STATE, 16);
AT(SE_IMPERSONATION_STATE, CopyOnOpen, 8);
AT(SE_IMPERSONATION_STATE, EffectiveOnly, 9);
AT(SE_IMPERSONATION_STATE, Level, 12);
SIZE(INITIAL_PRIVILEGE_SET, 44);
SIZE(ACCESS_STATE, 160);
AT(ACCESS_STATE, SecurityEvaluated, 8);
AT(ACCESS_STATE, Flags, 12);
AT(ACCESS_STATE, RemainingDesiredAccess, 16);
AT(ACCESS_STATE, PreviouslyGrantedAccess, 20);
AT(ACCESS_STATE, OriginalDesiredAccess, 24);
AT(ACCESS_STATE, SubjectSecurityContext, 32);
AT(ACCESS_STATE, SecurityDescriptor, 64);
AT(ACCESS_STATE, AuxData, 72);
AT(ACCESS_STATE, Privileges, 80);
AT(ACCESS_STATE, AuditPrivileges, 124);
AT(ACCESS_STATE, ObjectName, 128);
AT(ACCESS_STATE, ObjectTypeName, 144);
SIZE(OBJECT_HANDLE_INFORMATION, 8);
AT(SE_EXPORTS, SeNullSid, 184);
AT(SE_EXPORTS, SeUndockPrivilege, 360);
AT(SE_EXPORTS, SeLocalServiceSid, 384);
AT(SE_EXPORTS, SeIUserSid, 464);
SIZE(SE_EXPORTS, 528);
SIZE(REFMON_COUNTS, 32);
SIZE(WORK_QUEUE_ITEM, 32);
AT(WORK_QUEUE_ITEM, WorkerRoutine, 16);
