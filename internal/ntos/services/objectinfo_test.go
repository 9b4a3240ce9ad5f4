package services_test

import (
	"maps"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A query returns the object's own flags (permanent and exclusive) and its creation time. A thread's creation time is
// later than that of its process (O-60, O-62, U-96, U-97).
func TestBasicInformationHasFlagsAndCreationTime(t *testing.T) {
	now := int64(1000)
	log := &audit.Log{Sink: audit.NewMemory(0, 0), Clock: func() int64 { now += 7; return now }}
	w := newWorld(t, kernel.Config{Log: log})
	th := w.system("p")
	for attributes, wanted := range map[uint32]uint32{0: 0, winnt.OBJ_INHERIT: winnt.OBJ_INHERIT,
		winnt.OBJ_PERMANENT: winnt.OBJ_PERMANENT, winnt.OBJ_EXCLUSIVE: winnt.OBJ_EXCLUSIVE,
		winnt.OBJ_PERMANENT | winnt.OBJ_EXCLUSIVE: winnt.OBJ_PERMANENT | winnt.OBJ_EXCLUSIVE} {
		before := now
		h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\ev`,
			Attributes: attributes}, nt.NotificationEvent, false)
		if attributes&winnt.OBJ_PERMANENT != 0 && st == ntstatus.PrivilegeNotHeld {
			own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES))
			_, st := th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{
				{LUID: winnt.SeCreatePermanentPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
			check.Success(t, st)
		}
		want(t, "make an event", st, ntstatus.Success)
		v, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
		b := v.(nt.BasicInformation)
		want(t, "query", st, ntstatus.Success)
		check.That(t, b.Attributes == wanted && b.CreationTime > before && b.CreationTime <= now && b.HandleCount == 1,
			"object attributes %#x: %+v, want a creation time after %d, not later than now, and one handle",
			attributes, b, before)
		check.Success(t, th.NtMakeTemporaryObject(h))
		check.Success(t, th.NtClose(h))
	}
	v := check.Result(th.NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessTimes))
	made := v.(nt.KernelUserTimes).CreateTime
	check.That(t, made > 1000, "creation time of the process = %d, want it after 1000", made)
	s, _, st := th.Services().NewThread()
	want(t, "a thread", st, ntstatus.Success)
	v, st = nt.NewThread(s, "later").NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadTimes)
	if got := v.(nt.KernelUserTimes).CreateTime; st != ntstatus.Success || got <= made {
		t.Errorf("creation time of the thread = %v, %v, want after %d, %v", got, st, made, ntstatus.Success)
	}
	s.EndThread()
}

// The sizes in an object's basic information equal the lengths that the queries of its name, type and security need,
// for named and unnamed objects (O-60, O-61).
func TestObjectSizesMatchTheirQueries(t *testing.T) {
	th := newThread(t, winnt.SeSecurityPrivilege, winnt.SeCreateGlobalPrivilege)
	all := map[string]winnt.Handle{}
	add := func(name string, h winnt.Handle, st ntstatus.Status) {
		t.Helper()
		want(t, name, st, ntstatus.Success)
		all[name] = h
	}
	const every = winnt.READ_CONTROL | winnt.ACCESS_SYSTEM_SECURITY
	h, st := th.NtOpenDirectoryObject(every, &nt.ObjectAttributes{ObjectName: `\`})
	add("the root", h, st)
	h, st = th.NtOpenDirectoryObject(every, &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects`})
	add("a directory", h, st)
	h, st = th.NtCreateEvent(every, nil, nt.NotificationEvent, false)
	add("an event", h, st)
	h, st = th.NtCreateEvent(every, &nt.ObjectAttributes{ObjectName: "\\BaseNamedObjects\\\uffff\U00010000",
		SecurityDescriptor: sddl.MustParse("O:" + svc + "G:BGD:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")}, nt.NotificationEvent,
		false)
	add("a named event", h, st)
	h, st = th.NtCreateTimer(every, nil, nt.NotificationTimer)
	add("a timer", h, st)
	h, st = th.NtOpenFile(every, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0)
	add("a device", h, st)
	h, st = th.NtOpenFile(every, &nt.ObjectAttributes{ObjectName: `\Device\NamedPipe\`}, 0, 0)
	add("a directory of pipes", h, st)
	pipe, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: every,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\facts`})})
	add("a pipe", pipe, st)
	child, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: every, ThreadDesiredAccess: every})
	add("a process", child.ProcessHandle, st)
	add("a thread", child.ThreadHandle, st)
	for name, length := range map[string]uint32{"the root": 16 + 4, "a directory": 16 + 36, "an event": 16,
		"a directory of pipes": 16 + 2*(17+1+1), "a named event": 16 + 2*(18+1+2+1)} {
		out, st := th.Services().NtQueryObject(nt.QueryObjectIn{Handle: all[name],
			ObjectInformationClass: nt.ObjectNameInformation, ObjectInformationLength: length})
		if want(t, "the name of "+name, st, ntstatus.Success); out.ReturnLength != length {
			t.Errorf("%s: name query returned length %d, want %d", name, out.ReturnLength, length)
		}
	}
	v := check.Result(th.NtQueryObject(all["an event"], nt.ObjectTypeInformation)).(nt.TypeInformation)
	check.Equal(t, v, nt.TypeInformation{TypeName: "Event", InvalidAttributes: winnt.EventObject.Invalid,
		GenericMapping: winnt.EventObject.Mapping, ValidAccessMask: winnt.EventObject.Valid}, "O-61: type of an event")
	for name, needed := range map[string]bool{"a device": false, "the root": true, "a process": true} {
		v = check.Result(th.NtQueryObject(all[name], nt.ObjectTypeInformation)).(nt.TypeInformation)
		check.Equal(t, v.SecurityRequired, needed, "%s needs a descriptor", name)
	}
	for name, h := range all {
		b := check.Result(th.NtQueryObject(h, nt.ObjectBasicInformation)).(nt.BasicInformation)
		need := func(class nt.ObjectInfoClass) uint32 {
			out, st := th.Services().NtQueryObject(nt.QueryObjectIn{Handle: h, ObjectInformationClass: class})
			want(t, "without room", st, ntstatus.InfoLengthMismatch)
			return out.ReturnLength
		}
		text := need(nt.ObjectNameInformation)
		n := need(nt.ObjectTypeInformation)
		check.That(t, b.TypeInfoSize == n,
			"%s: basic information has type size %d, want %d as the type query returns", name, b.TypeInfoSize, n)
		if text == 16 {
			text = 0 // an unnamed object returns an empty name
		}
		check.That(t, b.NameInfoSize == text,
			"%s: basic information has name size %d, want %d as the name query returns", name, b.NameInfoSize, text)
		const parts = winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION |
			winnt.DACL_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION
		out := check.Result(th.Services().NtQuerySecurityObject(nt.QuerySecurityObjectIn{Handle: h, Length: 1 << 16,
			SecurityInformation: nt.SecurityInformation(parts)}))
		if bare := out.SecurityDescriptor.Owner().IsZero(); bare && b.SecurityDescriptorSize != 0 ||
			!bare && b.SecurityDescriptorSize != out.LengthNeeded {
			t.Errorf("%s: basic information has descriptor size %d, want %d as the security query returns, 0 without owner",
				name, b.SecurityDescriptorSize, out.LengthNeeded)
		}
	}
}

