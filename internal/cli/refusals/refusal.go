package refusals

import (
	"strings"
	"sync"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Refusal is an injectable failure of a service: it makes one of its failure conditions true. The zero value is not a
// refusal.
type Refusal struct {
	// Name describes the condition in a few words.
	Name string
	// Want is the status that the call returns when this refusal wins: the status of its
	// condition or, where the call succeeds and carries a verdict
	// (AccessStatus), that verdict.
	Want ntstatus.Status

	rule, when string // find the condition; when is a part of its text
	takes      []string
	needs      scope
	profiles   []nt.Profile // nil: both
	handle     bool         // a handle parameter that cannot be referenced
	denial     bool         // an access check that refuses
	lifts      []string     // parts of other refusals that do not fail together with this one, in the Observed profile
	inject     func(w *world, in any)

	service   *service
	condition int // index in Meta.Conditions
}

// scope says whether a refusal applies to calls from user mode, from kernel mode or from both.
type scope uint8

const (
	anyMode  scope = iota
	userOnly       // kernel mode skips the test: the call succeeds
	pointers       // user mode only, and kernel mode must not be called with it
	kernOnly       // user mode is not tested for it
)

// Rule returns the id of the rule of the condition, such as "T-40".
func (f *Refusal) Rule() string { return f.rule }

// Order returns the position of the failure's condition in the tests of its service. Of two simultaneous failures the
// one with the smaller position decides.
func (f *Refusal) Order() int { return f.condition }

// String returns "T-40 no such handle".
func (f *Refusal) String() string { return f.rule + " " + f.Name }

// Excludes reports whether two refusals cannot hold at once, because they set the same part of the call or one of
// them removes a part that the other sets.
func (f *Refusal) Excludes(g *Refusal) bool {
	for _, a := range f.takes {
		for _, b := range g.takes {
			if a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".") {
				return true
			}
		}
	}
	return false
}

// effective reports whether the refusal can fail a call in a profile and in the mode of its service. Without profiles
// it applies in all. Refusals for user mode, and those about pointers, do not apply to a service of kernel mode.
func (f *Refusal) effective(profile nt.Profile) bool {
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

// callable reports whether a call with this injected failure is possible at all. The kernel-mode form of a service
// must not be called with bad pointers, because it does not test them.
func (f *Refusal) callable() bool { return !(f.service.kernel && f.needs == pointers) }

// service is a service under test: its row in the table, its refusals, and how to build a successful call.
type service struct {
	row      *nt.Row
	kernel   bool // a row of kernel.Table
	base     func(w *world) any
	refusals []*Refusal
	absent   []absence
	// verdict reads the status that counts when the call itself succeeds.
	verdict func(out any) ntstatus.Status
	// settle releases what a successful call gave back.
	settle func(w *world, out any)
}

// absence is a condition without a refusal, and the reason.
type absence struct{ rule, when, reason string }

// definitions are what define collects before main.
var definitions []func(registry map[string]*service)

// registry returns the services by name. Its first call makes them, so that other commands of refmon start sooner. It
// panics for a definition of an unknown service.
var registry = sync.OnceValue(func() map[string]*service {
	all := map[string]*service{}
	for _, d := range definitions {
		d(all)
	}
	return all
})

// refusal is the typed form of a Refusal, for a service whose input is of type I. I is always a pointer, so that the
// compiler shares one instance of generic code.
type refusal[I any] struct {
	rule   string // of the condition
	want   ntstatus.Status
	when   string // part of the condition's text; empty if rule and status identify it
	name   string
	takes  string // parts of the call that it sets, separated by spaces; see Excludes
	needs  scope
	only   []nt.Profile
	lifts  string // see Refusal
	of     part   // what refuses
	inject func(w *world, in I)
}

// part is the part of a call that is refused. It distinguishes refusals with equal status.
type part uint8

const (
	ofCall   part = iota // the call's own rule
	ofHandle             // the reference of a handle
	ofCheck              // an access check
)

// ofHandle reports whether the failure is that a handle cannot be referenced. The statuses for an invalid handle and
// a wrong object type have no other cause.
func (f *refusal[I]) ofHandle() bool {
	return f.of == ofHandle || f.want == ntstatus.InvalidHandle || f.want == ntstatus.ObjectTypeMismatch
}

// setup describes a service for define: its names, an input that succeeds, and its refusals.
type setup[I any] struct {
	names    []string // Nt and Zw name
	base     func(w *world) I
	refusals []refusal[I]
	absent   []absence
	verdict  func(out any) ntstatus.Status
	settle   func(w *world, out any)
}

// define registers a service under all names of s, at the first call of registry. It returns true, so that a package
// variable can call it.
func define[I any](s setup[I]) bool {
	definitions = append(definitions, s.register)
	return true
}

// register adds the services of the setup to registry. It panics for a name that is in neither table of services. It
// replaces a service of the same name.
func (s setup[I]) register(registry map[string]*service) {
	for _, name := range s.names {
		e := &service{absent: s.absent, verdict: s.verdict, settle: s.settle}
		if e.row = nt.NtTable.Find(name); e.row == nil {
			e.row, e.kernel = kernel.Table.Find(name), true
		}
		if e.row == nil {
			panic("refusals: no service " + name)
		}
		e.base = func(w *world) any { return s.base(w) }
		for _, f := range s.refusals {
			e.refusals = append(e.refusals, &Refusal{
				Name: f.name, Want: f.want, rule: f.rule, when: f.when,
				takes: strings.Fields(f.takes), needs: f.needs, profiles: f.only,
				lifts: strings.Fields(f.lifts), handle: f.ofHandle(), denial: f.of == ofCheck,
				inject:  func(w *world, in any) { f.inject(w, in.(I)) },
				service: e, condition: find(e.row.Info(), f.rule, f.want, f.when),
			})
		}
		registry[name] = e
	}
}

// find returns the index of the failure condition in m that has this rule and status, or the status as a verdict of a
// successful call. when is part of its text. The result is -1 if there is none.
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

// Of returns the refusals, which are injectable failures, of a service that apply in its mode and profile. They have
// the order in which the service tests their conditions. It returns nil for an unknown service. The caller owns the
// slice.
func Of(name string, profile nt.Profile) []*Refusal {
	s := registry()[name]
	if s == nil {
		return nil
	}
	var list []*Refusal
	for _, f := range s.refusals {
		if f.effective(profile) {
			list = append(list, f)
		}
	}
	byOrder(list)
	return list
}

// Harmless returns the injectable failures of a service that must not fail it in this mode and profile, for tests
// that a call with one of them succeeds. It leaves out those that no call can have. It returns nil for an unknown
// service.
func Harmless(name string, profile nt.Profile) []*Refusal {
	s := registry()[name]
	if s == nil {
		return nil
	}
	var list []*Refusal
	for _, f := range s.refusals {
		if !f.effective(profile) && f.callable() {
			list = append(list, f)
		}
	}
	return list
}

// byOrder sorts refusals by the order in which the service tests their conditions. It keeps the order of refusals
// with the same condition.
func byOrder(list []*Refusal) {
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].condition < list[j-1].condition; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}
