package winnt

// Token flags, TOKEN_FLAGS of a token's access information (ntifs.h).
const (
	TOKEN_HAS_TRAVERSE_PRIVILEGE         uint32 = 0x00001
	TOKEN_HAS_BACKUP_PRIVILEGE           uint32 = 0x00002
	TOKEN_HAS_RESTORE_PRIVILEGE          uint32 = 0x00004
	TOKEN_WRITE_RESTRICTED               uint32 = 0x00008
	TOKEN_IS_RESTRICTED                  uint32 = 0x00010
	TOKEN_SESSION_NOT_REFERENCED         uint32 = 0x00020
	TOKEN_SANDBOX_INERT                  uint32 = 0x00040
	TOKEN_HAS_IMPERSONATE_PRIVILEGE      uint32 = 0x00080
	SE_BACKUP_PRIVILEGES_CHECKED         uint32 = 0x00100
	TOKEN_VIRTUALIZE_ALLOWED             uint32 = 0x00200
	TOKEN_VIRTUALIZE_ENABLED             uint32 = 0x00400
	TOKEN_IS_FILTERED                    uint32 = 0x00800
	TOKEN_UIACCESS                       uint32 = 0x01000
	TOKEN_NOT_LOW                        uint32 = 0x02000
	TOKEN_LOWBOX                         uint32 = 0x04000
	TOKEN_HAS_OWN_CLAIM_ATTRIBUTES       uint32 = 0x08000
	TOKEN_PRIVATE_NAMESPACE              uint32 = 0x10000
	TOKEN_NO_CHILD_PROCESS               uint32 = 0x80000
	TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE uint32 = 0x100000
	TOKEN_AUDIT_NO_CHILD_PROCESS         uint32 = 0x200000
)

// Flags of NtFilterToken ("CreateRestrictedToken").
const (
	DISABLE_MAX_PRIVILEGE uint32 = 0x1
	SANDBOX_INERT         uint32 = 0x2
	LUA_TOKEN             uint32 = 0x4
	WRITE_RESTRICTED      uint32 = 0x8
)

// Elevation types (TOKEN_ELEVATION_TYPE).
const (
	TokenElevationTypeDefault uint32 = 1
	TokenElevationTypeFull    uint32 = 2
	TokenElevationTypeLimited uint32 = 3
)

// Integrity levels: the RID of S-1-16-rid (MS-DTYP 2.4.2.4).
const (
	SECURITY_MANDATORY_UNTRUSTED_RID         uint32 = 0x0000
	SECURITY_MANDATORY_LOW_RID               uint32 = 0x1000
	SECURITY_MANDATORY_MEDIUM_RID            uint32 = 0x2000
	SECURITY_MANDATORY_MEDIUM_PLUS_RID       uint32 = 0x2100
	SECURITY_MANDATORY_HIGH_RID              uint32 = 0x3000
	SECURITY_MANDATORY_SYSTEM_RID            uint32 = 0x4000
	SECURITY_MANDATORY_PROTECTED_PROCESS_RID uint32 = 0x5000
)
