package refusals

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// TestCallReportsLeaks checks that a call is an error with its name if an object is still referenced at the end (P-5).
func TestCallReportsLeaks(t *testing.T) {
	leak := &Refusal{Name: "leak", service: registry()["NtClose"], profiles: []nt.Profile{nt.Observed},
		inject: func(w *world, _ any) { w.token(clientSpec(winnt.SecurityImpersonation), open()).Ref(ob.TagCall) }}
	_, err := Call("NtClose", nt.Documented, leak)
	wantError(t, err, "NtClose with ")
}

// wantError fails the test if err is not an error with a text.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%v, want an error with %q", err, text)
	}
}

// TestCallReportsDeviation checks that a call is an error if it is not possible, if it has another verdict than the
// first refusal's, and if it fails and changes the impersonation of a thread (P-7).
func TestCallReportsDeviation(t *testing.T) {
	refused := registry()["ZwCreateToken"].refusals
	pointer := refused[slices.IndexFunc(refused, func(f *Refusal) bool { return f.needs == pointers })]
	_, err := Call("ZwCreateToken", nt.Documented, pointer)
	wantError(t, err, "kernel mode must not be called with")
	absent := slices.ContainsFunc(Absent("ZwCreateToken"), func(a Absence) bool {
		return a.Condition.Status == pointer.Want && a.Reason == "kernel mode is not called with such a pointer"
	})
	if !absent {
		t.Errorf("no reason is given why %v is not tested in kernel mode", pointer)
	}
	_, err = Call("NtNothing", nt.Documented)
	wantError(t, err, "no service")
	denied := *registry()["NtAccessCheck"]
	denied.base = func(w *world) any {
		in := registry()["NtAccessCheck"].base(w).(*nt.AccessCheckIn)
		in.SecurityDescriptor = nt.Cap(closed())
		return in
	}
	_, err = newWorld(nt.Documented).run(&denied, nil)
	wantError(t, err, "with no refusal: got STATUS_ACCESS_DENIED")
	for i := range 2 {
		impersonate := func(w *world, copyOnOpen bool) {
			t := []*ps.Thread{w.sys.ThreadObject(w.thread), w.other}[i]
			w.impersonate(t, w.owned[0], copyOnOpen, winnt.SecurityImpersonation)
		}
		failed := *registry()["NtClose"]
		failed.base = func(w *world) any {
			w.token(clientSpec(winnt.SecurityImpersonation), open())
			impersonate(w, false)
			return registry()["NtClose"].base(w)
		}
		failed.settle = func(w *world, _ any) { impersonate(w, true) }
		_, err = newWorld(nt.Documented).run(&failed, Of("NtClose", nt.Documented)[:1])
		wantError(t, err, "changed the system")
	}
}

// A rule names a refusal if it is the refusal's own, also with the letter of a row, but not one with a longer number.
func TestRuleNamesItsRefusal(t *testing.T) {
	for rule, want := range map[string]bool{"": true, "T-4": true, "T-4 b": true, "T-40": false, "T-5": false} {
		if got := (&Refusal{rule: "T-4"}).named(rule); got != want {
			t.Errorf("%q names T-4: %t, want %t", rule, got, want)
		}
	}
}
