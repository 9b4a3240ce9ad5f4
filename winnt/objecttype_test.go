package winnt_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// The generic mappings of desktops and window stations are the sums of the rights that "Desktop Security and Access
// Rights" and "Window Station Security and Access Rights" list.
func TestDesktopMappingsSumDocumentedRights(t *testing.T) {
	const readControl, required = 0x20000, 0xF0000 // STANDARD_RIGHTS_READ, WRITE and EXECUTE; STANDARD_RIGHTS_REQUIRED
	for _, c := range []struct {
		name                 string
		read, write, execute []string
	}{
		{"desktop", []string{"DESKTOP_ENUMERATE", "DESKTOP_READOBJECTS"},
			[]string{"DESKTOP_CREATEMENU", "DESKTOP_CREATEWINDOW", "DESKTOP_HOOKCONTROL", "DESKTOP_JOURNALPLAYBACK",
				"DESKTOP_JOURNALRECORD", "DESKTOP_WRITEOBJECTS"}, []string{"DESKTOP_SWITCHDESKTOP"}},
		{"windowStation", []string{"WINSTA_ENUMDESKTOPS", "WINSTA_ENUMERATE", "WINSTA_READATTRIBUTES", "WINSTA_READSCREEN"},
			[]string{"WINSTA_ACCESSCLIPBOARD", "WINSTA_CREATEDESKTOP", "WINSTA_WRITEATTRIBUTES"},
			[]string{"WINSTA_ACCESSGLOBALATOMS", "WINSTA_EXITWINDOWS"}},
	} {
		typ := winnt.ObjectTypeByName(c.name)
		if typ == nil {
			t.Errorf("ObjectTypeByName(%s) = nil, want a type", c.name)
			continue
		}
		bits, all := map[string]winnt.AccessMask{}, winnt.AccessMask(0)
		for _, r := range typ.Rights {
			bits[r.Name] = r.Mask
			all |= r.Mask
		}
		sum := func(names []string) winnt.AccessMask {
			m := winnt.AccessMask(readControl)
			for _, n := range names {
				check.That(t, bits[n] != 0, "type %s has no right %s", c.name, n)
				m |= bits[n]
			}
			return m
		}
		want := winnt.GenericMapping{Read: sum(c.read), Write: sum(c.write), Execute: sum(c.execute), All: required | all}
		check.That(t, typ.Mapping == want && typ.Valid == want.All,
			"type %s: mapping %x, valid %x; want %x", c.name, typ.Mapping, typ.Valid, want)
	}
}

// Each object type has its rights at their documented bits and its documented generic mapping. ObjectTypeByName finds
// it in any case.
func TestObjectTypesHaveDocumentedRights(t *testing.T) {
	for _, row := range typeRows {
		typ := winnt.ObjectTypeByName(row.name)
		if typ == nil || winnt.ObjectTypeByName(strings.ToUpper(row.name)) != typ {
			t.Errorf("ObjectTypeByName(%s) = %v, want a type, and the same in upper case", row.name, typ)
			continue
		}
		bits := map[string]winnt.AccessMask{"SYNCHRONIZE": 0x100000, "DELETE": 0x10000}
		for i, name := range strings.Fields(row.rights) {
			bits[name] = 1 << i
			check.Equal(t, typ.RightName(1<<i), name, "type %s: name of bit %d", row.name, i)
			check.That(t, i < len(typ.Rights) && typ.Rights[i] == (winnt.Right{Mask: 1 << i, Name: name}),
				"type %s: right %d is not %s", row.name, i, name)
		}
		if n := len(strings.Fields(row.rights)); len(typ.Rights) != n {
			t.Errorf("type %s has %d rights, want %d", row.name, len(typ.Rights), n)
		}
		sum := func(which, names string) (m winnt.AccessMask) {
			if !strings.Contains(row.without, which) {
				m = 0x20000 // READ_CONTROL
			}
			for _, name := range strings.Fields(names) {
				check.That(t, bits[name] != 0, "type %s has no right %s", row.name, name)
				m |= bits[name]
			}
			return m
		}
		want := winnt.GenericMapping{Read: sum("read", row.read), Write: sum("write", row.write),
			Execute: sum("exec", row.exec), All: row.all}
		if typ.Mapping != want || typ.Valid != row.valid || typ.Name != row.documented {
			t.Errorf("type %s: name %s, mapping %+v, valid %v; want %s, %+v, %v", row.name, typ.Name, typ.Mapping,
				typ.Valid, row.documented, want, row.valid)
		}
		if typ.Invalid != row.invalid || typ.DupCheck != row.dupCheck || typ.Waitable != row.waits ||
			typ.Container != row.containing {
			t.Errorf("type %s: invalid attributes %#x, DupCheck %t, Waitable %t, Container %t; want %#x, %t, %t, %t",
				row.name, typ.Invalid, typ.DupCheck, typ.Waitable, typ.Container, row.invalid, row.dupCheck,
				row.waits, row.containing)
		}
	}
	check.That(t, winnt.ObjectTypeByName("files") == nil && winnt.ObjectTypeByName("") == nil,
		"ObjectTypeByName(\"files\") or ObjectTypeByName(\"\") is a type, want nil")
	d := winnt.DeviceObject
	check.That(t, d.Name == "Device" && d.Mapping == winnt.FileObject.Mapping && d.Waitable && len(d.Rights) == 9 &&
		d.Valid == 0x1F01FF, "DeviceObject = %+v, want a waitable Device with the mapping of files and 9 rights", d)
}

