package winnt

// AccessMask is an ACCESS_MASK: 32 bits, the low 16 specific to the object
// type, then standard, special and generic rights (MS-DTYP 2.4.3). The zero
// value requests and grants no right.
type AccessMask uint32

// Standard, special and generic rights (MS-DTYP 2.4.3; "ACCESS_MASK").
const (
	DELETE                 AccessMask = 0x00010000
	READ_CONTROL           AccessMask = 0x00020000
	WRITE_DAC              AccessMask = 0x00040000
	WRITE_OWNER            AccessMask = 0x00080000
	SYNCHRONIZE            AccessMask = 0x00100000
	ACCESS_SYSTEM_SECURITY AccessMask = 0x01000000
	MAXIMUM_ALLOWED        AccessMask = 0x02000000
	GENERIC_ALL            AccessMask = 0x10000000
	GENERIC_EXECUTE        AccessMask = 0x20000000
	GENERIC_WRITE          AccessMask = 0x40000000
	GENERIC_READ           AccessMask = 0x80000000

	// STANDARD_RIGHTS_READ and STANDARD_RIGHTS_WRITE are both READ_CONTROL
	// (T-6).
	STANDARD_RIGHTS_READ     = READ_CONTROL
	STANDARD_RIGHTS_WRITE    = READ_CONTROL
	STANDARD_RIGHTS_EXECUTE  = READ_CONTROL
	STANDARD_RIGHTS_REQUIRED = DELETE | READ_CONTROL | WRITE_DAC | WRITE_OWNER
	STANDARD_RIGHTS_ALL      = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE
	SPECIFIC_RIGHTS_ALL      = AccessMask(0xFFFF)

	// GENERIC_RIGHTS is every generic bit; the SDK has no name for the union.
	GENERIC_RIGHTS = GENERIC_ALL | GENERIC_EXECUTE | GENERIC_WRITE | GENERIC_READ
	// RESERVED_RIGHTS are the bits MS-DTYP 2.4.3 leaves undefined.
	RESERVED_RIGHTS AccessMask = 0x0CE00000
)

// File and directory rights (winnt.h).
const (
	FILE_READ_DATA        AccessMask = 0x0001
	FILE_WRITE_DATA       AccessMask = 0x0002
	FILE_APPEND_DATA      AccessMask = 0x0004
	FILE_READ_EA          AccessMask = 0x0008
	FILE_WRITE_EA         AccessMask = 0x0010
	FILE_EXECUTE          AccessMask = 0x0020
	FILE_DELETE_CHILD     AccessMask = 0x0040
	FILE_READ_ATTRIBUTES  AccessMask = 0x0080
	FILE_WRITE_ATTRIBUTES AccessMask = 0x0100

	FILE_LIST_DIRECTORY   = FILE_READ_DATA
	FILE_ADD_FILE         = FILE_WRITE_DATA
	FILE_ADD_SUBDIRECTORY = FILE_APPEND_DATA
	FILE_TRAVERSE         = FILE_EXECUTE

	FILE_ALL_ACCESS    = STANDARD_RIGHTS_ALL | 0x1FF
	FILE_GENERIC_READ  = READ_CONTROL | SYNCHRONIZE | FILE_READ_DATA | FILE_READ_ATTRIBUTES | FILE_READ_EA
	FILE_GENERIC_WRITE = READ_CONTROL | SYNCHRONIZE | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA |
		FILE_APPEND_DATA
	FILE_GENERIC_EXECUTE = READ_CONTROL | SYNCHRONIZE | FILE_EXECUTE | FILE_READ_ATTRIBUTES
)

// Registry key rights (winnt.h).
const (
	KEY_QUERY_VALUE        AccessMask = 0x0001
	KEY_SET_VALUE          AccessMask = 0x0002
	KEY_CREATE_SUB_KEY     AccessMask = 0x0004
	KEY_ENUMERATE_SUB_KEYS AccessMask = 0x0008
	KEY_NOTIFY             AccessMask = 0x0010
	KEY_CREATE_LINK        AccessMask = 0x0020

	KEY_READ       = READ_CONTROL | KEY_QUERY_VALUE | KEY_ENUMERATE_SUB_KEYS | KEY_NOTIFY
	KEY_WRITE      = READ_CONTROL | KEY_SET_VALUE | KEY_CREATE_SUB_KEY
	KEY_EXECUTE    = KEY_READ
	KEY_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | 0x3F
)

