package nt_test

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/rules"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Listings, scripts and transports read the table, so every row must be described, and every status must have a rule.
func TestServiceTableIsComplete(t *testing.T) {
	n := 0
	seen := map[string]bool{}
	services := reflect.TypeFor[nt.Services]()
	for row := range nt.NtTable.All {
		m := row.Info()
		check.That(t, m.Number == n && nt.NtTable.Find(m.Name) == row && !seen[m.Name],
			"%s: number %d, want %d, and one row of that name", m.Name, m.Number, n)
		n++
		seen[m.Name] = true
		nt, lsa := strings.HasPrefix(m.Name, "Nt"), strings.HasPrefix(m.Name, "Lsa")
		check.That(t, (nt || lsa) && m.Summary != "" && len(m.Conditions) != 0,
			"%s: wants a summary and conditions: %+v", m.Name, m)
		check.That(t, m.Source != m.Name,
			"%s: Source = %q, want \"\" for a source that is the name itself", m.Name, m.Source)
		check.Equal(t, m.Document(), cmp.Or(m.Source, m.Name), "%s: document", m.Name)
		for _, c := range m.Conditions {
			check.That(t, len(rules.FindAll(c.Rule)) == 1 && c.When != "",
				"%s: %s wants one rule and a condition, has %q and %q", m.Name, c.Status, c.Rule, c.When)
		}
		_, ok := services.MethodByName(m.Name)
		check.That(t, ok, "%s is not a method of Services", m.Name)
	}
	for range nt.NtTable.All {
		break // which ends the iteration
	}
	check.That(t, n == nt.NtTable.Len() && n != 0,
		"NtTable yields %d rows, Len = %d, want the same number above 0", n, nt.NtTable.Len())
	check.That(t, nt.NtTable.Find("NtNothing") == nil,
		"Find(NtNothing) returned a row, want nil for a name that no row has")
	for i := range services.NumMethod() {
		m := services.Method(i).Name
		check.That(t, !strings.HasPrefix(m, "Nt") && !strings.HasPrefix(m, "Lsa") || seen[m],
			"%s is implemented, but has no row in NtTable", m)
	}
}

