package services_test

import (
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
		_, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: c.name, Attributes: c.attributes}, 0, 0)
		want(t, "open "+c.name, st, c.want)
	}
	null := check.Result(th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	pipes := check.Result(th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Device\NamedPipe\`},
		0, 0))
	for h, wanted := range map[winnt.Handle]ntstatus.Status{null: ntstatus.ObjectTypeMismatch,
		pipes: ntstatus.PipeDisconnected} {
		_, st := th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: h, FsControlCode: winnt.FSCTL_PIPE_DISCONNECT})
		want(t, "T-141: disconnect", st, wanted)
	}
}

// An open in kernel mode writes no record, even if its access is checked. The same open in user mode does (U-10,
// O-33).
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
	if got := said(m); len(got) != 0 {
		t.Errorf("setting a SACL in kernel mode wrote %q, want no record", got)
	}
	forced := *ev
	forced.Attributes |= winnt.OBJ_FORCE_ACCESS_CHECK
	for _, c := range []struct {
		name    string
		th      *nt.Thread
		records int
	}{{"kernel mode", k.Zw(), 0}, {"user mode", th, 1}} {
		want(t, "open", check.Status(c.th.NtOpenEvent(winnt.EVENT_QUERY_STATE, &forced)), ntstatus.Success)
		got := said(m)
		check.That(t, len(got) == c.records, "%s: open wrote %d records, want %d: %q", c.name, len(got), c.records, got)
	}
}

// Opening and closing handles, and starting and ending an impersonation, allocate no memory.
func TestDirectPathsAllocateNothing(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeImpersonatePrivilege)
	th, k := w.thread(p)
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

// The token that a thread impersonates has the call's flags and level, with and without a job, even if the job or a
// missing privilege requires a copy of the token (I-41, I-43, I-91).
func TestImpersonationHasFlagsAndLevelOfTheCall(t *testing.T) {
	limit := func(flags uint32) func(*nt.JobSecurityLimitInformation) {
		return func(i *nt.JobSecurityLimitInformation) {
			i.SecurityLimitFlags = flags
			i.PrivilegesToDelete = []nt.LUIDAndAttributes{{LUID: winnt.SeDebugPrivilege.LUID()}}
		}
	}
	for name, limits := range map[string]func(*nt.JobSecurityLimitInformation){"no job": nil, "a job": limit(0),
		"no administrators": limit(winnt.JOB_OBJECT_SECURITY_NO_ADMIN),
		"a filter":          limit(winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS)} {
		for _, privilege := range []bool{true, false} {
			w := newWorld(t, kernel.Config{})
			p := w.process("p")
			if privilege {
				p = w.process("p", winnt.SeImpersonatePrivilege)
			}
			th, k := w.thread(p)
			if limits != nil {
				info := &nt.JobSecurityLimitInformation{}
				limits(info)
				want(t, "join a job", joinJob(t, th, info), ntstatus.Success)
			}
			for _, user := range []string{svc, client} {
				for _, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityIdentification,
					winnt.SecurityImpersonation, winnt.SecurityDelegation} {
					for _, flags := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
						tok := w.token(k, user, winnt.SecurityDelegation, winnt.SeDebugPrivilege)
						want(t, name, k.PsImpersonateClient(k.Thread(), tok, flags[0], flags[1], level), ntstatus.Success)
						wanted := level
						if user != svc && !privilege && level > winnt.SecurityIdentification {
							wanted = winnt.SecurityIdentification
						}
						acts, copies, effective, at := k.PsReferenceImpersonationToken(k.Thread())
						check.That(t, copies == flags[0] && effective == flags[1] && at == wanted,
							"%s, privilege %v, %s at %v, flags %v: thread has %v, %v, %v, want these "+"flags and %v", name, privilege,
							user, level, flags, copies, effective, at, wanted)
						check.Equal(t, !acts.Value().Present().Has(winnt.SeDebugPrivilege), name == "a filter",
							"%s: token is filtered", name)
						k.PsDereferenceImpersonationToken(acts)
					}
				}
			}
			k.PsRevertToSelf()
		}
	}
}

// A thread can be opened by its id, with the id of its process or with none. The two lowest bits of each id are
// ignored (O-37).
func TestOpenThreadIgnoresLowIDBits(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	var threads [2]*nt.Thread
	var ids [2]nt.ClientID
	for i, name := range []string{"p", "q"} {
		threads[i], _ = w.thread(w.process(name))
		ids[i] = clientID(t, threads[i])
	}
	th := threads[0]
	for _, low := range []winnt.Handle{0, 1, 2, 3} {
		for _, c := range []struct {
			process, thread winnt.Handle
			want            ntstatus.Status
		}{
			{low, ids[0].UniqueThread, ntstatus.Success}, // no process is named
			{ids[0].UniqueProcess + low, ids[0].UniqueThread, ntstatus.Success},
			{ids[0].UniqueProcess, ids[0].UniqueThread + low, ntstatus.Success},
			{ids[1].UniqueProcess + low, ids[1].UniqueThread + low, ntstatus.Success},
			{ids[1].UniqueProcess + low, ids[0].UniqueThread, ntstatus.InvalidCid},
			{ids[0].UniqueProcess + low, ids[1].UniqueThread, ntstatus.InvalidCid},
			{ids[0].UniqueProcess, ids[0].UniqueProcess + low, ntstatus.InvalidCid}, // of no thread
			{low, low, ntstatus.InvalidCid},
		} {
			h, st := th.NtOpenThread(winnt.THREAD_QUERY_LIMITED_INFORMATION, &nt.ObjectAttributes{},
				&nt.ClientID{UniqueProcess: c.process, UniqueThread: c.thread})
			if st != c.want {
				t.Errorf("O-37: opening process id %#x, thread id %#x: %v, want %v", c.process, c.thread, st, c.want)
				continue
			}
			if st != ntstatus.Success {
				continue
			}
			if x, st := th.NtQueryInformationThread(h, nt.ThreadBasicInformation); st != ntstatus.Success ||
				x.(nt.ThreadBasic).ClientID.UniqueThread != c.thread&^3 {
				t.Errorf("O-37: thread opened by id %#x has %+v, %v, want that id without its low bits", c.thread, x, st)
			}
			th.NtClose(h)
		}
		if h, st := th.NtOpenProcess(winnt.PROCESS_QUERY_LIMITED_INFORMATION, &nt.ObjectAttributes{},
			&nt.ClientID{UniqueProcess: ids[1].UniqueProcess + low}); st != ntstatus.Success {
			t.Errorf("O-37: opening process id %#x: %v, want %v", ids[1].UniqueProcess+low, st, ntstatus.Success)
		} else {
			th.NtClose(h)
		}
	}
}
