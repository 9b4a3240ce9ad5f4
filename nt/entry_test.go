package nt_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/rules"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// The table is data that listings, scripts and transports read: every row must
// say what it is, and every status by which rule.
func TestTable(t *testing.T) {
	n := 0
	seen := map[string]bool{}
	services := reflect.TypeFor[nt.Services]()
	for row := range nt.NtTable.All {
		m := row.Info()
		if m.Number != n || nt.NtTable.Find(m.Name) != row || seen[m.Name] {
			t.Errorf("%s: number %d, want %d, and one row of that name", m.Name, m.Number, n)
		}
		n++
		seen[m.Name] = true
		nt, lsa := strings.HasPrefix(m.Name, "Nt"), strings.HasPrefix(m.Name, "Lsa")
		if !nt && !lsa || m.Summary == "" || len(m.Conditions) == 0 {
			t.Errorf("%s: wants a summary and conditions: %+v", m.Name, m)
		}
		if m.Source == m.Name {
			t.Errorf("%s: a source that is the name is left empty", m.Name)
		}
		for _, c := range m.Conditions {
			if ids := rules.FindAll(c.Rule); len(ids) != 1 || c.When == "" {
				t.Errorf("%s: %s wants one rule and a condition, has %q and %q", m.Name, c.Status, c.Rule, c.When)
			}
		}
		if _, ok := services.MethodByName(m.Name); !ok {
			t.Errorf("%s is no method of Services", m.Name)
		}
	}
	if n != nt.NtTable.Len() || n == 0 {
		t.Errorf("%d rows, Len says %d", n, nt.NtTable.Len())
	}
	if nt.NtTable.Find("NtNothing") != nil {
		t.Error("a row was found under a name that no row has")
	}
	for i := range services.NumMethod() {
		m := services.Method(i).Name
		if (strings.HasPrefix(m, "Nt") || strings.HasPrefix(m, "Lsa")) && !seen[m] {
			t.Errorf("%s is implemented and has no row", m)
		}
	}
}

// O-3: what is tested by value comes before the probe, so that a failure there
// leaves the output variable alone in both profiles.
func TestProbed(t *testing.T) {
	duplicate, query := nt.NtTable.Find("NtDuplicateToken"), nt.NtTable.Find("NtQueryInformationToken")
	for _, c := range []struct {
		row  *nt.Row
		in   any
		want bool
	}{
		{duplicate, nt.DuplicateTokenIn{TokenType: 3}, false},
		{duplicate, nt.DuplicateTokenIn{TokenType: winnt.TokenPrimary}, true},
		{query, nt.QueryInformationTokenIn{}, false},
		{query, nt.QueryInformationTokenIn{TokenInformationClass: winnt.MaxTokenInfoClass + 1}, false},
		{query, nt.QueryInformationTokenIn{TokenInformationClass: winnt.TokenUser}, true},
		{nt.NtTable.Find("NtClose"), nt.CloseIn{}, true},
	} {
		if got := c.row.Probed(c.in); got != c.want {
			t.Errorf("%s(%+v): probed %t, want %t", c.row.Info().Name, c.in, got, c.want)
		}
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
		add(w.th.NtClose(own), w.th.NtClose(own))
		return results, r.calls
	}
	plain, none := history(false)
	traced, calls := history(true)
	if !reflect.DeepEqual(plain, traced) {
		t.Errorf("results differ:\nuntraced %v\n  traced %v", plain, traced)
	}
	if len(none) != 0 || len(calls) != 14 {
		t.Errorf("%d and %d calls were traced, want 0 and 14", len(none), len(calls))
	}
	for _, c := range calls {
		if c.Thread != "server/1" || reflect.TypeOf(c.In) != c.Row.InType() ||
			reflect.TypeOf(c.Out) != c.Row.OutType() {
			t.Errorf("%s: %+v", c.Row.Info().Name, c)
		}
		if !c.Status.IsSuccess() && c.Why.Rule == "" && c.Why.Explanation == nil {
			t.Errorf("%s failed with %s and does not say why", c.Row.Info().Name, c.Status)
		}
		if c.Status.IsSuccess() && (c.Why.Rule != "" || c.Why.Explanation != nil) {
			t.Errorf("%s succeeded and gives a reason: %+v", c.Row.Info().Name, c.Why)
		}
	}
}