// The order of the conditions is stated once, in the rows. It is compared here with the order
// that the documents give, written down from their pages: statuses follow each other in the
// row as they do there (T-10, T-30, T-40, T-60, T-70, T-74, T-80, T-90, I-20, O-31, O-50, O-65).
func TestServiceConditionsHaveDocumentedOrder(t *testing.T) {
	handle := []ntstatus.Status{ntstatus.InvalidHandle, ntstatus.ObjectTypeMismatch, ntstatus.AccessDenied}
	join := slices.Concat[[]ntstatus.Status]
	for service, documented := range map[string][]ntstatus.Status{
		"NtCreateToken": {ntstatus.AccessViolation, ntstatus.BadTokenType, ntstatus.PrivilegeNotHeld, ntstatus.InvalidSID,
			ntstatus.InvalidACL, ntstatus.BadImpersonationLevel, ntstatus.NoSuchLogonSession},
		"NtOpenProcessTokenEx": join([]ntstatus.Status{ntstatus.AccessViolation, ntstatus.InvalidParameter}, handle,
			[]ntstatus.Status{ntstatus.BadImpersonationLevel, ntstatus.AccessDenied}),
		"NtDuplicateToken": join([]ntstatus.Status{ntstatus.InvalidParameter, ntstatus.AccessViolation,
			ntstatus.InvalidParameter}, handle, []ntstatus.Status{ntstatus.BadImpersonationLevel,
			ntstatus.BadImpersonationLevel, ntstatus.InsufficientResources, ntstatus.AccessDenied}),
		"NtFilterToken": join([]ntstatus.Status{ntstatus.AccessViolation, ntstatus.InvalidParameter}, handle,
			[]ntstatus.Status{ntstatus.InvalidSID, ntstatus.InvalidParameter}),
		"NtAdjustPrivilegesToken": join([]ntstatus.Status{ntstatus.InvalidParameter, ntstatus.AccessViolation}, handle,
			[]ntstatus.Status{ntstatus.BufferTooSmall, ntstatus.NotAllAssigned}),
		"NtAdjustGroupsToken": join([]ntstatus.Status{ntstatus.AccessViolation}, handle,
			[]ntstatus.Status{ntstatus.InvalidParameter, ntstatus.BufferTooSmall, ntstatus.NotAllAssigned}),
		"NtQueryInformationToken": join([]ntstatus.Status{ntstatus.InvalidInfoClass, ntstatus.AccessViolation}, handle,
			[]ntstatus.Status{ntstatus.BufferTooSmall}),
		"NtSetInformationToken": join([]ntstatus.Status{ntstatus.InvalidInfoClass, ntstatus.InfoLengthMismatch,
			ntstatus.AccessViolation}, handle, []ntstatus.Status{ntstatus.InfoLengthMismatch}),
		"NtOpenThreadTokenEx": join([]ntstatus.Status{ntstatus.AccessViolation, ntstatus.InvalidParameter}, handle,
			[]ntstatus.Status{ntstatus.NoToken, ntstatus.CantOpenAnonymous, ntstatus.AccessDenied}),
		"NtDuplicateObject": join(handle, handle, handle[:1]),
		"NtAccessCheckByType": join(handle, []ntstatus.Status{ntstatus.NoImpersonationToken,
			ntstatus.BadImpersonationLevel, ntstatus.InvalidParameter, ntstatus.BufferTooSmall,
			ntstatus.InvalidSecurityDescr, ntstatus.InvalidSID}),
		"NtQueryMutant": join([]ntstatus.Status{ntstatus.InvalidInfoClass, ntstatus.InfoLengthMismatch,
			ntstatus.AccessViolation}, handle),
		"NtCreateTimer": {ntstatus.InvalidParameter4, ntstatus.ObjectNameInvalid, ntstatus.PrivilegeNotHeld,
			ntstatus.PrivilegeNotHeld, ntstatus.ObjectTypeMismatch}, // OBJ_PERMANENT, then the SACL (O-22)
		"NtAccessCheckByTypeAndAuditAlarm": {ntstatus.InvalidParameter, ntstatus.NoImpersonationToken,
			ntstatus.PrivilegeNotHeld, ntstatus.InvalidSecurityDescr, ntstatus.InvalidSID, ntstatus.InvalidParameter},
		"NtSetSecurityObject": {ntstatus.AccessViolation, ntstatus.InvalidSecurityDescr, ntstatus.UnknownRevision,
			ntstatus.InvalidHandle, ntstatus.AccessDenied, ntstatus.InvalidSecurityDescr, ntstatus.InvalidOwner},
	} {
		left := documented
		for _, c := range nt.NtTable.Find(service).Info().Conditions {
			if len(left) > 0 && c.Status == left[0] {
				left = left[1:]
			}
		}
		if len(left) > 0 {
			t.Errorf("%s: no condition with %s after those of the statuses that the documents name before it", service, left[0])
		}
	}
	// The forms of an audited check have different first conditions (U-45 to U-49).
	for form, first := range map[string]string{"": "U-46 U-46 U-48", "ByType": "U-45 U-46 U-46 U-48",
		"ByTypeResultList":         "U-45 U-46 U-46 U-47 U-48",
		"ByTypeResultListByHandle": "U-45 U-47 U-48 U-30 U-30 U-30 U-31 A-14"} {
		kind, by := strings.CutSuffix(form, "ByHandle")
		name := "NtAccessCheck" + kind + "AndAuditAlarm"
		if by {
			name += "ByHandle"
		}
		rules := ""
		for _, c := range nt.NtTable.Find(name).Info().Conditions {
			rules += c.Rule + " "
		}
		check.That(t, strings.HasPrefix(rules, first+" U-50 "), "%s: rules %s, want %s before U-50", name, rules, first)
	}
}

// O-3: values are tested before the probe, so that a failure does not change the output variable in either profile.
func TestValuesAreTestedBeforeProbe(t *testing.T) {
	duplicate, query := nt.NtTable.Find("NtDuplicateToken"), nt.NtTable.Find("NtQueryInformationToken")
	for _, c := range []struct {
		row  *nt.Row
		in   any
		want bool
	}{
		{duplicate, nt.DuplicateTokenIn{}, false},
		{duplicate, nt.DuplicateTokenIn{TokenType: 3}, false},
		{duplicate, nt.DuplicateTokenIn{TokenType: winnt.TokenPrimary}, true},
		{query, nt.QueryInformationTokenIn{}, false},
		{query, nt.QueryInformationTokenIn{TokenInformationClass: winnt.MaxTokenInfoClass + 1}, false},
		{query, nt.QueryInformationTokenIn{TokenInformationClass: winnt.TokenUser}, true},
		{nt.NtTable.Find("NtClose"), nt.CloseIn{}, true},
	} {
		check.Equal(t, c.row.Probed(c.in), c.want, "%s(%+v): probed", c.row.Info().Name, c.in)
	}
}

// recorder keeps the calls of a thread.
type recorder struct{ calls []nt.Call }

func (r *recorder) Traced(c *nt.Call) { r.calls = append(r.calls, *c) }

