package services_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// O-60, O-62, U-96, U-97: what is told of an object is its own: whether it is permanent or
// exclusive, and when it was made, which for a thread is later than for its process.
func TestFactsOfObjects(t *testing.T) {
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
			own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
			want(t, "open the token", st, ntstatus.Success)
			_, st = th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{
				{LUID: winnt.SeCreatePermanentPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
			want(t, "enable", st, ntstatus.Success)
		}
		want(t, "make an event", st, ntstatus.Success)
		v, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
		b := v.(nt.BasicInformation)
		want(t, "query", st, ntstatus.Success)
		if b.Attributes != wanted || b.CreationTime <= before || b.CreationTime > now || b.HandleCount != 1 {
			t.Errorf("attributes %#x: %+v, made after %d", attributes, b, before)
		}
		want(t, "make temporary", th.NtMakeTemporaryObject(h), ntstatus.Success)
		want(t, "close", th.NtClose(h), ntstatus.Success)
	}
	v, st := th.NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessTimes)
	want(t, "times of the process", st, ntstatus.Success)
	made := v.(nt.KernelUserTimes).CreateTime
	s, _, st := th.Services().NewThread()
	want(t, "a thread", st, ntstatus.Success)
	v, st = nt.NewThread(s, "later").NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadTimes)
	if got := v.(nt.KernelUserTimes).CreateTime; st != ntstatus.Success || got <= made {
		t.Errorf("a thread was made at %d, its process at %d: %v", got, made, st)
	}
	s.EndThread()
}

// O-3, O-37: of the id and the attributes the one that cannot be read is told first by what it
// is: unreadable attributes, then the id, then what is wrong in the attributes.
func TestWhichOfIdAndAttributes(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	good, id := &nt.ObjectAttributes{}, &nt.ClientID{UniqueProcess: 4}
	type attributes = nt.Captured[*nt.ObjectAttributes]
	type client = nt.Captured[*nt.ClientID]
	fault, bad := attributes{Status: ntstatus.AccessViolation}, client{Status: unread(1)}
	both := fault
	both.V = good
	unknown, named := nt.Cap(&nt.ObjectAttributes{Attributes: 1 << 31}), nt.Cap(&nt.ObjectAttributes{ObjectName: "x"})
	for name, c := range map[string]struct {
		a    attributes
		id   client
		want ntstatus.Status
	}{
		"both unread":                  {fault, bad, ntstatus.AccessViolation},
		"unread attributes with parts": {both, bad, ntstatus.AccessViolation},
		"no attributes":                {attributes{}, bad, ntstatus.AccessViolation},
		"unread id":                    {nt.Cap(good), bad, unread(1)},
		"unknown attributes":           {unknown, bad, unread(1)},
		"unknown attributes, good id":  {unknown, nt.Cap(id), ntstatus.InvalidParameter},
		"name and id":                  {named, nt.Cap(id), ntstatus.InvalidParameterMix},
		"neither":                      {nt.Cap(good), client{}, ntstatus.InvalidParameterMix},
		"a name":                       {named, client{}, ntstatus.ObjectNameNotFound},
	} {
		_, st := th.Services().NtOpenProcess(nt.OpenProcessIn{DesiredAccess: 1, ObjectAttributes: c.a, ClientID: c.id})
		want(t, "a process, "+name, st, c.want)
		_, st = th.Services().NtOpenThread(nt.OpenThreadIn{DesiredAccess: 1, ObjectAttributes: c.a, ClientID: c.id})
		want(t, "a thread, "+name, st, c.want)
	}
}

// O-22, O-163, U-95: a walk takes its flags and the attributes of handles, and no others.
func TestFlagsOfWalks(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	s := th.Services()
	for bit := range 32 {
		flag, valid := uint32(1)<<bit, ntstatus.InvalidParameter
		if flag&winnt.OBJ_VALID_ATTRIBUTES != 0 {
			valid = ntstatus.Success
			if flag&winnt.ProcessObject.Invalid != 0 {
				continue
			}
		}
		p, st := s.NtGetNextProcess(nt.GetNextProcessIn{DesiredAccess: winnt.PROCESS_QUERY_LIMITED_INFORMATION,
			HandleAttributes: flag})
		want(t, "next process, attributes", st, valid)
		n, st := s.NtGetNextThread(nt.GetNextThreadIn{ProcessHandle: winnt.NtCurrentProcess, HandleAttributes: flag,
			DesiredAccess: winnt.THREAD_QUERY_LIMITED_INFORMATION})
		want(t, "next thread, attributes", st, valid)
		if valid == ntstatus.Success {
			want(t, "close", th.NtClose(p.NewProcessHandle), ntstatus.Success)
			want(t, "close", th.NtClose(n.NewThreadHandle), ntstatus.Success)
		}
		_, st = s.NtGetNextProcess(nt.GetNextProcessIn{DesiredAccess: winnt.PROCESS_QUERY_LIMITED_INFORMATION, Flags: flag})
		want(t, "next process, flags", st, ntstatus.InvalidParameter)
		valid = ntstatus.InvalidParameter
		if flag == nt.NextThreadBackward {
			valid = ntstatus.Success
		}
		_, st = s.NtGetNextThread(nt.GetNextThreadIn{ProcessHandle: winnt.NtCurrentProcess, Flags: flag,
			DesiredAccess: winnt.THREAD_QUERY_LIMITED_INFORMATION})
		want(t, "next thread, flags", st, valid)
	}
}