// Token rights ("Access Rights for Access-Token Objects").
const (
	TOKEN_ASSIGN_PRIMARY    AccessMask = 0x0001
	TOKEN_DUPLICATE         AccessMask = 0x0002
	TOKEN_IMPERSONATE       AccessMask = 0x0004
	TOKEN_QUERY             AccessMask = 0x0008
	TOKEN_QUERY_SOURCE      AccessMask = 0x0010
	TOKEN_ADJUST_PRIVILEGES AccessMask = 0x0020
	TOKEN_ADJUST_GROUPS     AccessMask = 0x0040
	TOKEN_ADJUST_DEFAULT    AccessMask = 0x0080
	TOKEN_ADJUST_SESSIONID  AccessMask = 0x0100

	TOKEN_ALL_ACCESS_P = STANDARD_RIGHTS_REQUIRED | 0xFF
	TOKEN_ALL_ACCESS   = STANDARD_RIGHTS_REQUIRED | 0x1FF
	TOKEN_READ         = READ_CONTROL | TOKEN_QUERY
	TOKEN_WRITE        = READ_CONTROL | TOKEN_ADJUST_PRIVILEGES | TOKEN_ADJUST_GROUPS | TOKEN_ADJUST_DEFAULT
	TOKEN_EXECUTE      = READ_CONTROL
)

// Process rights ("Process Security and Access Rights").
const (
	PROCESS_TERMINATE                 AccessMask = 0x0001
	PROCESS_CREATE_THREAD             AccessMask = 0x0002
	PROCESS_SET_SESSIONID             AccessMask = 0x0004
	PROCESS_VM_OPERATION              AccessMask = 0x0008
	PROCESS_VM_READ                   AccessMask = 0x0010
	PROCESS_VM_WRITE                  AccessMask = 0x0020
	PROCESS_DUP_HANDLE                AccessMask = 0x0040
	PROCESS_CREATE_PROCESS            AccessMask = 0x0080
	PROCESS_SET_QUOTA                 AccessMask = 0x0100
	PROCESS_SET_INFORMATION           AccessMask = 0x0200
	PROCESS_QUERY_INFORMATION         AccessMask = 0x0400
	PROCESS_SUSPEND_RESUME            AccessMask = 0x0800
	PROCESS_QUERY_LIMITED_INFORMATION AccessMask = 0x1000
	PROCESS_SET_LIMITED_INFORMATION   AccessMask = 0x2000
	PROCESS_ALL_ACCESS                           = STANDARD_RIGHTS_ALL | 0xFFFF
)

// Thread rights ("Thread Security and Access Rights").
const (
	THREAD_TERMINATE                 AccessMask = 0x0001
	THREAD_SUSPEND_RESUME            AccessMask = 0x0002
	THREAD_ALERT                     AccessMask = 0x0004
	THREAD_GET_CONTEXT               AccessMask = 0x0008
	THREAD_SET_CONTEXT               AccessMask = 0x0010
	THREAD_SET_INFORMATION           AccessMask = 0x0020
	THREAD_QUERY_INFORMATION         AccessMask = 0x0040
	THREAD_SET_THREAD_TOKEN          AccessMask = 0x0080
	THREAD_IMPERSONATE               AccessMask = 0x0100
	THREAD_DIRECT_IMPERSONATION      AccessMask = 0x0200
	THREAD_SET_LIMITED_INFORMATION   AccessMask = 0x0400
	THREAD_QUERY_LIMITED_INFORMATION AccessMask = 0x0800
	THREAD_RESUME                    AccessMask = 0x1000
	THREAD_ALL_ACCESS                           = STANDARD_RIGHTS_ALL | 0xFFFF
)