// A traced thread answers as an untraced one does, in the same history; the
// trace has each call with its parameters, and why it failed.
func TestTracingChangesNothing(t *testing.T) {
	history := func(trace bool) (results []any, calls []nt.Call) {
		w := newWorld(t)
		r := &recorder{}
		if trace {
			w.th.Trace(r)
		}
		add := func(v ...any) { results = append(results, v...) }
		own, st := w.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
		add(own, st)
		weak, st := w.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ASSIGN_PRIMARY)
		add(weak, st)
		d, st := w.th.NtDuplicateToken(own, 0, nil, true, winnt.TokenImpersonation)
		add(d, st)
		add(w.th.NtDuplicateToken(own, winnt.ACCESS_SYSTEM_SECURITY, nil, false, winnt.TokenPrimary))
		add(w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, d))
		add(w.th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true))
		add(w.th.NtOpenThreadTokenEx(winnt.NtCurrentThread, winnt.TOKEN_QUERY, false, winnt.OBJ_EXCLUSIVE))
		add(w.th.NtQueryInformationToken(d, winnt.TokenUser))
		_, ok, st := w.th.NtPrivilegeCheck(d,
			&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}}})
		add(ok, st)
		add(w.th.NtAdjustPrivilegesToken(own, true, nil, true))
		add(w.th.NtOpenProcess(winnt.PROCESS_ALL_ACCESS, nil, &nt.ClientID{UniqueProcess: 4}))
		add(w.th.NtOpenThread(winnt.THREAD_ALL_ACCESS, nil, nil))
		add(w.th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: "none"}, 0, 0))
		add(w.th.NtQueryInformationToken(weak, winnt.TokenUser))
		add(w.th.NtClose(own), w.th.NtClose(own))
		return results, r.calls
	}
	plain, none := history(false)
	traced, calls := history(true)
	check.That(t, reflect.DeepEqual(plain, traced),
		"results differ:\nuntraced %v, want %v\n  traced %v", plain, traced, traced)
	check.That(t, len(none) == 0 && len(calls) == 16,
		"%d and %d calls were traced, want 0 and 16", len(none), len(calls))
	for _, c := range calls {
		if c.Thread != "server/1" || reflect.TypeOf(c.In) != c.Row.InType() ||
			reflect.TypeOf(c.Out) != c.Row.OutType() {
			t.Errorf("%s: traced call %+v, want the types of the row", c.Row.Info().Name, c)
		}
		if q, ok := c.In.(nt.QueryInformationTokenIn); ok {
			check.Equal(t, q.TokenInformationLength, 1<<32-1, "length of a query")
		}
		if !c.Status.IsSuccess() && c.Why.Rule == "" && c.Why.Explanation == nil {
			t.Errorf("%s failed with %s without a reason, want a rule or an explanation", c.Row.Info().Name, c.Status)
		}
		if c.Status.IsSuccess() && (c.Why.Rule != "" || c.Why.Explanation != nil) {
			t.Errorf("%s succeeded with reason %+v, want none", c.Row.Info().Name, c.Why)
		}
	}
}

