package winnt

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Handle is a HANDLE: int64 on every platform. Real handles are positive
// multiples of 4, pseudo handles are small negative numbers, kernel handles
// have the top bit set. The zero value is never a valid handle.
type Handle int64

// Pseudo handles (GetCurrentProcess, GetCurrentThread, GetCurrentProcessToken,
// GetCurrentThreadToken, GetCurrentThreadEffectiveToken).
const (
	NtCurrentProcess        Handle = -1
	NtCurrentThread         Handle = -2
	NtCurrentProcessToken   Handle = -4
	NtCurrentThreadToken    Handle = -5
	NtCurrentEffectiveToken Handle = -6
)

// String prints a real handle as 0x%x and a pseudo handle by name.
func (h Handle) String() string {
	switch h {
	case NtCurrentProcess:
		return "NtCurrentProcess()"
	case NtCurrentThread:
		return "NtCurrentThread()"
	case NtCurrentProcessToken:
		return "NtCurrentProcessToken()"
	case NtCurrentThreadToken:
		return "NtCurrentThreadToken()"
	case NtCurrentEffectiveToken:
		return "NtCurrentEffectiveToken()"
	}
	return "0x" + strconv.FormatUint(uint64(h), 16)
}

// LUID is a locally unique identifier: LowPart in the low 32 bits, HighPart in
// the high 32. The zero value identifies nothing.
type LUID uint64

// Well-known logon session identifiers (ntifs.h).
const (
	SYSTEM_LUID          LUID = 0x3E7
	ANONYMOUS_LOGON_LUID LUID = 0x3E6
	LOCALSERVICE_LUID    LUID = 0x3E5
	NETWORKSERVICE_LUID  LUID = 0x3E4
	IUSER_LUID           LUID = 0x3E3
)

// String prints the identifier as 0x%x, the form of event fields.
func (l LUID) String() string {
	var room [18]byte
	return string(strconv.AppendUint(append(room[:0], "0x"...), uint64(l), 16))
}

// ParseLUID parses a number of at most 64 bits in a form of Go's integer literals, such as "0x3e7" or "999". A
// leading 0 means octal. It fails for any other text.
func ParseLUID(s string) (LUID, error) {
	v, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("LUID %q: want a number such as 0x3e7", s)
	}
	return LUID(v), nil
}

// GUID is a GUID in its binary form: u32, u16, u16 little-endian, then 8
// bytes (S-15). It is comparable; the zero value is the null GUID.
type GUID [16]byte

// String prints the lower-case 8-4-4-4-12 form without braces.
func (g GUID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], []byte{g[3], g[2], g[1], g[0]})
	b[8] = '-'
	hex.Encode(b[9:13], []byte{g[5], g[4]})
	b[13] = '-'
	hex.Encode(b[14:18], []byte{g[7], g[6]})
	b[18] = '-'
	hex.Encode(b[19:23], g[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], g[10:16])
	return string(b[:])
}

// ParseGUID parses the 8-4-4-4-12 form without braces, ignoring case.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, fmt.Errorf("GUID %q: want 8-4-4-4-12 hexadecimal digits without braces", s)
	}
	var d [16]byte
	if n, err := hex.Decode(d[:], []byte(strings.ReplaceAll(s, "-", ""))); err != nil || n != len(d) {
		return g, fmt.Errorf("GUID %q: want 8-4-4-4-12 hexadecimal digits without braces", s)
	}
	g = GUID{d[3], d[2], d[1], d[0], d[5], d[4], d[7], d[6]}
	copy(g[8:], d[8:])
	return g, nil
}

// SecurityImpersonationLevel is SECURITY_IMPERSONATION_LEVEL. The zero value
// is SecurityAnonymous.
type SecurityImpersonationLevel uint32

const (
	SecurityAnonymous SecurityImpersonationLevel = iota
	SecurityIdentification
	SecurityImpersonation
	SecurityDelegation
)

// String prints the documented name.
func (l SecurityImpersonationLevel) String() string {
	switch l {
	case SecurityAnonymous:
		return "SecurityAnonymous"
	case SecurityIdentification:
		return "SecurityIdentification"
	case SecurityImpersonation:
		return "SecurityImpersonation"
	case SecurityDelegation:
		return "SecurityDelegation"
	}
	return "SECURITY_IMPERSONATION_LEVEL(" + strconv.Itoa(int(l)) + ")"
}

// TokenType is TOKEN_TYPE. The zero value is not a valid type.
type TokenType uint32

const (
	TokenPrimary       TokenType = 1
	TokenImpersonation TokenType = 2
)