// TestSetHandleFlagsErrorsAndEffect checks the order of the errors of O-63, and that a call sets both flags and
// nothing else, whatever rights the handle has.
func TestSetHandleFlagsErrorsAndEffect(t *testing.T) {
	th := newThread(t)
	h := check.Result(th.NtCreateEvent(0, nil, nt.NotificationEvent, false))
	for _, flags := range []nt.HandleFlagInformation{{}, {Inherit: true}, {ProtectFromClose: true},
		{Inherit: true, ProtectFromClose: true}, {}} {
		in := nt.SetInformationObjectIn{Handle: h, ObjectInformationClass: nt.ObjectHandleFlagInformation,
			ObjectInformation: nt.Cap(flags), ObjectInformationLength: 2}
		checkOrder(t, "NtSetInformationObject", in, func(in nt.SetInformationObjectIn) ntstatus.Status {
			had := handles(t, th)
			_, st := th.Services().NtSetInformationObject(in)
			if now := handles(t, th); st != ntstatus.Success && !maps.Equal(now, had) {
				t.Errorf("%v changed the handles from %v to %v, want no change", st, had, now)
			}
			return st
		}, []rung[nt.SetInformationObjectIn]{
			{"the class", ntstatus.InvalidInfoClass,
				func(in *nt.SetInformationObjectIn) { in.ObjectInformationClass = nt.ObjectBasicInformation }},
			{"the length", ntstatus.InfoLengthMismatch, func(in *nt.SetInformationObjectIn) { in.ObjectInformationLength = 3 }},
			{"the information", unread(1), func(in *nt.SetInformationObjectIn) { in.ObjectInformation.Status = unread(1) }},
			{"the handle", ntstatus.InvalidHandle, func(in *nt.SetInformationObjectIn) { in.Handle = 0x7770 }},
		})
		want(t, "set", check.Status(th.Services().NtSetInformationObject(in)), ntstatus.Success)
		got, st := th.NtQueryObject(h, nt.ObjectHandleFlagInformation)
		check.That(t, st == ntstatus.Success && got == flags, "O-63: handle flags = %+v, %v, want %+v", got, st, flags)
		if flags.ProtectFromClose {
			want(t, "O-42: close", th.NtClose(h), ntstatus.HandleNotClosable)
		}
	}
	for _, pseudo := range []winnt.Handle{winnt.NtCurrentProcess, winnt.NtCurrentThread, 0} {
		want(t, "O-63: a pseudo handle", th.NtSetInformationObject(pseudo, nt.HandleFlagInformation{}),
			ntstatus.InvalidHandle)
	}
}
