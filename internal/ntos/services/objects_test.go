package services_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// clientID returns the ids of a thread and its process.
func clientID(t *testing.T, th *nt.Thread) nt.ClientID {
	t.Helper()
	v := check.Result(th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation))
	return v.(nt.ThreadBasic).ClientID
}

// The objects of an AppContainer are checked like others for another package, and for the same user outside of any
// package: the package's entry grants access to that package alone (T-131).
func TestAppContainerObjectsRefuseOtherPackages(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	of := func(number string) *nt.Thread {
		v := check.Must(token.Parse([]byte(`{"user":"` + svc + `","integrityLevel":"Low",` +
			`"appContainer":{"packageSid":"S-1-15-2-1-2-3-4-5-6-` + number + `"}}`)))
		th, _ := w.thread(w.with("box "+number, v))
		return th
	}
	one, other := of("7"), of("8")
	id := clientID(t, one)
	_, st := other.NtOpenProcess(winnt.PROCESS_QUERY_LIMITED_INFORMATION, nil,
		&nt.ClientID{UniqueProcess: id.UniqueProcess})
	want(t, "open the other package's process", st, ntstatus.AccessDenied)
	_, st = other.NtOpenThread(winnt.THREAD_QUERY_LIMITED_INFORMATION, nil, &nt.ClientID{UniqueThread: id.UniqueThread})
	want(t, "open the other package's thread", st, ntstatus.AccessDenied)
}

// An open by id reports unreadable attributes first, then an unreadable id, then invalid attributes
// (O-3, O-22, O-37).
func TestOpenByIDReportsUnreadableInputFirst(t *testing.T) {
	th := newThread(t)
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
	for _, attributes := range []uint32{winnt.OBJ_PERMANENT, winnt.OBJ_INHERIT | winnt.OBJ_PERMANENT} {
		_, st := th.NtOpenProcess(1, &nt.ObjectAttributes{Attributes: attributes}, id)
		want(t, "attributes that the type refuses", st, ntstatus.InvalidParameter)
	}
	_, st := th.NtOpenProcess(winnt.RESERVED_RIGHTS, good, &nt.ClientID{UniqueProcess: 0x7770})
	want(t, "O-37: reserved rights to an unknown process", st, ntstatus.AccessDenied)
	_, st = th.NtOpenThread(winnt.RESERVED_RIGHTS, good, &nt.ClientID{UniqueThread: 0x7770})
	want(t, "O-37: reserved rights to an unknown thread", st, ntstatus.AccessDenied)
	_, st = newThread(t, winnt.SeDebugPrivilege).NtOpenProcess(0, good, id)
	want(t, "O-90: nothing, with SeDebugPrivilege", st, ntstatus.AccessDenied)
}

// A plain name finds a file only. The case of its letters must match, unless OBJ_CASE_INSENSITIVE is set (O-23,
// O-25).
func TestPlainNameFindsFilesOnly(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	check.NoError(t, w.sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
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
		want(t, "open "+c.name, check.Status(th.NtOpenFile(winnt.FILE_READ_DATA,
			&nt.ObjectAttributes{ObjectName: c.name, Attributes: c.attributes}, 0, 0)), c.want)
	}
	null := check.Result(th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	pipes := check.Result(th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Device\NamedPipe\`},
		0, 0))
	want(t, "T-141: read", check.Status(th.NtReadFile(pipes, 1)), ntstatus.InvalidParameter)
	want(t, "read a file without contents", check.Status(th.NtReadFile(null, 1)), ntstatus.EndOfFile)
	for h, wanted := range map[winnt.Handle]ntstatus.Status{null: ntstatus.ObjectTypeMismatch,
		pipes: ntstatus.PipeDisconnected} {
		want(t, "T-141: disconnect", check.Status(th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: h,
			FsControlCode: winnt.FSCTL_PIPE_DISCONNECT})), wanted)
	}
	for code, wanted := range map[uint32]ntstatus.Status{winnt.FSCTL_PIPE_PEEK: ntstatus.InvalidParameter,
		winnt.FSCTL_PIPE_LISTEN: ntstatus.IllegalFunction, winnt.FSCTL_PIPE_IMPERSONATE: ntstatus.IllegalFunction,
		winnt.FSCTL_PIPE_TRANSCEIVE: ntstatus.NotSupported} {
		want(t, "T-141: a control code", th.NtFsControlFile(pipes, code), wanted)
	}
}

// An open in kernel mode writes no record, even if its access is checked. The same open in user mode does. The record
// of a close names the thread's client (U-10, U-20, O-33).
func TestKernelModeLeavesNoRecord(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	th, k := w.thread(w.process("p"))
	ev := &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\ev`}
	_, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, ev, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	h := check.Result(k.Zw().NtOpenEvent(winnt.ACCESS_SYSTEM_SECURITY, ev))
	want(t, "ask for records", k.Zw().NtSetSecurityObject(h, winnt.SACL_SECURITY_INFORMATION,
		sddl.MustParse("S:(AU;SAFA;GA;;;WD)")), ntstatus.Success)
	if got := drain(m); len(got) != 0 {
		t.Errorf("setting a SACL in kernel mode wrote %q, want no record", got)
	}
	forced := *ev
	forced.Attributes |= winnt.OBJ_FORCE_ACCESS_CHECK
	for _, c := range []struct {
		name    string
		th      *nt.Thread
		records int
	}{{"kernel mode", k.Zw(), 0}, {"user mode", th, 1}} {
		h := check.Result(c.th.NtOpenEvent(winnt.EVENT_QUERY_STATE, &forced))
		got := drain(m)
		check.That(t, len(got) == c.records, "%s: open wrote %d records, want %d: %q", c.name, len(got), c.records, got)
		for _, record := range got { // names the user and the process (U-20, U-57)
			check.That(t, strings.HasPrefix(record, "4656 SubjectUserSid="+svc+" ") && strings.Contains(record,
				fmt.Sprintf(" ProcessId=%#x ProcessName=p", uint64(k.Thread().Process().ID()))), "record %s", record)
		}
		w.impersonate(k, client, winnt.SecurityImpersonation)
		check.Success(t, c.th.NtClose(h))
		k.PsRevertToSelf()
		got = drain(m)
		named := strings.Count(fmt.Sprint(got), "4658 SubjectUserSid="+client)
		check.That(t, len(got) == c.records && named == c.records,
			"%s: records of the close %q, want %d of the client", c.name, got, c.records)
	}
}

// Opening and closing handles, and starting and ending an impersonation, allocate no memory.
func TestDirectPathsAllocateNothing(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	tok := w.token(k, client, winnt.SecurityImpersonation)
	k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation)
	h := check.Result(k.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_IMPERSONATE, winnt.TokenObject, kernel.KernelMode))
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"NtOpenThreadToken and NtClose", func() {
			h, _ := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
			th.NtClose(h)
		}},
		{"NtOpenProcessToken and NtClose", func() {
			h, _ := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
			th.NtClose(h)
		}},
		{"NtSetInformationThread, start and end", func() {
			th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, h)
			th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0)
		}},
		{"a refused NtOpenThreadToken", func() {
			th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
		}},
		{"NtClose of an invalid handle", func() { th.NtClose(0xDEAD0) }},
	} {
		check.Equal(t, testing.AllocsPerRun(100, c.f), 0, "%s: allocations", c.name)
	}
}