// O-23, O-25: a plain name is found in its case, or in any with OBJ_CASE_INSENSITIVE, and is
// that of a file only.
func TestPlainNames(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	if err := w.sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")); err != nil {
		t.Fatal(err)
	}
	th := w.system("p")
	_, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, named(`\Files\ev`), nt.NotificationEvent, false)
	want(t, "make an event among the files", st, ntstatus.Success)
	for _, c := range []struct {
		name       string
		attributes uint32
		want       ntstatus.Status
	}{
		{"f", 0, ntstatus.Success}, {"F", 0, ntstatus.ObjectNameNotFound},
		{"F", winnt.OBJ_CASE_INSENSITIVE, ntstatus.Success}, {"ev", 0, ntstatus.ObjectTypeMismatch},
		{"", 0, ntstatus.ObjectNameInvalid}, {`f\f`, 0, ntstatus.ObjectNameInvalid},
	} {
		_, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: c.name, Attributes: c.attributes}, 0, 0)
		want(t, "open "+c.name, st, c.want)
	}
	null, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0)
	want(t, "open the device that keeps nothing", st, ntstatus.Success)
	pipes, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Device\NamedPipe\`}, 0, 0)
	want(t, "open the device of pipes", st, ntstatus.Success)
	for h, wanted := range map[winnt.Handle]ntstatus.Status{null: ntstatus.ObjectTypeMismatch,
		pipes: ntstatus.PipeDisconnected} {
		_, st := th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: h,
			FsControlCode: winnt.FSCTL_PIPE_DISCONNECT})
		want(t, "T-141: disconnect", st, wanted)
	}
}

// an empty list is refused before all else, in user mode; one that cannot be
// read is not empty, and is refused after the token.
func TestListsOfAResultList(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege))
	tok := w.token(k, client, winnt.SecurityImpersonation)
	want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	defer k.PsRevertToSelf()
	h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	want(t, "open the token", st, ntstatus.Success)
	in := nt.AccessCheckByTypeIn{SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;0x1;;;WD)")), ClientToken: h,
		DesiredAccess: 1, GenericMapping: nt.Cap(winnt.GenericMapping{}), PrivilegeSetLength: 100,
		ObjectTypeList: nt.Cap(make([]access.ObjectTypeEntry, 1))}
	for _, c := range []struct {
		name   string
		change func(*nt.AccessCheckByTypeIn)
		want   ntstatus.Status
	}{
		{"nothing", func(*nt.AccessCheckByTypeIn) {}, ntstatus.Success},
		{"empty", func(in *nt.AccessCheckByTypeIn) { in.ObjectTypeList.V, in.ClientToken = nil, 0x7770 },
			ntstatus.InvalidParameter},
		{"unread, and the token", func(in *nt.AccessCheckByTypeIn) {
			in.ObjectTypeList.V, in.ObjectTypeList.Status, in.ClientToken = nil, unread(1), 0x7770
		}, ntstatus.InvalidHandle},
		{"unread", func(in *nt.AccessCheckByTypeIn) { in.ObjectTypeList.V, in.ObjectTypeList.Status = nil, unread(1) },
			unread(1)},
		{"the mapping, and empty", func(in *nt.AccessCheckByTypeIn) {
			in.ObjectTypeList.V, in.GenericMapping.Status = nil, unread(2)
		}, unread(2)},
		{"the owner, and the SID", func(in *nt.AccessCheckByTypeIn) {
			in.SecurityDescriptor, in.PrincipalSelfSid.Status = nt.Cap(sddl.MustParse("G:BAD:")), unread(3)
		}, ntstatus.InvalidSecurityDescr},
		{"the group, and the SID", func(in *nt.AccessCheckByTypeIn) {
			in.SecurityDescriptor, in.PrincipalSelfSid.Status = nt.Cap(sddl.MustParse("O:BAD:")), unread(3)
		}, ntstatus.InvalidSecurityDescr},
		{"the descriptor, and its owner", func(in *nt.AccessCheckByTypeIn) {
			in.SecurityDescriptor.V, in.SecurityDescriptor.Status = nil, unread(4)
		}, unread(4)},
		{"room, where the answer needs none (A-16)", func(in *nt.AccessCheckByTypeIn) {
			in.PrivilegeSetLength, in.DesiredAccess = 0, winnt.ACCESS_SYSTEM_SECURITY
		}, ntstatus.Success},
		{"room, and the descriptor", func(in *nt.AccessCheckByTypeIn) {
			in.PrivilegeSetLength, in.SecurityDescriptor.Status = 19, unread(4)
		}, ntstatus.BufferTooSmall},
	} {
		one := in
		c.change(&one)
		out, st := th.Services().NtAccessCheckByTypeResultList(one)
		want(t, c.name, st, c.want)
		if c.want == ntstatus.BufferTooSmall && out.PrivilegeSetLength != 20 {
			t.Errorf("%s: the need is %d", c.name, out.PrivilegeSetLength)
		}
	}
	in.ObjectTypeList.V = nil
	_, st = k.Zw().Services().NtAccessCheckByTypeResultList(in)
	want(t, "an empty list from kernel mode", st, ntstatus.Success)
}
