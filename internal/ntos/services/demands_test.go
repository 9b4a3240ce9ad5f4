package services_test

import (
	"maps"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

type byName = func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status)

// demands has, for each service that writes audit records, the calls that must write one.
var demands = map[string][]demand{
	"NtOpenFile": {func(_ *testing.T, d *demanded) func() (any, ntstatus.Status) {
		return func() (any, ntstatus.Status) {
			h, st := d.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\??\T\f`}, 7, 0)
			return h, st
		}
	}},
	"NtCreateFile": {
		opening("f", fileaccess.FileOpen, 0), opening("new", fileaccess.FileCreate, 0),
		opening("newdir", fileaccess.FileCreate, fileaccess.DirectoryFile), opening("new", fileaccess.FileOpenIf, 0),
		opening("f", fileaccess.FileOverwrite, 0), opening("f", fileaccess.FileSupersede, 0),
		opening("new", fileaccess.FileOverwriteIf, 0), opening("f", fileaccess.FileOpen, fileaccess.DeleteOnClose),
	},
	"NtDeleteFile": {func(_ *testing.T, d *demanded) func() (any, ntstatus.Status) {
		return func() (any, ntstatus.Status) { return nil, d.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\T\f`}) }
	}},
	"NtReadFile": {onFile("f", winnt.FILE_READ_DATA, func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
		return d.asks.NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 4})
	})},
	"NtWriteFile": {onFile("f", winnt.FILE_WRITE_DATA, func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
		return d.asks.NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("x"))})
	}), onFile("f", winnt.FILE_APPEND_DATA, func(d *demanded, h winnt.Handle) (any, ntstatus.Status) {
		return d.asks.NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("x")), ByteOffset: atEnd})
	})},
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
			v, st := d.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, 1, 0, 0)
			return v, st
		}
	}},
	"NtSetSecurityObject": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		h := check.Result(d.NtCreateEvent(winnt.EVENT_ALL_ACCESS, spiedAt("e"), nt.NotificationEvent, false))
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
			out, st := d.NtAdjustPrivilegesToken(h, false, []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}}, true)
			if out == nil {
				return nil, st
			}
			return out, st
		}
	}},
	"LsaLogonUser": {func(_ *testing.T, d *demanded) func() (any, ntstatus.Status) {
		return func() (any, ntstatus.Status) {
			out, st := d.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK))
			if st != ntstatus.Success {
				return nil, st
			}
			return out, st
		}
	}},
	"NtCreateUserProcess": {func(_ *testing.T, d *demanded) func() (any, ntstatus.Status) {
		return func() (any, ntstatus.Status) {
			return d.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: 1, ThreadDesiredAccess: 1})
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
	"NtCreatePort": {func(_ *testing.T, d *demanded) func() (any, ntstatus.Status) {
		return func() (any, ntstatus.Status) {
			return d.asks.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(spiedAt("new"))})
		}
	}},
	"NtConnectPort": {func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		_, st := d.asks.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
			ObjectName: `\BaseNamedObjects\p`, SecurityDescriptor: spiedAt("p").SecurityDescriptor})})
		want(t, "make", st, ntstatus.Success)
		return func() (any, ntstatus.Status) {
			out, st := d.asks.NtConnectPort(nt.ConnectPortIn{PortName: `\BaseNamedObjects\p`})
			return out, st
		}
	}},
}

// opensOf returns a case that opens the caller's own process, thread or token after its SACL was set to audit.
func opensOf(prepare func(t *testing.T, d *demanded) winnt.Handle, open func(d *demanded) (winnt.Handle,
	ntstatus.Status)) []demand {
	return []demand{func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		h := prepare(t, d)
		want(t, "set the SACL", d.NtSetSecurityObject(h, winnt.SACL_SECURITY_INFORMATION, sddl.MustParse(spied)),
			ntstatus.Success)
		return func() (any, ntstatus.Status) { v, st := open(d); return v, st }
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
	want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	t.Cleanup(k.PsRevertToSelf)
	return check.Result(d.NtOpenThreadToken(winnt.NtCurrentThread,
		winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY, true))
}

func ownToken(t *testing.T, d *demanded) winnt.Handle {
	return check.Result(d.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY))
}

// alarm returns a case for a call that writes an audit record on behalf of a server.
func alarm(call func(s *auditServer) (any, ntstatus.Status)) []demand {
	return []demand{func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		s := d.auditServer(t, winnt.SecurityImpersonation)
		d.asks = s.Services
		return func() (any, ntstatus.Status) { return call(s) }
	}}
}

