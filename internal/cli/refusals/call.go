package refusals

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Outcome is the result of a call.
type Outcome struct {
	Status  ntstatus.Status // what the call returned
	Verdict ntstatus.Status // its AccessStatus where it has one, else Status
	Rule    string          // the rule that the kernel says decided, if it says one
}

// Call calls a service on a new kernel with a set of refusals in force and returns the result. An empty set is a call
// that must succeed. The refusals must not exclude one another. Refusals that do not apply in the service's mode or
// profile are in force but are not expected to decide. Call returns an error for an unknown service, if the earliest
// condition does not decide the result, if a failed call changed state, or if something leaked. It closes the kernel.
func Call(name string, profile nt.Profile, set ...*Refusal) (Outcome, error) {
	s := registry()[name]
	if s == nil {
		return Outcome{}, fmt.Errorf("refusals: no service %q", name)
	}
	w := newWorld(profile)
	got, err := w.run(s, set)
	if closed := w.close(); err == nil && closed != nil {
		err = fmt.Errorf("%s with %s: %w", name, names(set), closed)
	}
	return got, err
}

// run calls the service with the failures of set and verifies that the first decides. The call must return its status
// by its rule. An error status must leave the system unchanged. With an empty set the call must succeed. A refusal
// that kernel mode cannot inject is an error before the call.
func (w *world) run(s *service, set []*Refusal) (Outcome, error) {
	in := s.base(w)
	for _, f := range set {
		if !f.callable() {
			return Outcome{}, fmt.Errorf("%s: kernel mode must not be called with %q", s.row.Info().Name, f.Name)
		}
		f.inject(w, in)
	}
	for _, late := range append(w.late, w.last...) {
		late()
	}
	before := w.state()
	w.calling = true
	out, got := w.invoke(s, reflect.ValueOf(in).Elem().Interface())
	w.calling = false
	want := ntstatus.Success
	first := Winner(w.profile, set...)
	if first != nil {
		want = first.Want
	}
	if got.Verdict != want {
		return got, fmt.Errorf("%s with %s: got %s (rule %s), want %s", s.row.Info().Name, names(set), got.Verdict, got.Rule,
			want)
	}
	if first != nil && !first.named(got.Rule) {
		return got, fmt.Errorf("%s with %s: got %s by rule %s, want it by %s", s.row.Info().Name, names(set), got.Verdict,
			got.Rule, first.rule)
	}
	if s.settle != nil {
		s.settle(w, out)
	}
	// A failing service changes nothing observable (P-7).
	if !got.Status.IsSuccess() {
		if after := w.state(); after != before {
			return got, fmt.Errorf("%s with %s failed with %s and changed the system:\nbefore %s\nafter  %s", s.row.Info().Name,
				names(set), got.Status, before, after)
		}
	}
	return got, nil
}

// invoke calls the service in user or kernel mode and returns its output, status and the rule that decided. The
// verdict differs from the status for checks, which report a denial in their output.
func (w *world) invoke(s *service, in any) (any, Outcome) {
	var out any
	var st ntstatus.Status
	why := &reason{}
	if s.kernel {
		w.k.Trace(why)
		out, st = w.k.CallRow(s.row, in)
		w.k.Trace(nil)
	} else {
		w.thread.Trace(why)
		out, st = w.thread.CallRow(s.row, in)
		w.thread.Trace(nil)
	}
	o := Outcome{Status: st, Verdict: st, Rule: why.rule}
	if st == ntstatus.Success && s.verdict != nil {
		o.Verdict = s.verdict(out)
	}
	return out, o
}

// named reports whether the kernel's rule explains this refusal. It distinguishes refusals with equal status. These
// rules count:
//   - "", the refusal's own rule, and that rule with the letter of a row
//   - the rule of a check that the refusal relies on: a handle reference (O-31), a capture (O-3, O-22) or a stage
//     of the access check
func (f *Refusal) named(rule string) bool {
	if rule == "" || rule == f.rule || strings.HasPrefix(rule, f.rule+" ") {
		return true
	}
	switch rule {
	case "O-31":
		return f.handle
	case "O-3":
		return f.Want == ntstatus.AccessViolation
	case "O-22":
		return f.rule == "T-40" || f.rule == "O-33"
	case "A-30":
		return f.Want == ntstatus.BadImpersonationLevel
	case "A-50":
		return f.Want == ntstatus.PrivilegeNotHeld
	case "A-40", "A-43", "A-90":
		return f.denial
	case "I-80", "I-42 f":
		return f.rule == "O-81" || f.rule == "I-43" // the reason is that of the step that needed memory, or of the demotion
	}
	return false
}

// reason is a tracer of the kernel that keeps the rule that decided a call.
type reason struct{ rule string }

// Traced stores the deciding rule of a call.
func (r *reason) Traced(c *nt.Call) { r.rule = c.Why.Rule }

// names returns the names of the injected failures for a message; "no refusal" if there are none.
func names(set []*Refusal) string {
	if len(set) == 0 {
		return "no refusal"
	}
	var list []string
	for _, f := range set {
		list = append(list, f.String())
	}
	return strings.Join(list, " and ")
}
