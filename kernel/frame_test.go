package kernel_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A frame records the state of a rightsWorld that a separate process, the observer, sees: three processes with their
// threads, tokens and handles, and two objects of each kind.
type frame struct {
	*rightsWorld
	observer  *nt.Thread
	seen      map[string]winnt.Handle // the observer's handles, by the names of the objects
	processes []string
	theirs    map[string]winnt.Handle // the handles of the other processes, by "process: object"
}

// newFrame adds a second object of each kind and a process that takes no part. Both other processes have handles with
// the same values as the caller's.
func newFrame(t *testing.T) *frame {
	t.Helper()
	w := newRightsWorld(t)
	f := &frame{rightsWorld: w, seen: map[string]winnt.Handle{}, theirs: map[string]winnt.Handle{},
		processes: []string{"caller", "process", "bystander"}}
	succeeds := func(what string, st ntstatus.Status) {
		t.Helper()
		check.RequireThat(t, st == ntstatus.Success, "%s: %v, want success", what, st)
	}
	f.createSecond(succeeds)
	own := nt.ClientID{UniqueProcess: w.system.ThreadObject(w.th).Process().ID(),
		UniqueThread: w.system.ThreadObject(w.th).ID()}
	user, err := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	check.NoError(t, err)
	other := check.Must(w.system.NewProcess("bystander", user))
	third := check.Must(other.NewThread())
	full := check.Must(token.New(token.LocalSystem()))
	watcher := check.Must(w.system.NewProcess("observer", full))
	if f.observer, err = watcher.NewThread(); err != nil {
		t.Fatal(err)
	}
	const debug = winnt.SE_PRIVILEGE_ENABLED
	h, st := f.observer.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.MAXIMUM_ALLOWED)
	succeeds("observer", st)
	succeeds("observer", check.Status(f.observer.NtAdjustPrivilegesToken(h, false,
		[]nt.LUIDAndAttributes{{LUID: winnt.SeDebugPrivilege.LUID(), Attributes: debug}}, false)))
	succeeds("observer", f.observer.NtClose(h))
	ids := map[string]nt.ClientID{"caller": own, "process": w.id,
		"bystander": {UniqueProcess: other.ID(), UniqueThread: w.system.ThreadObject(third).ID()}}
	for _, process := range f.processes {
		thread, id := process+"'s thread", ids[process]
		f.seen[process], st = f.observer.NtOpenProcess(winnt.PROCESS_ALL_ACCESS, nil,
			&nt.ClientID{UniqueProcess: id.UniqueProcess})
		succeeds(process, st)
		f.seen[thread], st = f.observer.NtOpenThread(winnt.THREAD_ALL_ACCESS, nil, &id)
		succeeds(thread, st)
		for _, what := range []string{process, thread} {
			w.all[what], st = f.observer.NtDuplicateObject(winnt.NtCurrentProcess, f.seen[what], f.seen["caller"], 0, 0,
				winnt.DUPLICATE_SAME_ACCESS)
			succeeds(what, st)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.all)) {
		h := w.all[name]
		if f.seen[name] != 0 || name == "thread" {
			continue
		}
		f.seen[name], st = f.observer.NtDuplicateObject(f.seen["caller"], h, winnt.NtCurrentProcess, 0, 0,
			winnt.DUPLICATE_SAME_ACCESS)
		succeeds(name, st)
		for _, to := range f.processes[1:] {
			f.theirs[to+": "+name], st = f.observer.NtDuplicateObject(f.seen["caller"], h, f.seen[to], winnt.READ_CONTROL,
				winnt.OBJ_INHERIT, 0)
			succeeds(name, st)
		}
	}
	return f
}

// createSecond creates the second object of each kind.
func (f *frame) createSecond(succeeds func(string, ntstatus.Status)) {
	th := f.th
	keep := func(name string) func(winnt.Handle, ntstatus.Status) {
		return func(h winnt.Handle, st ntstatus.Status) { succeeds(name, st); f.all[name] = h }
	}
	keep("second event")(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	keep("second mutant")(th.NtCreateMutant(winnt.MUTANT_ALL_ACCESS, nil, false))
	keep("second timer")(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer))
	keep("second directory")(th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS,
		&nt.ObjectAttributes{ObjectName: `\second`}))
	keep("second token")(th.NtDuplicateToken(f.all["token"], winnt.TOKEN_ALL_ACCESS, nil, false, winnt.TokenPrimary))
	for service, in := range map[string]any{
		"NtCreateSemaphore": nt.CreateSemaphoreIn{DesiredAccess: winnt.SEMAPHORE_ALL_ACCESS, InitialCount: 3,
			MaximumCount: 8},
		"NtCreateJobObject": nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS}} {
		out, st := th.CallRow(nt.NtTable.Find(service), in)
		succeeds(service, st)
		f.all["second "+strings.TrimPrefix(service, "NtCreate")] = winnt.Handle(reflect.ValueOf(out).Field(0).Int())
	}
}