// kinds has the services that create and open a named object, by object type.
var kinds = map[string][2]byName{
	"JobObject": {func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, oa)
	}, func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtOpenJobObject(winnt.JOB_OBJECT_QUERY, oa)
	}},
	"Event": {func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, oa, nt.NotificationEvent, false)
	}, func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtOpenEvent(winnt.EVENT_MODIFY_STATE, oa)
	}},
	"Mutant": {func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateMutant(1, oa, false)
	}, func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtOpenMutant(1, oa)
	}},
	"Semaphore": {func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateSemaphore(1, oa, 1, 1)
	}, func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtOpenSemaphore(1, oa)
	}},
	"Timer": {func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateTimer(1, oa, 0)
	}, func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtOpenTimer(1, oa)
	}},
	"DirectoryObject": {func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateDirectoryObject(1, oa)
	}, func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtOpenDirectoryObject(1, oa)
	}},
	"SymbolicLinkObject": {func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateSymbolicLinkObject(1, oa, `\BaseNamedObjects`)
	}, func(th *nt.Thread, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return th.NtOpenSymbolicLinkObject(1, oa)
	}},
}

// alarms returns the calls of a server that writes audit records for its own objects.
func alarms() map[string][]demand {
	d := nt.Cap(sddl.MustParse(sample))
	mapping := nt.Cap(winnt.GenericMapping{Read: 1})
	list := nt.Cap(make([]access.ObjectTypeEntry, 1))
	end := nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("s"), GenerateOnClose: true}
	typed := nt.AccessCheckByTypeAndAuditAlarmIn{SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("Event"),
		ObjectName: nt.Cap("o"), SecurityDescriptor: d, DesiredAccess: 1, ObjectTypeList: list, GenericMapping: mapping}
	return map[string][]demand{
		"NtOpenObjectAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtOpenObjectAuditAlarm(nt.OpenObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("s"),
				ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("o"), DesiredAccess: 1, GrantedAccess: 1,
				AccessGranted: true, SecurityDescriptor: d})
		}),
		"NtCloseObjectAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtCloseObjectAuditAlarm(end)
		}),
		"NtDeleteObjectAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtDeleteObjectAuditAlarm(end)
		}),
		"NtPrivilegeObjectAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{ClientToken: s.client,
				SubsystemName: nt.Cap("s"), Privileges: tcb})
		}),
		"NtPrivilegedServiceAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn{ClientToken: s.client,
				SubsystemName: nt.Cap("s"), ServiceName: nt.Cap("t"), Privileges: tcb})
		}),
		"NtAccessCheckAndAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtAccessCheckAndAuditAlarm(nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("s"),
				ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("o"), SecurityDescriptor: d, DesiredAccess: 1,
				GenericMapping: mapping})
		}),
		"NtAccessCheckByTypeAndAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtAccessCheckByTypeAndAuditAlarm(typed)
		}),
		"NtAccessCheckByTypeResultListAndAuditAlarm": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtAccessCheckByTypeResultListAndAuditAlarm(typed)
		}),
		"NtAccessCheckByTypeResultListAndAuditAlarmByHandle": alarm(func(s *auditServer) (any, ntstatus.Status) {
			return s.NtAccessCheckByTypeResultListAndAuditAlarmByHandle(nt.AccessCheckAndAuditAlarmByHandleIn{
				ClientToken: s.client, SubsystemName: typed.SubsystemName, ObjectTypeName: typed.ObjectTypeName,
				ObjectName: typed.ObjectName, SecurityDescriptor: d, DesiredAccess: 1, ObjectTypeList: list,
				GenericMapping: mapping})
		}),
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
	for kind, f := range kinds {
		demands["NtCreate"+kind], demands["NtOpen"+kind] = making(f[0], f[1])
	}
	for _, oa := range []*nt.ObjectAttributes{{}, {ObjectName: at("stays").ObjectName, Attributes: winnt.OBJ_PERMANENT}} {
		oa.SecurityDescriptor = spiedAt("").SecurityDescriptor
		demands["NtCreateEvent"] = append(demands["NtCreateEvent"], func(_ *testing.T,
			d *demanded) func() (any, ntstatus.Status) {
			return func() (any, ntstatus.Status) { h, st := kinds["Event"][0](d.Thread, oa); return h, st }
		})
	}
	maps.Copy(demands, alarms())
	maps.Copy(demands, openDemands())
}
