package trail

import (
	"strconv"
	"strings"

	"github.com/refmon/refmon/audit"
)

// class is a class of OCSF 1.8.0 with one of its activities.
type class struct {
	id, activity int
	name         string // of an activity that the class has no number for
}

const other = 99

// OCSF classes of records.
const (
	fileActivity     = 1001
	kernelResource   = 201003 // Windows Resource Activity
	registryKey      = 201001
	processActivity  = 1007
	eventLogActivity = 1008
	authentication   = 3002
	authorizeSession = 3003
	entityManagement = 3004
	userAccess       = 3005
)

// classes maps events whose class does not depend on the object.
var classes = map[uint16]class{
	4624: {authentication, 1, ""}, 4625: {authentication, 1, ""}, 4634: {authentication, 2,
		""}, 4647: {authentication, 2, ""}, 4648: {authentication, 1, ""},
	4672: {authorizeSession, 1, ""}, 4964: {authorizeSession, 2, ""}, 4626: {authorizeSession, other,
		"Claims"}, 4627: {authorizeSession, 2, ""},
	4703: {authorizeSession, 1, ""}, 4704: {userAccess, 1, ""}, 4717: {userAccess, 1, ""}, 4705: {userAccess, 2,
		""}, 4718: {userAccess, 2, ""},
	4673: {kernelResource, 1, ""}, 4690: {kernelResource, other, "Duplicate Handle"}, 4688: {processActivity, 1,
		""}, 4689: {processActivity, 2, ""},
	4696: {processActivity, 5, ""}, audit.UnsafeElevationID: {processActivity, other, "Impersonate Upward"},
	4715: {entityManagement, 3, ""}, 4719: {entityManagement, 3, ""}, 4817: {entityManagement, 3,
		""}, 4902: {entityManagement, 1, ""},
	4904: {entityManagement, 3, ""}, 4905: {entityManagement, 4, ""}, 4906: {eventLogActivity, other,
		"CrashOnAuditFail"},
	4908: {entityManagement, 3, ""}, 4912: {entityManagement, 3, ""}, 4616: {entityManagement, 3,
		""}, 4664: {fileActivity, 1, ""},
	4818: {fileActivity, other, "Central policy staging"},
	4608: {eventLogActivity, 6, ""}, 1100: {eventLogActivity, 7, ""}, 1102: {eventLogActivity, 1,
		""}, 1103: {eventLogActivity, other, "Nearly full"},
	1104: {eventLogActivity, other, "Full"}, 1105: {eventLogActivity, 4, ""}, 4612: {eventLogActivity, other,
		"Records lost"},
	4621: {eventLogActivity, other, "Recovered"}, audit.OverwrittenID: {eventLogActivity, 2, ""},
	audit.AccountsChangedID: {entityManagement, 3, ""},
}

// classOf returns the OCSF class and activity of a record, by its event, its object type and, for the use of a right,
// that right (U-76). An unknown event is access to a Windows resource. Records about other object types are kernel
// resource access.
func classOf(e *audit.Event) class {
	if c, ok := classes[e.ID]; ok {
		return c
	}
	typ, _ := e.Field("ObjectType")
	file, key := e.Subcategory == audit.FileSystem || typ == "File", e.Subcategory == audit.Registry || typ == "Key"
	switch e.ID {
	case 4656, 4661, 4674:
		switch {
		case file:
			return class{fileActivity, 14, ""}
		case key:
			return class{registryKey, 2, ""}
		case e.ID == 4656 && (typ == "Process" || typ == "Thread"):
			return class{processActivity, 3, ""}
		}
	case 4662:
		return class{entityManagement, readOrUpdate(e), ""}
	case 4658:
		if file {
			return class{fileActivity, other, "Close"}
		}
		return class{kernelResource, other, "Close"}
	case 4659, 4660:
		return byType(file, key, 4, 4, "Delete")
	case 4663:
		if file || key {
			return byType(file, key, useOf(mask(e), fileUses), useOf(mask(e), keyUses), "")
		}
	case 4670, 4907, 4911, 4913:
		return byType(file, key, 7, 6, "Set Security")
	}
	return class{kernelResource, 1, ""}
}

// byType returns the class and activity of an operation on an object. For a file it is file activity ofFile, and for
// a registry key key activity ofKey. For other objects it is kernel resource activity "other" with name.
func byType(file, key bool, ofFile, ofKey int, name string) class {
	switch {
	case file:
		return class{fileActivity, ofFile, ""}
	case key:
		return class{registryKey, ofKey, ""}
	}
	return class{kernelResource, other, name}
}

// use is an activity that uses one of the rights in a mask.
type use struct {
	mask     uint64
	activity int
}

// Activities of files and of registry keys, the most specific first.
var (
	fileUses = []use{{0x10040, 4}, {0xC0000, 7}, {0x6, 3}, {0x110, 6}, {0x21, 2}, {0x20000, 9}, {0x88, 8}}
	keyUses  = []use{{0x10000, 4}, {0xC0000, 6}, {0x26, 3}}
)

// useOf returns the OCSF activity that describes the use of the rights in a mask, such as delete, update or read. With
// several rights the most specific counts. It returns 2, read, if no other is known.
func useOf(m uint64, uses []use) int {
	for _, u := range uses {
		if m&u.mask != 0 {
			return u.activity
		}
	}
	return 2
}

// readOrUpdate returns the OCSF activity of an operation on a directory object: 3, update, if the mask has a right
// that changes something, otherwise 2, read.
func readOrUpdate(e *audit.Event) int {
	const writes = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x10000 | 0x40000 | 0x80000
	if mask(e)&writes != 0 {
		return 3
	}
	return 2
}

// mask returns the access mask of a record, 0 if it is missing or malformed.
func mask(e *audit.Event) uint64 {
	m, _ := maskOf(e)
	return m
}

// maskOf returns the access mask of a record. ok is false if it is missing or malformed. If the mask is a list of
// codes, maskOf returns the bits of the listed rights (U-22).
func maskOf(e *audit.Event) (m uint64, ok bool) {
	text, _ := e.Field("AccessMask")
	if strings.HasPrefix(text, "%%") {
		for a := range e.Accesses() {
			m |= uint64(a.Bit)
		}
		return m, true
	}
	m, err := strconv.ParseUint(text, 0, 64)
	return m, err == nil
}
