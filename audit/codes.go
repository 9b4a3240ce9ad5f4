package audit

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// Message codes of rights that every type has (message table of msobjs.dll).
var standardCodes = [...]struct {
	bit  winnt.AccessMask
	code uint16
	text string
}{
	{winnt.DELETE, 1537, "DELETE"},
	{winnt.READ_CONTROL, 1538, "READ_CONTROL"},
	{winnt.WRITE_DAC, 1539, "WRITE_DAC"},
	{winnt.WRITE_OWNER, 1540, "WRITE_OWNER"},
	{winnt.SYNCHRONIZE, 1541, "SYNCHRONIZE"},
	{winnt.ACCESS_SYSTEM_SECURITY, 1542, "ACCESS_SYS_SEC"},
	{winnt.MAXIMUM_ALLOWED, 1543, "MAX_ALLOWED"},
}

// unknownTypeBase is the code of bit 0 of a type that has no row of its own.
const unknownTypeBase = 1552

// typeCodes has the message codes and names of the specific rights of one object type.
type typeCodes struct {
	base  uint16
	names [16]string // by bit; "" has no name
}

// specificCodes has a row for each type whose specific rights have codes of
// their own: the code of a right is base plus its bit number. Types appear
// under their documented object type name.
var specificCodes = map[string]*typeCodes{
	"Device": {base: 4352},
	"Directory": {4368, [16]string{"Query directory", "Traverse", "Create object in directory",
		"Create sub-directory"}},
	"Event": {4384, [16]string{"Query event state", "Modify event state"}},
	"File": {4416, [16]string{"ReadData", "WriteData", "AppendData", "ReadEA", "WriteEA",
		"Execute/Traverse", "DeleteChild", "ReadAttributes", "WriteAttributes"}},
	fileDirectory: {4416, [16]string{"ListDirectory", "AddFile", "AddSubdirectory", "ReadEA", "WriteEA",
		"Traverse", "DeleteChild", "ReadAttributes", "WriteAttributes"}},
	"Key": {4432, [16]string{"Query key value", "Set key value", "Create sub-key", "Enumerate sub-keys",
		"Notify about changes to keys", "Create Link", 8: "64-bit view", 9: "32-bit view"}},
	"Mutant":    {4448, [16]string{"Query mutant state"}},
	"ALPC Port": {4464, [16]string{"Communicate using port"}},
	"Port":      {4464, [16]string{"Communicate using port"}},
	"Process": {4480, [16]string{"Force process termination", "Create new thread in process",
		"Set process session ID", "Perform virtual memory operation", "Read from process memory", "Write to process memory",
		"Duplicate handle into or out of process", "Create a subprocess of process", "Set process quotas",
		"Set process information", "Query process information", "Set process termination port"}},
	"Profile": {4496, [16]string{"Control profile"}},
	"Section": {4512, [16]string{"Query section state", "Map section for write", "Map section for read",
		"Map section for execute", "Extend size"}},
	"Semaphore":    {4528, [16]string{"Query semaphore state", "Modify semaphore state"}},
	"SymbolicLink": {4544, [16]string{"Use symbolic link"}},
	"Thread": {4560, [16]string{"Force thread termination", "Suspend or resume thread",
		"Send an alert to thread", "Get thread context", "Set thread context", "Set thread information",
		"Query thread information", "Assign a token to the thread", "Cause thread to directly impersonate another thread",
		"Directly impersonate this thread"}},
	"Timer": {4576, [16]string{"Query timer state", "Modify timer state"}},
	"Token": {4592, [16]string{"AssignAsPrimary", "Duplicate", "Impersonate", "Query", "QuerySource",
		"AdjustPrivileges", "AdjustGroups", "AdjustDefaultDacl", "AdjustSessionID"}},
	"Type":         {4608, [16]string{"Create instance of object type"}},
	"IoCompletion": {4864, [16]string{"Query state", "Modify state"}},
	"Job": {5136, [16]string{"Assign process", "Set attributes", "Query attributes", "Terminate job",
		"Set security attributes"}},
	"SAM_SERVER":    {base: 5376},
	"SAM_DOMAIN":    {base: 5392},
	"SAM_GROUP":     {base: 5408},
	"SAM_ALIAS":     {base: 5424},
	"SAM_USER":      {base: 5440},
	"PolicyObject":  {base: 5632},
	"SecretObject":  {base: 5648},
	"TrustedDomain": {base: 5664},
	"UserAccount":   {base: 5680},
	"KeyedEvent":    {5696, [16]string{"Wait", "Wake"}},
	"WindowStation": {base: 6656},
	"Desktop":       {base: 6672},
	"Printer":       {base: 6928},
	// The service controller names its types with a second word.
	"SC_MANAGER OBJECT": {base: 7168},
	"SERVICE OBJECT":    {base: 7184},
	"DirectoryService": {7680, [16]string{"Create Child", "Delete Child", "List Contents", "Write Self",
		"Read Property", "Write Property", "Delete Tree", "List Object", "Control Access"}},
	"AuditPolicy": {7936, [16]string{"Set system policy", "Query system policy", "Set per-user policy",
		"Query per-user policy", "Enumerate users", "Set options", "Query options"}},
}

