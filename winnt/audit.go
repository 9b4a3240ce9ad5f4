package winnt

// AUDIT_ALLOW_NO_PRIVILEGE lets a caller without SeAuditPrivilege have an
// access check without its record (AccessCheckByTypeAndAuditAlarm).
const AUDIT_ALLOW_NO_PRIVILEGE uint32 = 1
