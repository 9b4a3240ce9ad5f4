package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Table lists the functions of this package. Rows are called on a *Thread.
var Table nt.Table

// Thread is a thread as a Win32 program sees it. Make it with [On].
type Thread struct {
	nt   *nt.Thread // immutable
	last Code       // owned by the thread: what GetLastError returns
	set  bool       // owned by the thread: the call under way has set last
}

// On returns the Win32 face of a thread. A thread has one, which keeps its last
// error.
func On(t *nt.Thread) *Thread { return &Thread{nt: t} }

// NT returns the thread itself.
func (t *Thread) NT() *nt.Thread { return t.nt }

// LastError implements GetLastError: it returns the code of the last function
// that set one. Most functions leave it alone when they succeed.
func (t *Thread) LastError() Code { return t.last }

func (t *Thread) setLastError(c Code) { t.last, t.set = c, true }

// done sets the last error of a call that failed. STATUS_NOT_ALL_ASSIGNED
// is a success whose function says so itself.
func (t *Thread) done(st ntstatus.Status) {
	if !st.IsSuccess() {
		// The last error is the one that stands for the status (O-70).
		t.setLastError(Code(st.Win32()))
	}
}

// CallRow calls a row of [Table] with erased types. result is the BOOL that the
// function returns, code what it left for GetLastError, ERROR_SUCCESS where it
// left that alone; st is the status behind the code.
func (t *Thread) CallRow(r *nt.Row, in any) (out any, result bool, code Code, st ntstatus.Status) {
	t.set = false
	out, st = r.Invoke(t, in)
	if t.set {
		code = t.last
	}
	return out, st.IsSuccess(), code, st
}

// function adds a row whose failures set the last error.
func function[I, O any](m nt.Meta, f func(*Thread, I) (O, ntstatus.Status)) *nt.Entry[*Thread, I, O] {
	if m.Source == "" {
		m.Source = m.Name
	}
	return nt.Add(&Table, nt.Entry[*Thread, I, O]{Meta: m, Call: func(t *Thread, in I) (O, ntstatus.Status) {
		out, st := f(t, in)
		t.done(st)
		return out, st
	}})
}

// call takes the path of the typed functions: it calls the row, with the status
// as BOOL.
func call[I, O any](t *Thread, e *nt.Entry[*Thread, I, O], in I) (O, bool) {
	out, st := e.Call(t, in)
	return out, st.IsSuccess()
}

// GetLastErrorIn and GetLastErrorOut are the parameters of GetLastError.
type (
	GetLastErrorIn  struct{}
	GetLastErrorOut struct {
		Code Code `param:"dwErrCode"`
	}

	SetLastErrorIn struct {
		Code Code `param:"dwErrCode"`
	}
	SetLastErrorOut struct{}
)

var (
	_ = nt.Add(&Table, nt.Entry[*Thread, GetLastErrorIn, GetLastErrorOut]{
		Meta: nt.Meta{Name: "GetLastError", Summary: "the code of the last function that set one", Source: "GetLastError",
			Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "O-70", When: "always"}}},
		Call: func(t *Thread, _ GetLastErrorIn) (GetLastErrorOut, ntstatus.Status) {
			return GetLastErrorOut{t.last}, ntstatus.Success
		},
	})
	_ = nt.Add(&Table, nt.Entry[*Thread, SetLastErrorIn, SetLastErrorOut]{
		Meta: nt.Meta{Name: "SetLastError", Summary: "sets what GetLastError returns", Source: "SetLastError",
			Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "O-70", When: "always"}}},
		Call: func(t *Thread, in SetLastErrorIn) (SetLastErrorOut, ntstatus.Status) {
			t.setLastError(in.Code)
			return SetLastErrorOut{}, ntstatus.Success
		},
	})
)