// fileDirectory is the row of a File that is a directory: the codes are a
// file's, the names are those that its rights have for a directory.
const fileDirectory = "File (directory)"

// Right is one right of a record: the bit, its message code for the type and
// the English text of the code.
type Right struct {
	Bit  winnt.AccessMask
	Code uint16
	Text string
}

// Rights yields the rights of mask in the order of AccessList: the standard
// ones by ascending code, then the specific ones by ascending bit. It omits
// reserved and generic bits, which have no code. AccessMask shows them.
func Rights(objectType string, mask winnt.AccessMask) func(yield func(Right) bool) {
	return func(yield func(Right) bool) {
		for _, s := range standardCodes {
			if mask&s.bit != 0 && !yield(Right{s.bit, s.code, s.text}) {
				return
			}
		}
		row := specificCodes[objectType]
		for m := uint32(mask & winnt.SPECIFIC_RIGHTS_ALL); m != 0; m &= m - 1 {
			if !yield(specificRight(row, bits.TrailingZeros32(m))) {
				return
			}
		}
	}
}

// specificRight returns the message code and text of a type-specific right. bit is its bit number, below 16. codes
// are those of the object type, nil for an unknown type. A bit without a name in codes has the text for an undefined
// right.
func specificRight(codes *typeCodes, bit int) Right {
	r := Right{Bit: 1 << bit}
	switch {
	case codes == nil:
		r.Code = unknownTypeBase + uint16(bit)
		r.Text = fmt.Sprintf("Unknown specific access (bit %d)", bit)
	case codes.names[bit] == "":
		r.Code = codes.base + uint16(bit)
		r.Text = fmt.Sprintf("Undefined Access (no effect) Bit %d", bit)
	default:
		r.Code, r.Text = codes.base+uint16(bit), codes.names[bit]
	}
	return r
}

// message returns a message code in the form of event fields, "%%" and the number. A viewer replaces it by the
// message text.
func message(code uint16) string { return "%%" + strconv.Itoa(int(code)) }

// TypeSubcategory returns the subcategory of opens of objects of the named type:
// File System, Registry, SAM, Directory Service Access, and Kernel Object for
// every other type.
func TypeSubcategory(typ string) Subcategory {
	switch typ {
	case "File":
		return FileSystem
	case "Key":
		return Registry
	case "DirectoryService":
		return DirectoryServiceAccess
	}
	if strings.HasPrefix(typ, "SAM_") {
		return SAM
	}
	// Mutants, semaphores, timers and links are kernel objects as all others are (U-89).
	return KernelObject
}

// ReasonNotGranted is the Code of a [Reason] for a right that no entry grants (message table of msobjs.dll).
const ReasonNotGranted uint16 = 1805

// Other reason codes of AccessReason (message table of msobjs.dll).
const (
	reasonGranted           uint16 = 1801
	reasonDenied            uint16 = 1802
	reasonIntegrity         uint16 = 1803
	reasonOwner             uint16 = 1804
	reasonNullDACL          uint16 = 1806
	reasonEmptyDACL         uint16 = 1807
	reasonUnknown           uint16 = 1809
	reasonMissingPrivilege  uint16 = 1810
	reasonByCentralRule     uint16 = 1813
	reasonNotByCentralRule  uint16 = 1814
	reasonACETooLong        uint16 = 1828
	reasonDescriptorTooLong uint16 = 1829
	reasonAppContainer      uint16 = 1830
	reasonTrustLabel        uint16 = 1841
)

// sddlLimit is the longest SDDL text, in bytes, that a record shows; longer
// ones are replaced by a message code.
const sddlLimit = 4096
