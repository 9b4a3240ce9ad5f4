package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Table lists the functions of this package. Call its rows on a *Thread.
var Table nt.Table

// Thread is a thread with Win32 semantics. [On] returns one.
type Thread struct {
	nt   *nt.Thread // immutable
	last Code       // owned by the thread: what GetLastError returns
	set  bool       // owned by the thread: the call under way has set last
}

// On returns the Win32 interface of a thread. Use one per thread, because it keeps the last error.
func On(t *nt.Thread) *Thread { return &Thread{nt: t} }

// NT returns the thread on which the functions make their NT calls. Its calls do not set the last error.
func (t *Thread) NT() *nt.Thread { return t.nt }

// LastError implements GetLastError: it returns the code that the last function set. Most functions do not change it
// when they succeed.
func (t *Thread) LastError() Code { return t.last }

// setLastError sets the last error and notes that the current call has set it.
func (t *Thread) setLastError(c Code) { t.last, t.set = c, true }

// done sets the last error if a call failed. STATUS_NOT_ALL_ASSIGNED is a success; AdjustTokenPrivileges sets its
// code itself.
func (t *Thread) done(st ntstatus.Status) {
	if !st.IsSuccess() {
		// The last error is the Win32 code of the status (O-70).
		t.setLastError(Code(st.Win32()))
	}
}

// CallRow calls a row of [Table] with erased types. result is the BOOL. code is the last error that the function set,
// ERROR_SUCCESS if it set none. st is the status that code follows from.
func (t *Thread) CallRow(r *nt.Row, in any) (out any, result bool, code Code, st ntstatus.Status) {
	t.set = false
	out, st = r.Invoke(t, in)
	if t.set {
		code = t.last
	}
	return out, st.IsSuccess(), code, st
}

// function adds a Win32 function to Table and returns its entry; f implements the function. A call sets the thread's
// last error if f fails, and leaves it otherwise.
func function[I, O any](m nt.Meta, f func(*Thread, I) (O, ntstatus.Status)) *nt.Entry[*Thread, I, O] {
	return nt.Add(&Table, nt.Entry[*Thread, I, O]{Meta: m, Call: func(t *Thread, in I) (O, ntstatus.Status) {
		out, st := f(t, in)
		t.done(st)
		return out, st
	}})
}

// call calls a Win32 function by its table entry and returns its output and the BOOL: whether it succeeded.
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
		Meta: nt.Meta{Name: "GetLastError", Summary: "the code of the last function that set one",
			Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "O-70", When: "always"}}},
		Call: func(t *Thread, _ GetLastErrorIn) (GetLastErrorOut, ntstatus.Status) {
			return GetLastErrorOut{t.last}, ntstatus.Success
		},
	})
	_ = nt.Add(&Table, nt.Entry[*Thread, SetLastErrorIn, SetLastErrorOut]{
		Meta: nt.Meta{Name: "SetLastError",
			Summary:    "sets the thread's last error, which GetLastError returns",
			Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "O-70", When: "always"}}},
		Call: func(t *Thread, in SetLastErrorIn) (SetLastErrorOut, ntstatus.Status) {
			t.setLastError(in.Code)
			return SetLastErrorOut{}, ntstatus.Success
		},
	})
)