// typeRows has the types of winnt.h, "Access Rights and Access Masks" of each type, MS-LSAD 2.2.1.1.2 and MS-ADTS
// 5.1.3.2.
var typeRows = []typeRow{
	{name: "file", documented: "File",
		rights: "FILE_READ_DATA FILE_WRITE_DATA FILE_APPEND_DATA FILE_READ_EA FILE_WRITE_EA " +
			"FILE_EXECUTE FILE_DELETE_CHILD FILE_READ_ATTRIBUTES FILE_WRITE_ATTRIBUTES",
		read:  "SYNCHRONIZE FILE_READ_DATA FILE_READ_ATTRIBUTES FILE_READ_EA",
		write: "SYNCHRONIZE FILE_WRITE_DATA FILE_APPEND_DATA FILE_WRITE_ATTRIBUTES FILE_WRITE_EA",
		exec:  "SYNCHRONIZE FILE_EXECUTE FILE_READ_ATTRIBUTES", all: 0x1F01FF, valid: 0x1F01FF, waits: true},
	{name: "directory", documented: "File",
		rights: "FILE_LIST_DIRECTORY FILE_ADD_FILE FILE_ADD_SUBDIRECTORY FILE_READ_EA " +
			"FILE_WRITE_EA FILE_TRAVERSE FILE_DELETE_CHILD FILE_READ_ATTRIBUTES FILE_WRITE_ATTRIBUTES",
		read:  "SYNCHRONIZE FILE_LIST_DIRECTORY FILE_READ_ATTRIBUTES FILE_READ_EA",
		write: "SYNCHRONIZE FILE_ADD_FILE FILE_ADD_SUBDIRECTORY FILE_WRITE_ATTRIBUTES FILE_WRITE_EA",
		exec:  "SYNCHRONIZE FILE_TRAVERSE FILE_READ_ATTRIBUTES", all: 0x1F01FF, valid: 0x1F01FF, waits: true,
		containing: true},
	{name: "key", documented: "Key",
		rights: "KEY_QUERY_VALUE KEY_SET_VALUE KEY_CREATE_SUB_KEY KEY_ENUMERATE_SUB_KEYS KEY_NOTIFY " +
			"KEY_CREATE_LINK", read: "KEY_QUERY_VALUE KEY_ENUMERATE_SUB_KEYS KEY_NOTIFY",
		write: "KEY_SET_VALUE KEY_CREATE_SUB_KEY", exec: "KEY_QUERY_VALUE KEY_ENUMERATE_SUB_KEYS KEY_NOTIFY",
		all: 0xF003F, valid: 0x1F003F, containing: true},
	{name: "token", documented: "Token",
		rights: "TOKEN_ASSIGN_PRIMARY TOKEN_DUPLICATE TOKEN_IMPERSONATE TOKEN_QUERY " +
			"TOKEN_QUERY_SOURCE TOKEN_ADJUST_PRIVILEGES TOKEN_ADJUST_GROUPS TOKEN_ADJUST_DEFAULT TOKEN_ADJUST_SESSIONID",
		read: "TOKEN_DUPLICATE TOKEN_QUERY TOKEN_QUERY_SOURCE", write: "TOKEN_ADJUST_PRIVILEGES TOKEN_ADJUST_GROUPS " +
			"TOKEN_ADJUST_DEFAULT TOKEN_ADJUST_SESSIONID", exec: "TOKEN_ASSIGN_PRIMARY TOKEN_IMPERSONATE",
		all: 0xF01FF, valid: 0xF01FF, invalid: winnt.OBJ_OPENLINK, dupCheck: true},
	{name: "process", documented: "Process", rights: "PROCESS_TERMINATE PROCESS_CREATE_THREAD PROCESS_SET_SESSIONID " +
		"PROCESS_VM_OPERATION PROCESS_VM_READ PROCESS_VM_WRITE PROCESS_DUP_HANDLE PROCESS_CREATE_PROCESS " +
		"PROCESS_SET_QUOTA PROCESS_SET_INFORMATION PROCESS_QUERY_INFORMATION PROCESS_SUSPEND_RESUME " +
		"PROCESS_QUERY_LIMITED_INFORMATION PROCESS_SET_LIMITED_INFORMATION",
		read: "PROCESS_VM_READ PROCESS_QUERY_INFORMATION", write: "PROCESS_CREATE_THREAD PROCESS_VM_OPERATION " +
			"PROCESS_VM_WRITE PROCESS_DUP_HANDLE PROCESS_CREATE_PROCESS PROCESS_SET_QUOTA PROCESS_SET_INFORMATION " +
			"PROCESS_SUSPEND_RESUME", exec: "SYNCHRONIZE PROCESS_TERMINATE PROCESS_QUERY_LIMITED_INFORMATION",
		all: 0x1FFFFF, valid: 0x1FFFFF, invalid: winnt.OBJ_PERMANENT | winnt.OBJ_EXCLUSIVE | winnt.OBJ_OPENIF,
		dupCheck: true, waits: true},
	{name: "thread", documented: "Thread",
		rights: "THREAD_TERMINATE THREAD_SUSPEND_RESUME THREAD_ALERT THREAD_GET_CONTEXT " +
			"THREAD_SET_CONTEXT THREAD_SET_INFORMATION THREAD_QUERY_INFORMATION THREAD_SET_THREAD_TOKEN " +
			"THREAD_IMPERSONATE THREAD_DIRECT_IMPERSONATION THREAD_SET_LIMITED_INFORMATION " +
			"THREAD_QUERY_LIMITED_INFORMATION THREAD_RESUME",
		read: "THREAD_GET_CONTEXT THREAD_QUERY_INFORMATION", write: "THREAD_TERMINATE THREAD_SUSPEND_RESUME " +
			"THREAD_ALERT THREAD_SET_CONTEXT THREAD_SET_INFORMATION THREAD_SET_LIMITED_INFORMATION",
		exec: "SYNCHRONIZE THREAD_QUERY_LIMITED_INFORMATION THREAD_RESUME",
		all:  0x1FFFFF, valid: 0x1FFFFF, invalid: winnt.OBJ_PERMANENT | winnt.OBJ_EXCLUSIVE | winnt.OBJ_OPENIF,
		dupCheck: true, waits: true},
	{name: "job", documented: "Job", rights: "JOB_OBJECT_ASSIGN_PROCESS JOB_OBJECT_SET_ATTRIBUTES JOB_OBJECT_QUERY " +
		"JOB_OBJECT_TERMINATE JOB_OBJECT_SET_SECURITY_ATTRIBUTES JOB_OBJECT_IMPERSONATE", read: "JOB_OBJECT_QUERY",
		write: "JOB_OBJECT_ASSIGN_PROCESS JOB_OBJECT_SET_ATTRIBUTES JOB_OBJECT_TERMINATE", exec: "SYNCHRONIZE",
		all: 0x1F003F, valid: 0x1F003F, dupCheck: true, waits: true},
	{name: "objectDirectory", documented: "Directory", rights: "DIRECTORY_QUERY DIRECTORY_TRAVERSE " +
		"DIRECTORY_CREATE_OBJECT DIRECTORY_CREATE_SUBDIRECTORY", read: "DIRECTORY_QUERY DIRECTORY_TRAVERSE",
		write: "DIRECTORY_CREATE_OBJECT DIRECTORY_CREATE_SUBDIRECTORY", exec: "DIRECTORY_QUERY DIRECTORY_TRAVERSE",
		all: 0xF000F, valid: 0xF000F, invalid: winnt.OBJ_OPENLINK, dupCheck: true, containing: true},
	{name: "symbolicLink", documented: "SymbolicLink", rights: "SYMBOLIC_LINK_QUERY SYMBOLIC_LINK_SET",
		read: "SYMBOLIC_LINK_QUERY", exec: "SYMBOLIC_LINK_QUERY", all: 0xF0001, valid: 0xF0003,
		invalid: winnt.OBJ_OPENLINK, dupCheck: true},
	{name: "event", documented: "Event", rights: "EVENT_QUERY_STATE EVENT_MODIFY_STATE", read: "EVENT_QUERY_STATE",
		write: "EVENT_MODIFY_STATE", exec: "SYNCHRONIZE", all: 0x1F0003, valid: 0x1F0003, invalid: winnt.OBJ_OPENLINK,
		dupCheck: true, waits: true},
	{name: "mutant", documented: "Mutant", rights: "MUTANT_QUERY_STATE", read: "MUTANT_QUERY_STATE",
		exec: "SYNCHRONIZE", all: 0x1F0001, valid: 0x1F0001, invalid: winnt.OBJ_OPENLINK, dupCheck: true, waits: true},
	{name: "semaphore", documented: "Semaphore", rights: "SEMAPHORE_QUERY_STATE SEMAPHORE_MODIFY_STATE",
		read: "SEMAPHORE_QUERY_STATE", write: "SEMAPHORE_MODIFY_STATE", exec: "SYNCHRONIZE", all: 0x1F0003,
		valid: 0x1F0003, invalid: winnt.OBJ_OPENLINK, dupCheck: true, waits: true},
	{name: "timer", documented: "Timer", rights: "TIMER_QUERY_STATE TIMER_MODIFY_STATE", read: "TIMER_QUERY_STATE",
		write: "TIMER_MODIFY_STATE", exec: "SYNCHRONIZE", all: 0x1F0003, valid: 0x1F0003, invalid: winnt.OBJ_OPENLINK,
		dupCheck: true, waits: true},
	{name: "section", documented: "Section",
		rights: "SECTION_QUERY SECTION_MAP_WRITE SECTION_MAP_READ SECTION_MAP_EXECUTE SECTION_EXTEND_SIZE",
		read:   "SECTION_QUERY SECTION_MAP_READ", write: "SECTION_MAP_WRITE",
		exec: "SECTION_MAP_EXECUTE", all: 0xF001F, valid: 0xF001F, dupCheck: true},
	{name: "port", documented: "Port", rights: "PORT_CONNECT", read: "PORT_CONNECT", write: "DELETE PORT_CONNECT",
		without: "write exec", all: 0x1F0001, valid: 0x1F0001, dupCheck: true, waits: true},
	{name: "policy", documented: "Policy",
		rights: "POLICY_VIEW_LOCAL_INFORMATION POLICY_VIEW_AUDIT_INFORMATION " +
			"POLICY_GET_PRIVATE_INFORMATION POLICY_TRUST_ADMIN POLICY_CREATE_ACCOUNT POLICY_CREATE_SECRET " +
			"POLICY_CREATE_PRIVILEGE POLICY_SET_DEFAULT_QUOTA_LIMITS POLICY_SET_AUDIT_REQUIREMENTS " +
			"POLICY_AUDIT_LOG_ADMIN POLICY_SERVER_ADMIN POLICY_LOOKUP_NAMES POLICY_NOTIFICATION",
		read: "POLICY_VIEW_AUDIT_INFORMATION POLICY_GET_PRIVATE_INFORMATION", write: "POLICY_TRUST_ADMIN " +
			"POLICY_CREATE_ACCOUNT POLICY_CREATE_SECRET POLICY_CREATE_PRIVILEGE POLICY_SET_DEFAULT_QUOTA_LIMITS " +
			"POLICY_SET_AUDIT_REQUIREMENTS POLICY_AUDIT_LOG_ADMIN POLICY_SERVER_ADMIN",
		exec: "POLICY_VIEW_LOCAL_INFORMATION POLICY_LOOKUP_NAMES", all: 0xF0FFF, valid: 0xF1FFF},
	{name: "directoryService", documented: "DirectoryService",
		rights: "ADS_RIGHT_DS_CREATE_CHILD " +
			"ADS_RIGHT_DS_DELETE_CHILD ADS_RIGHT_ACTRL_DS_LIST ADS_RIGHT_DS_SELF ADS_RIGHT_DS_READ_PROP " +
			"ADS_RIGHT_DS_WRITE_PROP ADS_RIGHT_DS_DELETE_TREE ADS_RIGHT_DS_LIST_OBJECT ADS_RIGHT_DS_CONTROL_ACCESS",
		read:  "ADS_RIGHT_ACTRL_DS_LIST ADS_RIGHT_DS_READ_PROP ADS_RIGHT_DS_LIST_OBJECT",
		write: "ADS_RIGHT_DS_SELF ADS_RIGHT_DS_WRITE_PROP", exec: "ADS_RIGHT_ACTRL_DS_LIST", all: 0xF01FF, valid: 0xF01FF,
		containing: true},
}

// typeRow is an object type: its rights by their bits from 1 on ("" for a bit without a name), and the rights in its
// generic mapping in addition to READ_CONTROL.
type typeRow struct {
	name, documented            string
	rights, read, write, exec   string
	all, valid                  winnt.AccessMask
	without                     string // generic rights without READ_CONTROL
	invalid                     uint32
	dupCheck, waits, containing bool
}
