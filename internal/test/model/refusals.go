package model

import (
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A refusal is a condition under which a service ends early, mostly with a failure. The model
// decides by itself whether the condition is true; its position among the others comes from the
// service's row, the only list that states the order (nt.Meta). The order itself has two checks:
// TestServiceConditionsHaveDocumentedOrder compares the rows with the documents, and package refusals
// compares the kernel with the rows.
type refusal struct {
	rule, text string // find the condition: text is a part of When
	ends       func() (Result, bool)
	at         int // the position; refuse sets it
}

// when returns the refusal of one condition: the call ends with st if holds returns true.
func when(rule, text string, st ntstatus.Status, holds func() bool) refusal {
	return ending(rule, text, failed(st), holds)
}

// ending returns the refusal of one condition that ends a call with r, such as the verdict of an access check.
func ending(rule, text string, r Result, holds func() bool) refusal {
	return refusal{rule: rule, text: text, ends: func() (Result, bool) { return r, holds() }}
}

// several returns the refusal of adjacent conditions of the row that are decided together, such as those of a
// handle. text finds the first of them.
func several(rule, text string, decide func() ntstatus.Status) refusal {
	return refusal{rule: rule, text: text, ends: func() (Result, bool) {
		st := decide()
		return failed(st), st != ntstatus.Success
	}}
}

// handle returns the three refusals of a handle parameter. It stores the handle's slot in into.
func (m *Machine) handle(c Caller, rule, parameter string, h winnt.Handle, want winnt.AccessMask,
	is func(*Slot) bool, into *Slot) refusal {
	return several(rule, parameter+" is not a valid handle", func() (st ntstatus.Status) {
		*into, st = m.reference(c, h, want, is)
		return st
	})
}

// query returns the refusals of a parameter that may be a pseudo handle of a token (O-15). It stores the token in
// into.
func (m *Machine) query(c Caller, rule, text string, h winnt.Handle, want winnt.AccessMask, into **Token) refusal {
	return several(rule, text, func() (st ntstatus.Status) {
		*into, st = m.queried(c, h, want)
		return st
	})
}

// refuse evaluates the refusals in the order of the service's conditions until one holds. It returns the result of
// that one and true, or false if none holds. It panics if the service has no such condition.
func refuse(service string, all ...refusal) (Result, bool) {
	for i := range all {
		all[i].at = position(condition{service, all[i].rule, all[i].text})
	}
	slices.SortStableFunc(all, func(a, b refusal) int { return a.at - b.at })
	for _, r := range all {
		if result, over := r.ends(); over {
			return result, true
		}
	}
	return Result{}, false
}

// positions has the position of each condition that a history asked for. It is safe for concurrent use.
var positions sync.Map // of condition

type condition struct{ service, rule, text string }

// position returns the position of a condition in the service's row.
func position(key condition) int {
	if i, ok := positions.Load(key); ok {
		return i.(int)
	}
	row := nt.NtTable.Find(key.service)
	if row == nil {
		row = kernel.Table.Find(key.service)
	}
	i := slices.IndexFunc(row.Info().Conditions, func(c nt.Condition) bool {
		return c.Rule == key.rule && strings.Contains(c.When, key.text)
	})
	if i < 0 {
		panic("model: " + key.service + " has no condition " + key.rule + " " + key.text)
	}
	positions.Store(key, i)
	return i
}
