package faults

import (
	"strings"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Fault is one thing that can be wrong with a call of one service. The zero
// value is not a fault.
type Fault struct {
	// Name says what is wrong, in a few words.
	Name string
	// Want is the status that the call returns when this fault wins: the status of its
	// condition or, where the call succeeds and carries a verdict
	// (AccessStatus), that verdict.
	Want ntstatus.Status

	rule, when string // find the condition; when is a part of its text
	takes      []string
	needs      scope
	profiles   []nt.Profile // nil: both
	handle     bool         // a handle parameter that cannot be referenced
	denial     bool         // an access check that refuses
	lifts      []string     // what faults of others take up that do not fail beside this one, in the Observed profile
	inject     func(w *world, in any)

	service   *service
	condition int // index in Meta.Conditions
}

// scope says in which previous mode a fault is one.
type scope uint8

const (
	anyMode  scope = iota
	userOnly       // kernel mode is not tested for it: the call succeeds all the same
	pointers       // user mode only, and kernel mode must not be called with it
	kernOnly       // user mode is not tested for it
)

// Rule returns the id of the rule behind the fault.
func (f *Fault) Rule() string { return f.rule }

// Condition returns the row of the service's table that the fault brings about.
func (f *Fault) Condition() nt.Condition { return f.service.row.Info().Conditions[f.condition] }

// Order returns the position of the condition among those of its service.
func (f *Fault) Order() int { return f.condition }

// String returns "T-40 no such handle".
func (f *Fault) String() string { return f.rule + " " + f.Name }

// Excludes reports whether two faults cannot hold at once: they take up the
// same part of the call, or one a part of what the other takes up.
func (f *Fault) Excludes(g *Fault) bool {
	for _, a := range f.takes {
		for _, b := range g.takes {
			if a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".") {
				return true
			}
		}
	}
	return false
}

// effective reports whether the fault is one in the mode of its service.
func (f *Fault) effective(profile nt.Profile) bool {
	if f.service.kernel && (f.needs == userOnly || f.needs == pointers) || !f.service.kernel && f.needs == kernOnly {
		return false
	}
	if f.profiles == nil {
		return true
	}
	for _, p := range f.profiles {
		if p == profile {
			return true
		}
	}
	return false
}

// callable reports whether the call may be made with the fault at all.
func (f *Fault) callable() bool { return !(f.service.kernel && f.needs == pointers) }

// service is one row with what is needed to call it.
type service struct {
	row    *nt.Row
	kernel bool // a row of kernel.Table
	base   func(w *world) any
	faults []*Fault
	absent []absence
	// verdict reads the status that counts when the call itself succeeds.
	verdict func(out any) ntstatus.Status
	// settle releases what a successful call gave back.
	settle func(w *world, out any)
}

// absence is a condition without a fault and why.
type absence struct{ rule, when, reason string }

var registry = map[string]*service{}

// fault describes a Fault of a service whose parameters an I points at. I is a
// pointer everywhere here, so that generic code is compiled once for all.
type fault[I any] struct {
	rule   string // of the condition
	want   ntstatus.Status
	when   string // part of the condition's text; empty where rule and status tell
	name   string
	takes  string // what of the call it takes up, separated by spaces
	needs  scope
	only   []nt.Profile
	lifts  string // see Fault
	of     part   // what refuses
	inject func(w *world, in I)
}

// part says what refuses a call: it tells apart faults of one status.
type part uint8

const (
	ofCall   part = iota // the call's own rule
	ofHandle             // the reference of a handle
	ofCheck              // an access check
)

// ofHandle reports whether the fault is one of referencing a handle. These two
// statuses have no other cause.
func (f *fault[I]) ofHandle() bool {
	return f.of == ofHandle || f.want == ntstatus.InvalidHandle || f.want == ntstatus.ObjectTypeMismatch
}

// setup holds what define needs besides the faults.
type setup[I any] struct {
	names   []string // Nt and Zw name
	base    func(w *world) I
	faults  []fault[I]
	absent  []absence
	verdict func(out any) ntstatus.Status
	settle  func(w *world, out any)
}

// define enters a service, in all the modes it has, in the registry.
func define[I any](s setup[I]) bool {
	for _, name := range s.names {
		e := &service{absent: s.absent, verdict: s.verdict, settle: s.settle}
		if e.row = nt.NtTable.Find(name); e.row == nil {
			e.row, e.kernel = kernel.Table.Find(name), true
		}
		if e.row == nil {
			panic("faults: no service " + name)
		}
		e.base = func(w *world) any { return s.base(w) }
		for _, f := range s.faults {
			e.faults = append(e.faults, &Fault{
				Name: f.name, Want: f.want, rule: f.rule, when: f.when,
				takes: strings.Fields(f.takes), needs: f.needs, profiles: f.only,
				lifts: strings.Fields(f.lifts), handle: f.ofHandle(), denial: f.of == ofCheck,
				inject:  func(w *world, in any) { f.inject(w, in.(I)) },
				service: e, condition: find(e.row.Info(), f.rule, f.want, f.when),
			})
		}
		registry[name] = e
	}
	return true
}

// find returns the index of the condition with that rule and status, or with
// STATUS_SUCCESS and the status in a verdict; -1 if the row has none.
func find(m *nt.Meta, rule string, st ntstatus.Status, when string) int {
	for _, status := range []ntstatus.Status{st, ntstatus.Success} {
		for i, c := range m.Conditions {
			if c.Rule == rule && c.Status == status && strings.Contains(c.When, when) {
				return i
			}
		}
	}
	return -1
}

// Faults lists the faults of a service in the order of its tests, those that
// are no faults in its mode or in this profile left out; nil for a service
// that is not known here.
func Faults(name string, profile nt.Profile) []*Fault {
	s := registry[name]
	if s == nil {
		return nil
	}
	var list []*Fault
	for _, f := range s.faults {
		if f.effective(profile) {
			list = append(list, f)
		}
	}
	byOrder(list)
	return list
}

// Harmless lists the faults of a service's other mode or profile: calling it
// with one of them alone succeeds.
func Harmless(name string, profile nt.Profile) []*Fault {
	s := registry[name]
	if s == nil {
		return nil
	}
	var list []*Fault
	for _, f := range s.faults {
		if !f.effective(profile) && f.callable() && f.needs != kernOnly {
			list = append(list, f)
		}
	}
	return list
}

// byOrder sorts faults by their conditions, faults of one condition as given.
func byOrder(list []*Fault) {
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].condition < list[j-1].condition; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}
