package trail

import (
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/winnt"
)

// standardRights maps the rights of every type to their names.
var standardRights = map[winnt.AccessMask]string{
	0x10000: "DELETE", 0x20000: "READ_CONTROL", 0x40000: "WRITE_DAC", 0x80000: "WRITE_OWNER", 0x100000: "SYNCHRONIZE",
	0x1000000: "ACCESS_SYSTEM_SECURITY", 0x2000000: "MAXIMUM_ALLOWED",
	0x10000000: "GENERIC_ALL", 0x20000000: "GENERIC_EXECUTE", 0x40000000: "GENERIC_WRITE", 0x80000000: "GENERIC_READ",
}

// specificRights maps object types to the names of their rights, by bit.
var specificRights = map[string]string{
	"File": "ReadData WriteData AppendData ReadEA WriteEA Execute - ReadAttributes WriteAttributes",
	"directory": "ListDirectory AddFile AddSubdirectory ReadEA WriteEA Traverse DeleteChild ReadAttributes " +
		"WriteAttributes",
	"Key": "QueryValue SetValue CreateSubKey EnumerateSubKeys Notify CreateLink - - Wow64_64Key Wow64_32Key",
	"Token": "AssignPrimary Duplicate Impersonate Query QuerySource AdjustPrivileges AdjustGroups AdjustDefault " +
		"AdjustSessionId",
	"Process": "Terminate CreateThread SetSessionId VmOperation VmRead VmWrite DupHandle CreateProcess SetQuota " +
		"SetInformation QueryInformation SuspendResume QueryLimitedInformation SetLimitedInformation",
	"Thread": "Terminate SuspendResume Alert GetContext SetContext SetInformation QueryInformation SetThreadToken " +
		"Impersonate DirectImpersonation SetLimitedInformation QueryLimitedInformation Resume",
	"DirectoryService": "CreateChild DeleteChild ListChildren Self ReadProperty WriteProperty DeleteTree ListObject " +
		"ControlAccess",
}

// IsDirectory reports whether the object of a record is a file system directory.
func IsDirectory(e *audit.Event) bool {
	text, _ := e.Field("ObjectDirectory")
	return text == "%%1842"
}

// RightName returns the name of a right for the type of the record's object, with file names for files and directory
// names for directories (U-76). bit has one bit. For an object type whose names are not known it returns the text of
// the record. Any other right without a name is its hexadecimal number.
func RightName(e *audit.Event, bit winnt.AccessMask) string {
	if name, ok := standardRights[bit]; ok {
		return name
	}
	typ, _ := e.Field("ObjectType")
	if e.ID == 4662 {
		typ = "DirectoryService"
	}
	if IsDirectory(e) {
		typ = "directory"
	}
	for i, name := range strings.Fields(specificRights[typ]) {
		if bit == 1<<i && name != "-" {
			return name
		}
	}
	if _, known := specificRights[typ]; !known {
		for a := range e.Accesses() {
			if a.Bit == bit {
				return a.Text
			}
		}
	}
	return bit.String()
}