// O-3: each service that tests values before memory refuses the neighbours of valid values.
func TestServicesRejectNeighborsOfValidValues(t *testing.T) {
	const flags = winnt.PROCESS_CREATE_FLAGS_SUPPORTED
	process := func(process, thread uint32) nt.CreateUserProcessIn {
		return nt.CreateUserProcessIn{ProcessFlags: process, ThreadFlags: thread}
	}
	semaphore := func(initial, maximum int32) nt.CreateSemaphoreIn {
		return nt.CreateSemaphoreIn{InitialCount: initial, MaximumCount: maximum}
	}
	file := func(class nt.FileInfoClass, n uint32) nt.QueryInformationFileIn {
		return nt.QueryInformationFileIn{FileInformationClass: class, Length: n}
	}
	volume := func(class nt.FsInfoClass, n uint32) nt.QueryVolumeInformationFileIn {
		return nt.QueryVolumeInformationFileIn{FsInformationClass: class, Length: n}
	}
	object := func(class nt.ObjectInfoClass, n uint32) nt.SetInformationObjectIn {
		return nt.SetInformationObjectIn{ObjectInformationClass: class, ObjectInformationLength: n}
	}
	list := []by{
		{"NtCreateUserProcess", process(flags, winnt.THREAD_CREATE_FLAGS_SUPPORTED), process(^flags, 0)},
		{"NtCreateUserProcess", process(0, 0), process(0, ^winnt.THREAD_CREATE_FLAGS_SUPPORTED)},
		{"NtGetNextThread", nt.GetNextThreadIn{Flags: 1}, nt.GetNextThreadIn{Flags: 2}},
		{"NtCreateEvent", nt.CreateEventIn{EventType: 1}, nt.CreateEventIn{EventType: 2}},
		{"NtCreateTimer", nt.CreateTimerIn{TimerType: 1}, nt.CreateTimerIn{TimerType: 2}},
		{"NtSetTimer", nt.SetTimerIn{}, nt.SetTimerIn{Period: -1}},
		{"NtReleaseSemaphore", nt.ReleaseSemaphoreIn{ReleaseCount: 1}, nt.ReleaseSemaphoreIn{}},
		{"NtCreateSemaphore", semaphore(0, 1), semaphore(0, 0)},
		{"NtCreateSemaphore", semaphore(1, 1), semaphore(2, 1)},
		{"NtCreateSemaphore", semaphore(math.MaxInt32, math.MaxInt32), semaphore(-1, 1)},
		{"NtQueryInformationFile", file(23, 8), file(23, 7)},
		{"NtQueryInformationFile", file(24, 40), file(24, 39)},
		{"NtQueryInformationFile", file(24, math.MaxUint32), file(25, math.MaxUint32)},
		{"NtQueryVolumeInformationFile", volume(4, 8), volume(4, 7)},
		{"NtQueryVolumeInformationFile", volume(4, 9), volume(3, 8)},
		{"NtQueryObject", nt.QueryObjectIn{ObjectInformationClass: 4}, nt.QueryObjectIn{ObjectInformationClass: 5}},
		{"NtSetInformationObject", object(4, 2), object(4, 3)},
		{"NtSetInformationObject", object(4, 2), object(3, 2)},
		{"NtSetInformationJobObject", nt.SetInformationJobObjectIn{JobObjectInformationClass: 5},
			nt.SetInformationJobObjectIn{JobObjectInformationClass: 6}},
		{"NtSetInformationProcess", nt.SetInformationProcessIn{ProcessInformationClass: 9},
			nt.SetInformationProcessIn{ProcessInformationClass: 8}},
		{"NtSetInformationThread", nt.SetInformationThreadIn{ThreadInformationClass: 5},
			nt.SetInformationThreadIn{ThreadInformationClass: 4}},
	}
	for _, c := range append(list, states()...) {
		row := nt.NtTable.Find(c.name)
		if !row.Probed(c.good) || row.Probed(c.bad) {
			t.Errorf("O-3: %s: probed %t of %+v, %t of %+v; want true and false", c.name,
				row.Probed(c.good), c.good, row.Probed(c.bad), c.bad)
		}
	}
}

// by holds a call that passes the checks by value, and one that fails them.
type by struct {
	name      string
	good, bad any
}

// states returns the queries of an object's state, whose length is exact (O-135).
func states() (list []by) {
	mutant := func(class nt.MutantInfoClass, n uint32) nt.QueryMutantIn {
		return nt.QueryMutantIn{MutantInformationClass: class, MutantInformationLength: n}
	}
	semaphore := func(class nt.SemaphoreInfoClass, n uint32) nt.QuerySemaphoreIn {
		return nt.QuerySemaphoreIn{SemaphoreInformationClass: class, SemaphoreInformationLength: n}
	}
	timer := func(class nt.TimerInfoClass, n uint32) nt.QueryTimerIn {
		return nt.QueryTimerIn{TimerInformationClass: class, TimerInformationLength: n}
	}
	for _, d := range []uint32{1, math.MaxUint32} { // one more, one less
		list = append(list, by{"NtQueryMutant", mutant(0, 8), mutant(0, 8+d)},
			by{"NtQuerySemaphore", semaphore(0, 8), semaphore(0, 8+d)},
			by{"NtQueryTimer", timer(0, 16), timer(0, 16+d)})
	}
	return append(list, by{"NtQueryMutant", mutant(0, 8), mutant(1, 8)},
		by{"NtQuerySemaphore", semaphore(0, 8), semaphore(1, 8)}, by{"NtQueryTimer", timer(0, 16), timer(1, 16)})
}

// refusing is the transport of a remote kernel that refuses every call.
type refusing struct{ nt.Transport }

func (refusing) Call(r *nt.Row, _ any, _ bool) (any, ntstatus.Status, nt.Why) {
	return reflect.Zero(r.OutType()).Interface(), ntstatus.AccessDenied, nt.Why{}
}

// The method of each service returns the service's status last.
func TestMethodsReturnStatusOfService(t *testing.T) {
	th := reflect.ValueOf(nt.NewRemoteThread(refusing{}, "client"))
	for i := range th.NumMethod() {
		name, f := th.Type().Method(i).Name, th.Method(i)
		if nt.NtTable.Find(name) == nil {
			continue
		}
		var args []reflect.Value
		for j := range f.Type().NumIn() {
			args = append(args, reflect.Zero(f.Type().In(j)))
		}
		call := f.Call
		if f.Type().IsVariadic() {
			call = f.CallSlice
		}
		out := call(args)
		check.Equal(t, out[len(out)-1].Interface(), any(ntstatus.AccessDenied), "%s", name)
	}
}