// An assigned token acts at its own level, and opening it makes no copy (I-70).
func TestAssignedTokenActsAtItsLevel(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	for _, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityIdentification, winnt.SecurityDelegation} {
		tok := w.token(k, svc, level)
		h := check.Result(k.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_IMPERSONATE, winnt.TokenObject, kernel.KernelMode))
		want(t, "assign", th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, h),
			ntstatus.Success)
		acts, copies, effective, got := k.PsReferenceImpersonationToken(k.Thread())
		check.That(t, acts == tok && !copies && !effective && got == level, "I-70: %v: acts at %v, flags %v, %v", level, got,
			copies, effective)
		k.PsDereferenceImpersonationToken(acts)
	}
}

// A thread can be opened by its id, with the id of its process or with none. The two lowest bits of each id are
// ignored (O-37).
func TestOpenThreadIgnoresLowIDBits(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	var ids [2]nt.ClientID
	var th *nt.Thread
	for i, name := range []string{"p", "q"} {
		th, _ = w.thread(w.process(name))
		ids[i] = clientID(t, th)
	}
	inherited, opened := &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT}, []winnt.Handle{}
	for _, c := range []struct {
		process, thread winnt.Handle
		want            ntstatus.Status
	}{
		{3, ids[0].UniqueThread, ntstatus.Success}, // no process is named
		{ids[0].UniqueProcess + 1, ids[0].UniqueThread + 2, ntstatus.Success},
		{ids[1].UniqueProcess, ids[0].UniqueThread, ntstatus.InvalidCid},
		{ids[0].UniqueProcess, ids[0].UniqueProcess, ntstatus.InvalidCid}, // of no thread
		{3, 3, ntstatus.InvalidCid},
	} {
		h, st := th.NtOpenThread(winnt.THREAD_QUERY_LIMITED_INFORMATION, inherited,
			&nt.ClientID{UniqueProcess: c.process, UniqueThread: c.thread})
		check.Equal(t, st, c.want, "O-37: opening process id %#x, thread id %#x", c.process, c.thread)
		if st == ntstatus.Success {
			x := check.Result(th.NtQueryInformationThread(h, nt.ThreadBasicInformation)).(nt.ThreadBasic)
			check.Equal(t, x.ClientID, ids[0], "O-37: ids of the thread opened by id %#x", c.thread)
			opened = append(opened, h)
		}
	}
	opened = append(opened, check.Result(th.NtOpenProcess(winnt.PROCESS_QUERY_LIMITED_INFORMATION, inherited,
		&nt.ClientID{UniqueProcess: ids[1].UniqueProcess + 3})))
	for _, h := range opened {
		check.Equal(t, check.Result(th.NtQueryObject(h, nt.ObjectHandleFlagInformation)),
			any(nt.HandleFlagInformation{Inherit: true}), "O-37: flags of a handle opened with OBJ_INHERIT")
	}
}