// Job, directory, symbolic link, event, mutant, semaphore, timer and port rights.
const (
	JOB_OBJECT_ASSIGN_PROCESS          AccessMask = 0x0001
	JOB_OBJECT_SET_ATTRIBUTES          AccessMask = 0x0002
	JOB_OBJECT_QUERY                   AccessMask = 0x0004
	JOB_OBJECT_TERMINATE               AccessMask = 0x0008
	JOB_OBJECT_SET_SECURITY_ATTRIBUTES AccessMask = 0x0010
	JOB_OBJECT_IMPERSONATE             AccessMask = 0x0020
	JOB_OBJECT_ALL_ACCESS                         = STANDARD_RIGHTS_ALL | 0x3F

	DIRECTORY_QUERY               AccessMask = 0x0001
	DIRECTORY_TRAVERSE            AccessMask = 0x0002
	DIRECTORY_CREATE_OBJECT       AccessMask = 0x0004
	DIRECTORY_CREATE_SUBDIRECTORY AccessMask = 0x0008
	DIRECTORY_ALL_ACCESS                     = STANDARD_RIGHTS_REQUIRED | 0xF

	SYMBOLIC_LINK_QUERY      AccessMask = 0x0001
	SYMBOLIC_LINK_SET        AccessMask = 0x0002
	SYMBOLIC_LINK_ALL_ACCESS            = STANDARD_RIGHTS_REQUIRED | 0x1

	EVENT_QUERY_STATE  AccessMask = 0x0001
	EVENT_MODIFY_STATE AccessMask = 0x0002
	EVENT_ALL_ACCESS              = STANDARD_RIGHTS_ALL | 0x3

	MUTANT_QUERY_STATE AccessMask = 0x0001
	MUTANT_ALL_ACCESS             = STANDARD_RIGHTS_ALL | 0x1

	SEMAPHORE_QUERY_STATE  AccessMask = 0x0001
	SEMAPHORE_MODIFY_STATE AccessMask = 0x0002
	SEMAPHORE_ALL_ACCESS              = STANDARD_RIGHTS_ALL | 0x3

	TIMER_QUERY_STATE  AccessMask = 0x0001
	TIMER_MODIFY_STATE AccessMask = 0x0002
	TIMER_ALL_ACCESS              = STANDARD_RIGHTS_ALL | 0x3

	PORT_CONNECT    AccessMask = 0x0001
	PORT_ALL_ACCESS            = STANDARD_RIGHTS_ALL | 0x1
)

// Mandatory label policy bits, carried in the mask of a label ACE.
const (
	SYSTEM_MANDATORY_LABEL_NO_WRITE_UP   AccessMask = 0x1
	SYSTEM_MANDATORY_LABEL_NO_READ_UP    AccessMask = 0x2
	SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP AccessMask = 0x4
)

// Directory service rights (MS-ADTS 5.1.3.2).
const (
	ADS_RIGHT_DS_CREATE_CHILD   AccessMask = 0x0001
	ADS_RIGHT_DS_DELETE_CHILD   AccessMask = 0x0002
	ADS_RIGHT_ACTRL_DS_LIST     AccessMask = 0x0004
	ADS_RIGHT_DS_SELF           AccessMask = 0x0008
	ADS_RIGHT_DS_READ_PROP      AccessMask = 0x0010
	ADS_RIGHT_DS_WRITE_PROP     AccessMask = 0x0020
	ADS_RIGHT_DS_DELETE_TREE    AccessMask = 0x0040
	ADS_RIGHT_DS_LIST_OBJECT    AccessMask = 0x0080
	ADS_RIGHT_DS_CONTROL_ACCESS AccessMask = 0x0100
)

// GenericMapping is a GENERIC_MAPPING: the rights of one object type for each generic right. The zero value maps
// every generic right to nothing.
type GenericMapping struct{ Read, Write, Execute, All AccessMask }

// Map returns m with each generic right replaced by the specific and standard rights that the object type has for it.
// It keeps MAXIMUM_ALLOWED and ACCESS_SYSTEM_SECURITY (S-11).
func (g *GenericMapping) Map(m AccessMask) AccessMask {
	if m&GENERIC_RIGHTS == 0 {
		return m
	}
	return g.mapSlow(m)
}

// mapSlow maps a mask that has a generic right, for Map.
func (g *GenericMapping) mapSlow(m AccessMask) AccessMask {
	if m&GENERIC_READ != 0 {
		m |= g.Read
	}
	if m&GENERIC_WRITE != 0 {
		m |= g.Write
	}
	if m&GENERIC_EXECUTE != 0 {
		m |= g.Execute
	}
	if m&GENERIC_ALL != 0 {
		m |= g.All
	}
	return m &^ GENERIC_RIGHTS
}
