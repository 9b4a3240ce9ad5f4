package winnt

import (
	"fmt"
	"strconv"
	"strings"
)

// Right is one right of an object type, a single bit, and its documented name.
type Right struct {
	Mask AccessMask
	Name string
}

// ObjectType describes one type of securable object: its generic mapping, its
// valid bits, and the names of its specific bits. An *ObjectType is immutable.
// The zero value has no rights.
//
// Source: the documented generic mapping of each type.
type ObjectType struct {
	Name      string // documented type name: "File", "Token", …
	Mapping   GenericMapping
	Valid     AccessMask // every bit an open may ask for, generic and special bits apart
	Invalid   uint32     // OBJ_* attributes the type refuses
	DupCheck  bool       // NtDuplicateObject may ask for more after a fresh check (O-56)
	Waitable  bool
	Rights    []Right // specific bits, ascending
	Container bool    // CONTAINER_INHERIT entries are effective on children of this type
}

// Object types with their documented generic mappings.
var (
	FileObject = &ObjectType{Name: "File", Mapping: GenericMapping{FILE_GENERIC_READ, FILE_GENERIC_WRITE,
		FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS}, Valid: 0x1F01FF, Waitable: true, Rights: []Right{
		{0x1, "FILE_READ_DATA"}, {0x2, "FILE_WRITE_DATA"}, {0x4, "FILE_APPEND_DATA"}, {0x8, "FILE_READ_EA"},
		{0x10, "FILE_WRITE_EA"}, {0x20, "FILE_EXECUTE"}, {0x40, "FILE_DELETE_CHILD"}, {0x80, "FILE_READ_ATTRIBUTES"},
		{0x100, "FILE_WRITE_ATTRIBUTES"}}}
	DirectoryFileObject = &ObjectType{Name: "File", Mapping: FileObject.Mapping, Valid: 0x1F01FF, Waitable: true,
		Container: true, Rights: []Right{
			{0x1, "FILE_LIST_DIRECTORY"}, {0x2, "FILE_ADD_FILE"}, {0x4, "FILE_ADD_SUBDIRECTORY"}, {0x8, "FILE_READ_EA"},
			{0x10, "FILE_WRITE_EA"}, {0x20, "FILE_TRAVERSE"}, {0x40, "FILE_DELETE_CHILD"}, {0x80, "FILE_READ_ATTRIBUTES"},
			{0x100, "FILE_WRITE_ATTRIBUTES"}}}
	DeviceObject = &ObjectType{Name: "Device", Mapping: FileObject.Mapping, Valid: 0x1F01FF, Waitable: true,
		Rights: FileObject.Rights}
	KeyObject = &ObjectType{Name: "Key", Mapping: GenericMapping{KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS},
		Valid: 0x1F003F, Container: true, Rights: []Right{
			{0x1, "KEY_QUERY_VALUE"}, {0x2, "KEY_SET_VALUE"}, {0x4, "KEY_CREATE_SUB_KEY"}, {0x8, "KEY_ENUMERATE_SUB_KEYS"},
			{0x10, "KEY_NOTIFY"}, {0x20, "KEY_CREATE_LINK"}}}
	TokenObject = &ObjectType{Name: "Token", Mapping: GenericMapping{0x2001A, 0x201E0, 0x20005, 0xF01FF}, Valid: 0xF01FF,
		Invalid: OBJ_OPENLINK, DupCheck: true, Rights: []Right{
			{0x1, "TOKEN_ASSIGN_PRIMARY"}, {0x2, "TOKEN_DUPLICATE"}, {0x4, "TOKEN_IMPERSONATE"}, {0x8, "TOKEN_QUERY"},
			{0x10, "TOKEN_QUERY_SOURCE"}, {0x20, "TOKEN_ADJUST_PRIVILEGES"}, {0x40, "TOKEN_ADJUST_GROUPS"},
			{0x80, "TOKEN_ADJUST_DEFAULT"}, {0x100, "TOKEN_ADJUST_SESSIONID"}}}
	ProcessObject = &ObjectType{Name: "Process", Mapping: GenericMapping{0x20410, 0x20BEA, 0x121001, 0x1FFFFF},
		Valid: 0x1FFFFF, Invalid: 0xB0, DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "PROCESS_TERMINATE"}, {0x2, "PROCESS_CREATE_THREAD"}, {0x4, "PROCESS_SET_SESSIONID"},
			{0x8, "PROCESS_VM_OPERATION"}, {0x10, "PROCESS_VM_READ"}, {0x20, "PROCESS_VM_WRITE"}, {0x40, "PROCESS_DUP_HANDLE"},
			{0x80, "PROCESS_CREATE_PROCESS"}, {0x100, "PROCESS_SET_QUOTA"}, {0x200, "PROCESS_SET_INFORMATION"},
			{0x400, "PROCESS_QUERY_INFORMATION"}, {0x800, "PROCESS_SUSPEND_RESUME"},
			{0x1000, "PROCESS_QUERY_LIMITED_INFORMATION"}, {0x2000, "PROCESS_SET_LIMITED_INFORMATION"}}}
	ThreadObject = &ObjectType{Name: "Thread", Mapping: GenericMapping{0x20048, 0x20437, 0x121800, 0x1FFFFF},
		Valid: 0x1FFFFF, Invalid: 0xB0, DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "THREAD_TERMINATE"}, {0x2, "THREAD_SUSPEND_RESUME"}, {0x4, "THREAD_ALERT"}, {0x8, "THREAD_GET_CONTEXT"},
			{0x10, "THREAD_SET_CONTEXT"}, {0x20, "THREAD_SET_INFORMATION"}, {0x40, "THREAD_QUERY_INFORMATION"},
			{0x80, "THREAD_SET_THREAD_TOKEN"}, {0x100, "THREAD_IMPERSONATE"}, {0x200, "THREAD_DIRECT_IMPERSONATION"},
			{0x400, "THREAD_SET_LIMITED_INFORMATION"}, {0x800, "THREAD_QUERY_LIMITED_INFORMATION"}, {0x1000, "THREAD_RESUME"}}}
	JobObject = &ObjectType{Name: "Job", Mapping: GenericMapping{0x20004, 0x2000B, 0x120000, 0x1F003F}, Valid: 0x1F003F,
		DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "JOB_OBJECT_ASSIGN_PROCESS"}, {0x2, "JOB_OBJECT_SET_ATTRIBUTES"}, {0x4, "JOB_OBJECT_QUERY"},
			{0x8, "JOB_OBJECT_TERMINATE"}, {0x10, "JOB_OBJECT_SET_SECURITY_ATTRIBUTES"}, {0x20, "JOB_OBJECT_IMPERSONATE"}}}
	DirectoryObject = &ObjectType{Name: "Directory", Mapping: GenericMapping{0x20003, 0x2000C, 0x20003, 0xF000F},
		Valid: 0xF000F, Invalid: OBJ_OPENLINK, DupCheck: true, Container: true, Rights: []Right{
			{0x1, "DIRECTORY_QUERY"}, {0x2, "DIRECTORY_TRAVERSE"}, {0x4, "DIRECTORY_CREATE_OBJECT"},
			{0x8, "DIRECTORY_CREATE_SUBDIRECTORY"}}}
	SymbolicLinkObject = &ObjectType{Name: "SymbolicLink", Mapping: GenericMapping{0x20001, 0x20000, 0x20001, 0xF0001},
		Valid: 0xF0003, Invalid: OBJ_OPENLINK, DupCheck: true, Rights: []Right{
			{0x1, "SYMBOLIC_LINK_QUERY"}, {0x2, "SYMBOLIC_LINK_SET"}}}
	EventObject = &ObjectType{Name: "Event", Mapping: GenericMapping{0x20001, 0x20002, 0x120000, 0x1F0003},
		Valid: 0x1F0003, Invalid: OBJ_OPENLINK, DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "EVENT_QUERY_STATE"}, {0x2, "EVENT_MODIFY_STATE"}}}
	PortObject = &ObjectType{Name: "Port", Mapping: GenericMapping{0x20001, 0x10001, 0, 0x1F0001}, Valid: 0x1F0001,
		DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "PORT_CONNECT"}}}
	DirectoryServiceObject = &ObjectType{Name: "DirectoryService",
		Mapping: GenericMapping{0x20094, 0x20028, 0x20004, 0xF01FF}, Valid: 0xF01FF, Container: true, Rights: []Right{
			{0x1, "ADS_RIGHT_DS_CREATE_CHILD"}, {0x2, "ADS_RIGHT_DS_DELETE_CHILD"}, {0x4, "ADS_RIGHT_ACTRL_DS_LIST"},
			{0x8, "ADS_RIGHT_DS_SELF"}, {0x10, "ADS_RIGHT_DS_READ_PROP"}, {0x20, "ADS_RIGHT_DS_WRITE_PROP"},
			{0x40, "ADS_RIGHT_DS_DELETE_TREE"}, {0x80, "ADS_RIGHT_DS_LIST_OBJECT"}, {0x100, "ADS_RIGHT_DS_CONTROL_ACCESS"}}}
	MutantObject = &ObjectType{Name: "Mutant", Mapping: GenericMapping{0x20001, 0x20000, 0x120000, 0x1F0001},
		Valid: 0x1F0001, Invalid: OBJ_OPENLINK, DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "MUTANT_QUERY_STATE"}}}
	SemaphoreObject = &ObjectType{Name: "Semaphore", Mapping: GenericMapping{0x20001, 0x20002, 0x120000, 0x1F0003},
		Valid: 0x1F0003, Invalid: OBJ_OPENLINK, DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "SEMAPHORE_QUERY_STATE"}, {0x2, "SEMAPHORE_MODIFY_STATE"}}}
	TimerObject = &ObjectType{Name: "Timer", Mapping: GenericMapping{0x20001, 0x20002, 0x120000, 0x1F0003},
		Valid: 0x1F0003, Invalid: OBJ_OPENLINK, DupCheck: true, Waitable: true, Rights: []Right{
			{0x1, "TIMER_QUERY_STATE"}, {0x2, "TIMER_MODIFY_STATE"}}}
	SectionObject = &ObjectType{Name: "Section", Mapping: GenericMapping{0x20005, 0x20002, 0x20008, 0xF001F},
		Valid: 0xF001F, DupCheck: true, Rights: []Right{{0x1, "SECTION_QUERY"}, {0x2, "SECTION_MAP_WRITE"},
			{0x4, "SECTION_MAP_READ"}, {0x8, "SECTION_MAP_EXECUTE"}, {0x10, "SECTION_EXTEND_SIZE"}}}
	// The mapping of "Policy Object Access Rights".
	PolicyObject = &ObjectType{Name: "Policy", Mapping: GenericMapping{0x20006, 0x207F8, 0x20801, 0xF0FFF},
		Valid: 0xF1FFF, Rights: []Right{
			{0x1, "POLICY_VIEW_LOCAL_INFORMATION"}, {0x2, "POLICY_VIEW_AUDIT_INFORMATION"},
			{0x4, "POLICY_GET_PRIVATE_INFORMATION"}, {0x8, "POLICY_TRUST_ADMIN"}, {0x10, "POLICY_CREATE_ACCOUNT"},
			{0x20, "POLICY_CREATE_SECRET"}, {0x40, "POLICY_CREATE_PRIVILEGE"}, {0x80, "POLICY_SET_DEFAULT_QUOTA_LIMITS"},
			{0x100, "POLICY_SET_AUDIT_REQUIREMENTS"}, {0x200, "POLICY_AUDIT_LOG_ADMIN"}, {0x400, "POLICY_SERVER_ADMIN"},
			{0x800, "POLICY_LOOKUP_NAMES"}, {0x1000, "POLICY_NOTIFICATION"}}}
	// The mapping of "Desktop Security and Access Rights".
	DesktopObject = &ObjectType{Name: "Desktop", Mapping: GenericMapping{0x20041, 0x200BE, 0x20100, 0xF01FF},
		Valid: 0xF01FF, Container: true, Rights: []Right{
			{0x1, "DESKTOP_READOBJECTS"}, {0x2, "DESKTOP_CREATEWINDOW"}, {0x4, "DESKTOP_CREATEMENU"},
			{0x8, "DESKTOP_HOOKCONTROL"}, {0x10, "DESKTOP_JOURNALRECORD"}, {0x20, "DESKTOP_JOURNALPLAYBACK"},
			{0x40, "DESKTOP_ENUMERATE"}, {0x80, "DESKTOP_WRITEOBJECTS"}, {0x100, "DESKTOP_SWITCHDESKTOP"}}}
	// The mapping of "Window Station Security and Access Rights" for the
	// interactive window station.
	WindowStationObject = &ObjectType{Name: "WindowStation",
		Mapping: GenericMapping{0x20303, 0x2001C, 0x20060, 0xF037F}, Valid: 0xF037F, Container: true, Rights: []Right{
			{0x1, "WINSTA_ENUMDESKTOPS"}, {0x2, "WINSTA_READATTRIBUTES"}, {0x4, "WINSTA_ACCESSCLIPBOARD"},
			{0x8, "WINSTA_CREATEDESKTOP"}, {0x10, "WINSTA_WRITEATTRIBUTES"}, {0x20, "WINSTA_ACCESSGLOBALATOMS"},
			{0x40, "WINSTA_EXITWINDOWS"}, {0x100, "WINSTA_ENUMERATE"}, {0x200, "WINSTA_READSCREEN"}}}
)

