package audit

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// Subcategory is one subcategory of the audit policy. Its value is the byte xx
// in the documented GUID {0CCE92xx-69AE-11D9-BED3-505054503030}, 0x10 to 0x4B;
// the zero value is no subcategory. Source: MS-GPAC 2.2.1.2 and ntsecapi.h.
type Subcategory uint8

// The subcategories that events of this package are written under; the
// table behind [Subcategories] knows all of them.
const (
	SecurityStateChange        Subcategory = 0x10
	SystemIntegrity            Subcategory = 0x12
	Logon                      Subcategory = 0x15
	Logoff                     Subcategory = 0x16
	SpecialLogon               Subcategory = 0x1B
	FileSystem                 Subcategory = 0x1D
	Registry                   Subcategory = 0x1E
	KernelObject               Subcategory = 0x1F
	SAM                        Subcategory = 0x20
	HandleManipulation         Subcategory = 0x23
	FileShare                  Subcategory = 0x24
	SensitivePrivilegeUse      Subcategory = 0x28
	NonSensitivePrivilegeUse   Subcategory = 0x29
	ProcessCreation            Subcategory = 0x2B
	ProcessTermination         Subcategory = 0x2C
	AuditPolicyChange          Subcategory = 0x2F
	AuthenticationPolicyChange Subcategory = 0x30
	AuthorizationPolicyChange  Subcategory = 0x31
	UserAccountManagement      Subcategory = 0x35
	DirectoryServiceAccess     Subcategory = 0x3B
	DetailedFileShare          Subcategory = 0x44
	RemovableStorage           Subcategory = 0x45
	CentralPolicyStaging       Subcategory = 0x46
	TokenRightAdjusted         Subcategory = 0x4A

	firstSubcategory = SecurityStateChange
	lastSubcategory  = Subcategory(0x4B)
	subcategoryCount = int(lastSubcategory-firstSubcategory) + 1 // 60: one bit each in a word
)

// Category is a group of subcategories under its legacy number
// (POLICY_AUDIT_EVENT_TYPE). The zero value is System.
type Category uint8

// The categories in legacy order.
const (
	CategorySystem Category = iota
	CategoryLogon
	CategoryObjectAccess
	CategoryPrivilegeUse
	CategoryDetailedTracking
	CategoryPolicyChange
	CategoryAccountManagement
	CategoryDirectoryServiceAccess
	CategoryAccountLogon
)

var categories = [...]struct {
	name string
	guid byte // xx of {699798xx-797A-11D9-BED3-505054503030}
}{
	CategorySystem:                 {"System", 0x48},
	CategoryLogon:                  {"Logon/Logoff", 0x49},
	CategoryObjectAccess:           {"Object Access", 0x4A},
	CategoryPrivilegeUse:           {"Privilege Use", 0x4B},
	CategoryDetailedTracking:       {"Detailed Tracking", 0x4C},
	CategoryPolicyChange:           {"Policy Change", 0x4D},
	CategoryAccountManagement:      {"Account Management", 0x4E},
	CategoryDirectoryServiceAccess: {"DS Access", 0x4F},
	CategoryAccountLogon:           {"Account Logon", 0x50},
}

// String returns the documented name, "Category(n)" for an unknown value.
func (c Category) String() string {
	if int(c) < len(categories) {
		return categories[c].name
	}
	return fmt.Sprintf("Category(%d)", uint8(c))
}

// GUID returns the documented identifier, the null GUID for an unknown value.
func (c Category) GUID() winnt.GUID {
	if int(c) >= len(categories) {
		return winnt.GUID{}
	}
	return winnt.GUID{categories[c].guid, 0x98, 0x97, 0x69, 0x7A, 0x79, 0xD9, 0x11, 0xBE, 0xD3, 0x50, 0x50, 0x54, 0x50,
		0x30, 0x30}
}

// Code returns the message code of the category in records, such as "%%8274" for Object Access.
func (c Category) Code() string { return fmt.Sprintf("%%%%%d", 8272+uint(c)) }

// Subcategories yields every known subcategory in ascending order.
func Subcategories(yield func(Subcategory) bool) {
	for s := firstSubcategory; s <= lastSubcategory; s++ {
		if s.Valid() && !yield(s) {
			return
		}
	}
}

// Valid reports whether s is a known subcategory.
func (s Subcategory) Valid() bool {
	return s >= firstSubcategory && s <= lastSubcategory && subcategories[s-firstSubcategory].name != ""
}

// bit returns the bit of s in the policy's sets of subcategories. s must be valid.
func (s Subcategory) bit() uint64 { return 1 << ((s - firstSubcategory) & 63) }

// String returns the documented name, "Subcategory(0xnn)" for an unknown value.
func (s Subcategory) String() string {
	if s.Valid() {
		return subcategories[s-firstSubcategory].name
	}
	return fmt.Sprintf("Subcategory(%#x)", uint8(s))
}

// GUID returns the documented identifier, the null GUID for an unknown value.
func (s Subcategory) GUID() winnt.GUID {
	if !s.Valid() {
		return winnt.GUID{}
	}
	return winnt.GUID{byte(s), 0x92, 0xCE, 0x0C, 0xAE, 0x69, 0xD9, 0x11, 0xBE, 0xD3, 0x50, 0x50, 0x54, 0x50, 0x30, 0x30}
}

// Task returns the task number of events of the subcategory, or 0 for an
// unknown value. "%%" and this number is the message code of the subcategory in
// records.
func (s Subcategory) Task() uint16 {
	if s.Valid() {
		return subcategories[s-firstSubcategory].task
	}
	return 0
}

// Category returns the category of the subcategory. It returns System for an
// unknown value.
func (s Subcategory) Category() Category {
	if s.Valid() {
		return subcategories[s-firstSubcategory].category
	}
	return CategorySystem
}

// ParseSubcategory returns the subcategory with a documented name, or with a GUID with or without braces. It ignores
// case.
func ParseSubcategory(text string) (Subcategory, error) {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	for s := range Subcategories {
		if strings.EqualFold(s.String(), text) || strings.EqualFold(s.GUID().String(), bare) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown audit subcategory %q: want a name such as %q or its GUID", text, FileSystem)
}

// MarshalText returns the documented name. It fails for an unknown value.
func (s Subcategory) MarshalText() ([]byte, error) {
	if !s.Valid() {
		return nil, fmt.Errorf("audit subcategory %#x has no name", uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText parses text like [ParseSubcategory].
func (s *Subcategory) UnmarshalText(text []byte) error {
	v, err := ParseSubcategory(string(text))
	if err == nil {
		*s = v
	}
	return err
}

// guidText returns a GUID in the braced upper-case form of event fields (U-22).
func guidText(g winnt.GUID) string { return string(appendGUID(nil, g)) }

// appendGUID appends a GUID to dst in the braced upper-case form of event fields (U-22). It allocates only to extend
// dst.
func appendGUID(dst []byte, g winnt.GUID) []byte {
	const digits = "0123456789ABCDEF"
	dst = append(dst, '{')
	for i, at := range [...]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15} {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[g[at]>>4], digits[g[at]&15])
	}
	return append(dst, '}')
}
