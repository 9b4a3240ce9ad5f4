package services_test

import (
	"maps"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// demands has, for each service that writes audit records, the calls that must write one.
var demands = map[string][]demand{
	"NtOpenFile": {direct(func(d *demanded) (any, ntstatus.Status) {
		return d.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\??\T\f`}, 7, 0)
	})},
	"NtCreateFile": {
		opening("f", fileaccess.FileOpen, 0), opening("new", fileaccess.FileCreate, 0),
		opening("newdir", fileaccess.FileCreate, fileaccess.DirectoryFile), opening("new", fileaccess.FileOpenIf, 0),
		opening("f", fileaccess.FileOverwrite, 0), opening("f", fileaccess.FileSupersede, 0),
		opening("new", fileaccess.FileOverwriteIf, 0), opening("f", fileaccess.FileOpen, fileaccess.DeleteOnClose),
	},
	"NtDeleteFile": {direct(func(d *demanded) (any, ntstatus.Status) {
		return nil, d.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\T\f`})
	})},
	"NtReadFile": {onFile("f", winnt.FILE_READ_DATA, func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
		return d.asks.NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 4})
	})},
	"NtWriteFile": {onFile("f", winnt.FILE_WRITE_DATA, func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
		return d.asks.NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("x"))})
	}), onFile("f", winnt.FILE_APPEND_DATA, func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
		return d.asks.NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("x")), ByteOffset: atEnd})
	}), func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		check.NoError(t, d.sys.CreateFile("bare", sddl.MustParse(audited)))
		var h winnt.Handle
		d.relaxedWhile(t, func() { h = check.Result(d.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\Files\bare`), 0, 0)) })
		return func() (any, ntstatus.Status) {
			return d.asks.NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("x"))})
		}
	}},
	"NtSetInformationFile": {onFile("f", winnt.FILE_WRITE_DATA,
		func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
			return nil, d.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: 3})
		})},
	"NtQueryDirectoryFile": {onFile("dir", winnt.FILE_LIST_DIRECTORY,
		func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
			return d.asks.NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: h, Length: 64,
				FileInformationClass: nt.FileNamesInformation})
		})},
	"NtDuplicateObject": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		h := check.Result(d.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
		return func() (any, ntstatus.Status) {
			return d.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, 1, 0, 0)
		}
	}},
	"NtSetSecurityObject": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		h := check.Result(d.NtCreateEvent(winnt.EVENT_ALL_ACCESS, auditedAt("e"), nt.NotificationEvent, false))
		return func() (any, ntstatus.Status) {
			return nil, d.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:"))
		}
	}, func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		h := d.open(`\??\T\f`, winnt.WRITE_DAC, 0)
		return func() (any, ntstatus.Status) {
			return nil, d.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:"))
		}
	}},
	"NtAdjustPrivilegesToken": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		h := check.Result(d.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
		return func() (any, ntstatus.Status) {
			return d.NtAdjustPrivilegesToken(h, false, []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}},
				true)
		}
	}},
	"LsaLogonUser": {direct(func(d *demanded) (any, ntstatus.Status) {
		return d.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK))
	})},
	"NtCreateUserProcess": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		inherited := &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT}
		check.Result(d.NtCreateEvent(1, inherited, nt.NotificationEvent, false))
		return func() (any, ntstatus.Status) {
			return d.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: 1, ThreadDesiredAccess: 1,
				ProcessFlags: winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES})
		}
	}},
	"NtSetInformationProcess": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		made, st := d.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED})
		want(t, "make", st, ntstatus.Success)
		own, st := d.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE)
		want(t, "open", st, ntstatus.Success)
		dup, st := d.NtDuplicateToken(own, winnt.TOKEN_ASSIGN_PRIMARY|winnt.TOKEN_QUERY, nil, false, winnt.TokenPrimary)
		want(t, "duplicate", st, ntstatus.Success)
		return func() (any, ntstatus.Status) {
			return nil, d.NtSetInformationProcess(made.ProcessHandle, nt.ProcessAccessToken, dup)
		}
	}},
	"NtCreatePort": {direct(func(d *demanded) (any, ntstatus.Status) {
		return d.asks.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(auditedAt("new"))})
	})},
	"NtConnectPort": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		_, st := d.asks.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
			ObjectName: `\BaseNamedObjects\p`, SecurityDescriptor: auditedAt("p").SecurityDescriptor})})
		want(t, "make", st, ntstatus.Success)
		return func() (any, ntstatus.Status) {
			return d.asks.NtConnectPort(nt.ConnectPortIn{PortName: `\BaseNamedObjects\p`})
		}
	}},
}

// direct returns a case that needs no preparation.
func direct(call func(d *demanded) (any, ntstatus.Status)) demand {
	return func(_ *testing.T, d *demanded) func() (any, ntstatus.Status) {
		return func() (any, ntstatus.Status) { return call(d) }
	}
}

// opensOf returns a case that opens the caller's own process, thread or token after its SACL was set to audit.
func opensOf(prepare func(t *testing.T, d *demanded) winnt.Handle, open func(d *demanded) (winnt.Handle,
	ntstatus.Status)) []demand {
	return []demand{func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		h := prepare(t, d)
		want(t, "set the SACL", d.NtSetSecurityObject(h, winnt.SACL_SECURITY_INFORMATION, sddl.MustParse(audited)),
			ntstatus.Success)
		return func() (any, ntstatus.Status) { return open(d) }
	}}
}

func ownID(d *demanded) *nt.ClientID {
	self := d.context().Thread()
	return &nt.ClientID{UniqueProcess: self.Process().ID(), UniqueThread: self.ID()}
}

// impersonates makes the thread impersonate a client and returns a handle of the client's token object.
func impersonates(t *testing.T, d *demanded) winnt.Handle {
	k := d.sys.KernelMode(d.Thread)
	tok := d.token(k, client, winnt.SecurityImpersonation, winnt.SeSecurityPrivilege)
	check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation))
	t.Cleanup(k.PsRevertToSelf)
	return check.Result(d.NtOpenThreadToken(winnt.NtCurrentThread,
		winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY, true))
}

func ownToken(t *testing.T, d *demanded) winnt.Handle {
	return check.Result(d.NtOpenProcessToken(winnt.NtCurrentProcess,
		winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY))
}

// alarm returns a case for a service that writes an audit record on behalf of a server.
func alarm(service string, in any) []demand {
	return []demand{func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		s := d.auditServer(t, winnt.SecurityImpersonation)
		d.asks = s.Services
		v := reflect.New(reflect.TypeOf(in)).Elem()
		v.Set(reflect.ValueOf(in))
		if f := v.FieldByName("ClientToken"); f.IsValid() {
			f.Set(reflect.ValueOf(s.client))
		}
		return func() (any, ntstatus.Status) {
			return nt.NewThread(s.Services, "").CallRow(nt.NtTable.Find(service), v.Interface())
		}
	}}
}

// alarms returns the inputs of a server that writes audit records for its own objects, without its client's token.
func alarms() map[string]any {
	d := nt.Cap(sddl.MustParse(sample))
	mapping := nt.Cap(winnt.GenericMapping{Read: 1})
	list := nt.Cap(make([]access.ObjectTypeEntry, 1))
	end := nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("s"), GenerateOnClose: true}
	typed := nt.AccessCheckByTypeAndAuditAlarmIn{SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("Event"),
		ObjectName: nt.Cap("o"), SecurityDescriptor: d, DesiredAccess: 1, ObjectTypeList: list, GenericMapping: mapping}
	return map[string]any{
		"NtOpenObjectAuditAlarm": nt.OpenObjectAuditAlarmIn{SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("Event"),
			ObjectName: nt.Cap("o"), DesiredAccess: 1, GrantedAccess: 1, AccessGranted: true, SecurityDescriptor: d},
		"NtCloseObjectAuditAlarm": end, "NtDeleteObjectAuditAlarm": end,
		"NtPrivilegeObjectAuditAlarm": nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("s"), Privileges: tcb},
		"NtPrivilegedServiceAuditAlarm": nt.PrivilegedServiceAuditAlarmIn{SubsystemName: nt.Cap("s"),
			ServiceName: nt.Cap("t"), Privileges: tcb},
		"NtAccessCheckAndAuditAlarm": nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("s"),
			ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("o"), SecurityDescriptor: d, DesiredAccess: 1,
			GenericMapping: mapping},
		"NtAccessCheckByTypeAndAuditAlarm": typed, "NtAccessCheckByTypeResultListAndAuditAlarm": typed,
		"NtAccessCheckByTypeResultListAndAuditAlarmByHandle": nt.AccessCheckAndAuditAlarmByHandleIn{
			SubsystemName: typed.SubsystemName, ObjectTypeName: typed.ObjectTypeName, ObjectName: typed.ObjectName,
			SecurityDescriptor: d, DesiredAccess: 1, ObjectTypeList: list, GenericMapping: mapping},
	}
}

// openDemands returns the services that open a process, a thread or a token.
func openDemands() map[string][]demand {
	self := func(open func(d *demanded, access winnt.AccessMask) (winnt.Handle, ntstatus.Status)) []demand {
		return opensOf(func(t *testing.T, d *demanded) winnt.Handle {
			return check.Result(open(d, winnt.ACCESS_SYSTEM_SECURITY|winnt.WRITE_DAC))
		}, func(d *demanded) (winnt.Handle, ntstatus.Status) { return open(d, winnt.READ_CONTROL) })
	}
	return map[string][]demand{
		"NtOpenProcess": self(func(d *demanded, a winnt.AccessMask) (winnt.Handle, ntstatus.Status) {
			return d.NtOpenProcess(a, nil, ownID(d))
		}),
		"NtOpenThread": self(func(d *demanded, a winnt.AccessMask) (winnt.Handle, ntstatus.Status) {
			return d.NtOpenThread(a, nil, ownID(d))
		}),
		"NtOpenProcessToken": opensOf(ownToken, func(d *demanded) (winnt.Handle, ntstatus.Status) {
			return d.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
		}),
		"NtOpenProcessTokenEx": opensOf(ownToken, func(d *demanded) (winnt.Handle, ntstatus.Status) {
			return d.NtOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, 0)
		}),
		"NtOpenThreadToken": opensOf(impersonates, func(d *demanded) (winnt.Handle, ntstatus.Status) {
			return d.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
		}),
		"NtOpenThreadTokenEx": opensOf(impersonates, func(d *demanded) (winnt.Handle, ntstatus.Status) {
			return d.NtOpenThreadTokenEx(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true, 0)
		}),
	}
}

func init() {
	for kind := range namedKinds {
		demands["NtCreate"+kind] = []demand{direct(func(d *demanded) (any, ntstatus.Status) {
			return createNamed(d.Thread, kind, auditedAt("new"))
		})}
		demands["NtOpen"+kind] = []demand{func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
			want(t, "make", check.Status(createNamed(d.Thread, kind, auditedAt("old"))), ntstatus.Success)
			return func() (any, ntstatus.Status) { return openNamed(d.Thread, kind, at("old")) }
		}}
	}
	for _, oa := range []*nt.ObjectAttributes{{}, {ObjectName: at("stays").ObjectName, Attributes: winnt.OBJ_PERMANENT}} {
		oa.SecurityDescriptor = auditedAt("").SecurityDescriptor
		demands["NtCreateEvent"] = append(demands["NtCreateEvent"], direct(func(d *demanded) (any, ntstatus.Status) {
			return createNamed(d.Thread, "Event", oa)
		}))
	}
	for service, in := range alarms() {
		demands[service] = alarm(service, in)
	}
	maps.Copy(demands, openDemands())
}
