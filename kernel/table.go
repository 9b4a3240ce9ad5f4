package kernel

import (
	"reflect"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Table is the table of kernel-mode routines: the Zw form of every service of
// nt.NtTable, then the Ps*, Se* and Ob* routines, which take object references
// and are never called over a connection. Rows are called on a *KernelThread.
var Table nt.Table

// call runs a kernel routine, the row e of [Table], for thread k. With a tracer it also reports the call to it.
func call[I, O any](k *KernelThread, e *nt.Entry[*KernelThread, I, O], in I) (O, ntstatus.Status) {
	if k.tracer == nil {
		return e.Call(k, in)
	}
	out, st := k.CallRow(e.Row, in)
	return out.(O), st
}

// CallRow runs a kernel routine that is known only as a row of [Table], and reports the call to the tracer. in must
// have the row's InType.
func (k *KernelThread) CallRow(r *nt.Row, in any) (any, ntstatus.Status) {
	out, st := r.Invoke(k, in)
	if k.tracer != nil {
		k.tracer.Traced(&nt.Call{Thread: k.Name(), Row: r, In: in, Out: out, Status: st, Why: k.ctx.TakeWhy()})
	}
	return out, st
}

// TokenType, ThreadType and ProcessType are the reflected types by which a binding
// recognises parameters that are object references.
var (
	TokenType   = reflect.TypeFor[*AccessToken]()
	ThreadType  = reflect.TypeFor[*EThread]()
	ProcessType = reflect.TypeFor[*EProcess]()
)

// always returns the conditions of a routine that always succeeds, for its row of [Table]. rule is the id of the
// rule, when the text.
func always(rule, when string) []nt.Condition {
	return []nt.Condition{{Status: ntstatus.Success, Rule: rule, When: when}}
}

// simple adds a routine to [Table]: its name, a one-line summary, the conditions of its statuses, and the function f
// that implements it.
func simple[I, O any](
	name, summary string, conditions []nt.Condition, f func(*KernelThread, I) (O, ntstatus.Status),
) *nt.Entry[*KernelThread, I, O] {
	return nt.Add(&Table,
		nt.Entry[*KernelThread, I, O]{Meta: nt.Meta{Name: name, Summary: summary, Conditions: conditions}, Call: f})
}

// or returns t, or the calling thread if t is nil. Routines use it for a thread parameter that may be missing.
func (k *KernelThread) or(t *EThread) *EThread {
	if t == nil {
		return k.Thread()
	}
	return t
}