// snapshot returns the visible state as text by key: the handles of each process, the state of each object,
// descriptors, names, processes, threads, and the clients that threads act as.
func (f *frame) snapshot() map[string]string {
	f.Helper()
	all := map[string]string{}
	observer := f.observer
	tell := func(key string, v any, st ntstatus.Status) { all[key] = fmt.Sprintf("%+v %v", v, st) }
	classes := func(key string, h winnt.Handle) {
		for class := winnt.TokenUser; class <= winnt.TokenIsAppContainer; class++ {
			v, st := observer.NtQueryInformationToken(h, class)
			tell(fmt.Sprintf("%s: %v", key, class), v, st)
		}
	}
	for _, p := range f.processes {
		v, st := observer.NtQueryInformationProcess(f.seen[p], nt.ProcessHandleInformation)
		if st != ntstatus.Success {
			f.Fatal(p, st)
		}
		for _, h := range v.([]nt.ProcessHandle) {
			key := fmt.Sprintf("%s: handle to %s, granted %#x, attributes %#x", p, f.named(p, h),
				uint32(h.GrantedAccess), h.HandleAttributes)
			all[key] += "x"
		}
		v, st = observer.NtQueryInformationProcess(f.seen[p], nt.ProcessBasicInformation)
		tell(p+": process", v, st)
		v, st = observer.NtQueryInformationThread(f.seen[p+"'s thread"], nt.ThreadBasicInformation)
		tell(p+": thread", v, st)
		h, st := observer.NtOpenProcessToken(f.seen[p], winnt.TOKEN_QUERY|winnt.TOKEN_QUERY_SOURCE)
		if st == ntstatus.Success {
			classes(p+"'s token", h)
			observer.NtClose(h)
		}
		h, st = observer.NtOpenThreadToken(f.seen[p+"'s thread"], winnt.TOKEN_QUERY|winnt.TOKEN_QUERY_SOURCE, true)
		all[p+": acts"] = st.String()
		if st == ntstatus.Success {
			v, _ := observer.NtQueryInformationToken(h, winnt.TokenStatistics)
			tell(p+": acts", v, 0)
			observer.NtClose(h)
		}
		if n, st := observer.NtSuspendThread(f.seen[p+"'s thread"]); st == ntstatus.Success {
			tell(p+": suspended", n, st)
			observer.NtResumeThread(f.seen[p+"'s thread"])
		}
	}
	for name, h := range f.seen {
		d, st := observer.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.GROUP_SECURITY_INFORMATION|
			winnt.DACL_SECURITY_INFORMATION|winnt.LABEL_SECURITY_INFORMATION)
		if all[name+": descriptor"] = st.String(); st == ntstatus.Success {
			text, err := sddl.Format(d, sddl.Options{})
			tell(name+": descriptor", text, 0)
			if err != nil {
				f.Fatal(name, err)
			}
		}
		v, st := observer.NtQueryObject(h, nt.ObjectNameInformation)
		tell(name+": name", v, st)
		if v, st = observer.NtQueryObject(h, nt.ObjectBasicInformation); st == ntstatus.Success {
			all[name+": attributes"] = fmt.Sprintf("%#x", v.(nt.BasicInformation).Attributes)
		}
		switch {
		case strings.HasSuffix(name, "token"), name == "primary", name == "client":
			classes(name, h)
		case strings.HasSuffix(name, "event"), name == "named":
			_, st = observer.CallRow(nt.NtTable.Find("NtWaitForSingleObject"),
				nt.WaitForSingleObjectIn{Handle: h, Timeout: nt.Cap(int64(0))})
			all[name] = st.String()
		case strings.HasSuffix(name, "mutant"):
			v, st := observer.NtQueryMutant(h)
			tell(name, v, st)
		case strings.HasSuffix(name, "emaphore"):
			v, st := observer.NtQuerySemaphore(h)
			tell(name, v, st)
		case strings.HasSuffix(name, "timer"):
			v, st := observer.NtQueryTimer(h)
			tell(name, v, st)
		case strings.HasSuffix(name, "directory"):
			v, st := observer.NtQueryDirectoryObject(h)
			tell(name, v, st)
		case name == "pipe":
			v, st := observer.NtQueryInformationFile(h, nt.FilePipeLocalInformation)
			tell(name, v, st)
		}
	}
	return all
}

// named returns the name of the object behind a handle of another process, or its type number if no known object
// matches.
func (f *frame) named(process string, of nt.ProcessHandle) string {
	h, st := f.observer.NtDuplicateObject(f.seen[process], of.HandleValue, winnt.NtCurrentProcess, 0, 0, 0)
	if st != ntstatus.Success {
		f.Fatal(process, of.HandleValue, st)
	}
	defer f.observer.NtClose(h)
	for name, other := range f.seen {
		if f.observer.NtCompareObjects(h, other) == ntstatus.Success {
			return name
		}
	}
	return fmt.Sprintf("another of type %d", of.ObjectTypeIndex)
}

// changes lists the differences between two snapshots, sorted by key.
func changes(before, after map[string]string) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(before)) {
		switch v, there := after[key]; {
		case !there:
			all = append(all, "- "+key)
		case v != before[key]:
			all = append(all, key+" = "+v)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if _, there := before[key]; !there {
			line := "+ " + key
			if after[key] != "x" {
				line += " = " + after[key]
			}
			all = append(all, line)
		}
	}
	return all
}