// mappingNames are the names the batch format and the command line use.
var mappingNames = map[string]*ObjectType{
	"file": FileObject, "directory": DirectoryFileObject, "key": KeyObject, "token": TokenObject,
	"process": ProcessObject, "thread": ThreadObject, "job": JobObject, "objectdirectory": DirectoryObject,
	"symboliclink": SymbolicLinkObject, "event": EventObject, "port": PortObject,
	"directoryservice": DirectoryServiceObject, "mutant": MutantObject, "semaphore": SemaphoreObject,
	"timer": TimerObject, "section": SectionObject, "desktop": DesktopObject, "windowstation": WindowStationObject,
	"policy": PolicyObject,
}

// ObjectTypeByName returns the type with a name of the batch format ("file",
// "directory", "key", "token", "process", "thread", "job", "objectDirectory",
// "symbolicLink", "event", "port", "directoryService", "mutant", "semaphore",
// "timer", "section", "desktop", "windowStation", "policy"), ignoring case. It
// returns nil for an unknown name.
func ObjectTypeByName(name string) *ObjectType { return mappingNames[strings.ToLower(name)] }

var standardRights = []Right{
	{DELETE, "DELETE"}, {READ_CONTROL, "READ_CONTROL"}, {WRITE_DAC, "WRITE_DAC"}, {WRITE_OWNER, "WRITE_OWNER"},
	{SYNCHRONIZE, "SYNCHRONIZE"},
	{ACCESS_SYSTEM_SECURITY, "ACCESS_SYSTEM_SECURITY"}, {MAXIMUM_ALLOWED, "MAXIMUM_ALLOWED"},
	{GENERIC_ALL, "GENERIC_ALL"}, {GENERIC_EXECUTE, "GENERIC_EXECUTE"}, {GENERIC_WRITE, "GENERIC_WRITE"},
	{GENERIC_READ, "GENERIC_READ"},
}

// RightName returns the documented name of one bit on this type, or its hex
// value.
func (t *ObjectType) RightName(bit AccessMask) string {
	for _, r := range standardRights {
		if r.Mask == bit {
			return r.Name
		}
	}
	for _, r := range t.Rights {
		if r.Mask == bit {
			return r.Name
		}
	}
	return bit.String()
}

// Names returns the documented names of the rights in a mask, joined by "|". It
// returns "0" for an empty mask.
func (t *ObjectType) Names(m AccessMask) string {
	if m == 0 {
		return "0"
	}
	var parts []string
	for b := AccessMask(1); b != 0; b <<= 1 {
		if m&b != 0 {
			parts = append(parts, t.RightName(b))
		}
	}
	return strings.Join(parts, "|")
}

// String prints the mask as 0x%x.
func (m AccessMask) String() string { return "0x" + strconv.FormatUint(uint64(m), 16) }

// Padded prints the mask as 0x%08x, the form of the batch output.
func (m AccessMask) Padded() string { return fmt.Sprintf("0x%08x", uint32(m)) }