// String prints the documented name.
func (t TokenType) String() string {
	switch t {
	case TokenPrimary:
		return "TokenPrimary"
	case TokenImpersonation:
		return "TokenImpersonation"
	}
	return "TOKEN_TYPE(" + strconv.Itoa(int(t)) + ")"
}

// Context tracking modes of SECURITY_QUALITY_OF_SERVICE.
const (
	SECURITY_STATIC_TRACKING  = false
	SECURITY_DYNAMIC_TRACKING = true
)

// Object attribute flags (OBJECT_ATTRIBUTES.Attributes).
const (
	OBJ_PROTECT_CLOSE                 uint32 = 0x0001
	OBJ_INHERIT                       uint32 = 0x0002
	OBJ_AUDIT_OBJECT_CLOSE            uint32 = 0x0004
	OBJ_PERMANENT                     uint32 = 0x0010
	OBJ_EXCLUSIVE                     uint32 = 0x0020
	OBJ_CASE_INSENSITIVE              uint32 = 0x0040
	OBJ_OPENIF                        uint32 = 0x0080
	OBJ_OPENLINK                      uint32 = 0x0100
	OBJ_KERNEL_HANDLE                 uint32 = 0x0200
	OBJ_FORCE_ACCESS_CHECK            uint32 = 0x0400
	OBJ_IGNORE_IMPERSONATED_DEVICEMAP uint32 = 0x0800
	OBJ_DONT_REPARSE                  uint32 = 0x1000
	OBJ_VALID_ATTRIBUTES              uint32 = 0x1FF2
	DUPLICATE_CLOSE_SOURCE            uint32 = 1
	DUPLICATE_SAME_ACCESS             uint32 = 2
	DUPLICATE_SAME_ATTRIBUTES         uint32 = 4
)

// Group attributes (SE_GROUP_*).
const (
	SE_GROUP_MANDATORY          uint32 = 0x00000001
	SE_GROUP_ENABLED_BY_DEFAULT uint32 = 0x00000002
	SE_GROUP_ENABLED            uint32 = 0x00000004
	SE_GROUP_OWNER              uint32 = 0x00000008
	SE_GROUP_USE_FOR_DENY_ONLY  uint32 = 0x00000010
	SE_GROUP_INTEGRITY          uint32 = 0x00000020
	SE_GROUP_INTEGRITY_ENABLED  uint32 = 0x00000040
	SE_GROUP_RESOURCE           uint32 = 0x20000000
	SE_GROUP_LOGON_ID           uint32 = 0xC0000000
)

// Privilege attributes and PRIVILEGE_SET control.
const (
	SE_PRIVILEGE_ENABLED_BY_DEFAULT uint32 = 0x00000001
	SE_PRIVILEGE_ENABLED            uint32 = 0x00000002
	SE_PRIVILEGE_REMOVED            uint32 = 0x00000004
	SE_PRIVILEGE_USED_FOR_ACCESS    uint32 = 0x80000000
	PRIVILEGE_SET_ALL_NECESSARY     uint32 = 1
)

// Token mandatory policy bits (TOKEN_MANDATORY_POLICY).
const (
	TOKEN_MANDATORY_POLICY_OFF             uint32 = 0
	TOKEN_MANDATORY_POLICY_NO_WRITE_UP     uint32 = 1
	TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN uint32 = 2
)

// SECURITY_INFORMATION bits.
const (
	OWNER_SECURITY_INFORMATION               uint32 = 0x00000001
	GROUP_SECURITY_INFORMATION               uint32 = 0x00000002
	DACL_SECURITY_INFORMATION                uint32 = 0x00000004
	SACL_SECURITY_INFORMATION                uint32 = 0x00000008
	LABEL_SECURITY_INFORMATION               uint32 = 0x00000010
	ATTRIBUTE_SECURITY_INFORMATION           uint32 = 0x00000020
	SCOPE_SECURITY_INFORMATION               uint32 = 0x00000040
	PROCESS_TRUST_LABEL_SECURITY_INFORMATION uint32 = 0x00000080
	ACCESS_FILTER_SECURITY_INFORMATION       uint32 = 0x00000100
	BACKUP_SECURITY_INFORMATION              uint32 = 0x00010000
	UNPROTECTED_SACL_SECURITY_INFORMATION    uint32 = 0x10000000
	UNPROTECTED_DACL_SECURITY_INFORMATION    uint32 = 0x20000000
	PROTECTED_SACL_SECURITY_INFORMATION      uint32 = 0x40000000
	PROTECTED_DACL_SECURITY_INFORMATION      uint32 = 0x80000000
)
