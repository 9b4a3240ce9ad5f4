package nt

import (
	"reflect"

	"github.com/refmon/refmon/ntstatus"
)

// Condition says when a service returns a status, and which rule says so.
type Condition struct {
	Status ntstatus.Status
	Rule   string
	When   string
}

// Meta describes one service. Conditions are in the order in which the service tests them. If two are true, the
// earlier one decides the status. Only this list defines the order: "refmon services", package refusals and the model
// derive theirs from it.
type Meta struct {
	Name       string
	Number     int // position in its table, stable once published
	Summary    string
	Source     string // documents and sections; empty: the document named as the service
	Missing    string // the unimplemented part; empty: every rule in the row holds
	Conditions []Condition
}

// Support returns "complete", or "partial" if part of the service is missing.
func (m *Meta) Support() string {
	if m.Missing == "" {
		return "complete"
	}
	return "partial"
}

// Document returns the document that describes the service: Source, or the name
// of the service.
func (m *Meta) Document() string {
	if m.Source == "" {
		return m.Name
	}
	return m.Source
}

// Entry is the declaration of one row of a table of services: the metadata, and
// the function that calls the service on an S, which is [Services] for Nt* rows.
// In and Out are passed by value. Their field names are the documented parameter
// names. Field tags give bindings additional data. The tag param is the
// documented name if Go spells it differently ("-" hides the field). The tag
// object is the type whose rights a mask has. The tag default is the value of an
// omitted parameter.
//
// An Entry has no methods. Code that needs no types uses a [Row], which is
// compiled once and not once for each service.
type Entry[S, I, O any] struct {
	Meta Meta
	Call func(S, I) (O, ntstatus.Status)
	// Scalars reports whether the by-value parameters pass the checks that come
	// before any access to memory (O-3). byValue makes it. It is nil if there is
	// no such parameter.
	Scalars func(in any) bool

	Row *Row // the entry with its types erased; [Add] sets it
}

// byValue returns the Scalars function of an entry, from a typed function that checks the entry's by-value
// parameters. The result panics for an input of another type.
func byValue[I any](test func(I) bool) func(in any) bool {
	return func(in any) bool { return test(in.(I)) }
}

// Row is an [Entry] with its types erased, for tracers, scripts and transports.
// [Add] and [Table.Derive] create it. It is immutable. The zero value cannot be
// called.
type Row struct {
	meta    *Meta
	in, out reflect.Type
	invoke  func(services, in any) (any, ntstatus.Status)
	scalars func(in any) bool // nil: no by-value tests
}

// Info returns the metadata. Do not change it.
func (r *Row) Info() *Meta { return r.meta }

// InType returns the type of the input structure.
func (r *Row) InType() reflect.Type { return r.in }

// OutType returns the type of the output structure.
func (r *Row) OutType() reflect.Type { return r.out }

// Invoke calls the service of the row on a kernel's implementation, services. in must be of InType, and out is of
// OutType.
func (r *Row) Invoke(services, in any) (out any, st ntstatus.Status) { return r.invoke(services, in) }

// Probed reports whether a call with the input in passes the checks of its by-value parameters, which come before the
// kernel touches memory. A later failure may then change an output variable (O-5).
func (r *Row) Probed(in any) bool {
	return r.invoke != nil && (r.scalars == nil || r.scalars(in))
}

// Table lists the rows of one family of services in the order of their numbers. The
// zero value has no rows.
type Table struct{ rows []*Row }

// Add appends an entry and assigns its number. Use it only to initialise
// package-level variables, because a table does not change while the program
// runs.
func Add[S, I, O any](t *Table, e Entry[S, I, O]) *Entry[S, I, O] {
	e.Row = t.add(&Row{meta: &e.Meta, scalars: e.Scalars, invoke: func(services, in any) (any, ntstatus.Status) {
		return e.Call(services.(S), in.(I))
	}}, e.Call)
	return &e
}

// add appends a row whose service is the function call, a func(S, I) (O, Status). It takes the row's types from it.
func (t *Table) add(r *Row, call any) *Row {
	r.in, r.out = reflect.TypeOf(call).In(1), reflect.TypeOf(call).Out(0)
	return t.enter(r)
}

// enter appends a row to the table and sets its number.
func (t *Table) enter(r *Row) *Row {
	r.meta.Number = len(t.rows)
	t.rows = append(t.rows, r)
	return r
}

// Derive appends a row with its own metadata that calls another row. services
// converts the services of the new row into those of the other row. Like [Add]
// it is only for package-level variables.
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

// Find returns the row with a name, or nil for an unknown name.
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
