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

// Entry is one row of a table of services: metadata and the way to call it on
// an S, which is [Services] for Nt* rows. In and Out travel by value; their
// field names are the documented parameter names. Tags of the fields tell a
// binding what the types do not: param the documented name where Go spells it
// otherwise ("-" hides the field), object the type whose rights a mask names,
// default the value of a parameter that is left out.
type Entry[S, I, O any] struct {
	Meta
	Call func(S, I) (O, ntstatus.Status)
	// Scalars gives the status of by-value parameters that are looked at
	// before any memory is touched (O-3); nil where there is no such parameter.
	Scalars func(I) ntstatus.Status
}

// Row is an Entry with its types erased, for tracers, scripts and transports.
type Row interface {
	Info() *Meta
	InType() reflect.Type
	OutType() reflect.Type
	// Invoke calls the service; in must be of InType, the result is of OutType.
	Invoke(services, in any) (out any, st ntstatus.Status)
	// Probed reports whether the call gets past its by-value tests, so that
	// a failure after it may touch an output variable (O-5).
	Probed(in any) bool
}

// Info returns the metadata; it must not be changed.
func (e *Entry[S, I, O]) Info() *Meta { return &e.Meta }

// InType returns the type of the input structure.
func (e *Entry[S, I, O]) InType() reflect.Type { return reflect.TypeFor[I]() }

// OutType returns the type of the output structure.
func (e *Entry[S, I, O]) OutType() reflect.Type { return reflect.TypeFor[O]() }

// Invoke calls the service with erased types.
func (e *Entry[S, I, O]) Invoke(services, in any) (any, ntstatus.Status) {
	return e.Call(services.(S), in.(I))
}

// Probed implements [Row].
func (e *Entry[S, I, O]) Probed(in any) bool {
	return e.Scalars == nil || e.Scalars(in.(I)) == ntstatus.Success
}

// Table lists the rows of one family of services in the order of their numbers.
type Table struct{ rows []Row }

// Add appends a row and gives it its number. It is meant for package-level
// variables; a table is not changed once the program runs.
func Add[S, I, O any](t *Table, e Entry[S, I, O]) *Entry[S, I, O] {
	row := &e
	row.Number = len(t.rows)
	t.rows = append(t.rows, row)
	return row
}

// All yields the rows in order.
func (t *Table) All(yield func(Row) bool) {
	for _, r := range t.rows {
		if !yield(r) {
			return
		}
	}
}

// Find returns the row of that name, nil if no row has it.
func (t *Table) Find(name string) Row {
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
