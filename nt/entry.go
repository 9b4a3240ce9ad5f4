package nt

import (
	"reflect"

	"github.com/refmon/refmon/ntstatus"
)

// Condition is one status a service returns, when, and the rule that says so.
type Condition struct {
	Status ntstatus.Status
	Rule   string
	When   string
}

// Meta describes one service. Conditions stand in the order in which the
// service tests them, so that of two faults present at once the earlier wins.
type Meta struct {
	Name       string
	Number     int // position in its table, stable once published
	Summary    string
	Source     string // documents and sections; empty: the document named as the service
	Missing    string // what is not built of it; empty: every rule that names it holds
	Conditions []Condition
}

// Support returns "complete", or "partial" where something is missing.
func (m *Meta) Support() string {
	if m.Missing == "" {
		return "complete"
	}
	return "partial"
}

// Document returns where the service is described: Source, or its name.
func (m *Meta) Document() string {
	if m.Source == "" {
		return m.Name
	}
	return m.Source
}

// Entry is one row of a table of services as it is declared: metadata and the
// way to call it on an S, which is [Services] for Nt* rows. In and Out travel by
// value; their field names are the documented parameter names. Tags of the
// fields tell a binding what the types do not: param the documented name where
// Go spells it otherwise ("-" hides the field), object the type whose rights a
// mask names, default the value of a parameter that is left out.
//
// An Entry has no methods: all that needs no types is a [Row], which is
// compiled once and not once for each service.
type Entry[S, I, O any] struct {
	Meta Meta
	Call func(S, I) (O, ntstatus.Status)
	// Scalars gives the status of by-value parameters that are looked at
	// before any memory is touched (O-3), made by byValue; nil where there is no
	// such parameter.
	Scalars func(in any) ntstatus.Status

	Row *Row // the entry with its types erased; [Add] sets it
}

// byValue makes the Scalars of an entry from a function of its input structure.
func byValue[I any](test func(I) ntstatus.Status) func(in any) ntstatus.Status {
	return func(in any) ntstatus.Status { return test(in.(I)) }
}

// Row is an [Entry] with its types erased, for tracers, scripts and transports.
// [Add] and [Table.Derive] make it, and it does not change; the zero value cannot
// be called.
type Row struct {
	meta    *Meta
	in, out reflect.Type
	invoke  func(services, in any) (any, ntstatus.Status)
	scalars func(in any) ntstatus.Status // nil: no by-value tests
}

// Info returns the metadata; it must not be changed.
func (r *Row) Info() *Meta { return r.meta }

// InType returns the type of the input structure.
func (r *Row) InType() reflect.Type { return r.in }

// OutType returns the type of the output structure.
func (r *Row) OutType() reflect.Type { return r.out }

// Invoke calls the service; in must be of InType, the result is of OutType.
func (r *Row) Invoke(services, in any) (out any, st ntstatus.Status) { return r.invoke(services, in) }

// Probed reports whether the call gets past its by-value tests, so that a
// failure after it may touch an output variable (O-5).
func (r *Row) Probed(in any) bool {
	return r.invoke != nil && (r.scalars == nil || r.scalars(in) == ntstatus.Success)
}

// Table lists the rows of one family of services in the order of their numbers. The
// zero value has no rows.
type Table struct{ rows []*Row }

// Add appends an entry and gives it its number. It is meant for package-level
// variables; a table is not changed once the program runs.
func Add[S, I, O any](t *Table, e Entry[S, I, O]) *Entry[S, I, O] {
	e.Row = t.add(&Row{meta: &e.Meta, scalars: e.Scalars, invoke: func(services, in any) (any, ntstatus.Status) {
		return e.Call(services.(S), in.(I))
	}}, e.Call)
	return &e
}

// add appends a row whose call is a func(S, I) (O, Status).
func (t *Table) add(r *Row, call any) *Row {
	r.in, r.out = reflect.TypeOf(call).In(1), reflect.TypeOf(call).Out(0)
	return t.enter(r)
}

func (t *Table) enter(r *Row) *Row {
	r.meta.Number = len(t.rows)
	t.rows = append(t.rows, r)
	return r
}

// Derive appends a row that makes the calls of another one under its own
// metadata: services turns what the new row is called on into what the other
// one is called on. Like [Add] it is meant for package-level variables.
func (t *Table) Derive(from *Row, meta Meta, services func(any) any) *Row {
	return t.enter(&Row{meta: &meta, in: from.in, out: from.out,
		invoke: func(own, in any) (any, ntstatus.Status) { return from.invoke(services(own), in) }})
}

// All yields the rows in order.
func (t *Table) All(yield func(*Row) bool) {
	for _, r := range t.rows {
		if !yield(r) {
			return
		}
	}
}

// Find returns the row of that name, nil if no row has it.
func (t *Table) Find(name string) *Row {
	for _, r := range t.rows {
		if r.Info().Name == name {
			return r
		}
	}
	return nil
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// NtTable is the table of the Nt* services.
var NtTable Table
