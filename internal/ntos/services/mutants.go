package services

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// MutantType is the object type Mutant.
var MutantType = &ob.Type{ObjectType: winnt.MutantObject}

// Mutant is an NT mutant object, a lock that one thread owns. Threads cannot wait for one, so a thread owns it at most
// once.
type Mutant struct {
	ob.Header
	owner atomic.Pointer[ps.Thread] // nil when free; compared only, no reference
}

// state returns the mutant's state as thread by sees it. A mutant whose owner has ended is free and abandoned. It
// changes nothing.
func (m *Mutant) state(by *ps.Thread) nt.MutantInformation {
	switch owner := m.owner.Load(); {
	case owner == nil:
		return nt.MutantInformation{CurrentCount: 1}
	case owner.Exited():
		// The owner ended without a release: the mutant is free and abandoned (O-136).
		return nt.MutantInformation{CurrentCount: 1, AbandonedState: true}
	default:
		return nt.MutantInformation{OwnedByCaller: owner == by}
	}
}

// NtCreateMutant creates and opens a mutant, named or not. InitialOwner has no effect on an existing mutant. With
// OBJ_OPENIF an existing mutant is opened.
func (c *Context) NtCreateMutant(in nt.CreateMutantIn) (out nt.MutantOut, st ntstatus.Status) {
	out.MutantHandle, st = c.createNamed(in.ObjectAttributes, MutantType, in.DesiredAccess,
		func(d *sd.Descriptor) ob.Object {
			m := &Mutant{}
			if in.InitialOwner {
				// The creator may own a new mutant from the start; an open of an existing one does not (O-134).
				m.owner.Store(c.self)
			}
			m.Init(MutantType, m, d)
			return m
		})
	return out, st
}

// NtOpenMutant opens a mutant by its name. A missing name is STATUS_OBJECT_NAME_NOT_FOUND, an object of another type
// STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtOpenMutant(in nt.OpenMutantIn) (out nt.MutantOut, st ntstatus.Status) {
	out.MutantHandle, st = c.openNamed(in.ObjectAttributes, MutantType, in.DesiredAccess)
	return out, st
}

// NtReleaseMutant releases a mutant that the calling thread owns. Otherwise it returns STATUS_MUTANT_NOT_OWNED. The
// handle needs no right. One release frees the mutant, because acquisitions are not counted; the result is empty.
func (c *Context) NtReleaseMutant(in nt.ReleaseMutantIn) (out nt.ReleaseMutantOut, st ntstatus.Status) {
	// reference
	m, _, st := ob.Reference[*Mutant](&c.Caller, in.MutantHandle, 0, MutantType)
	if st != ntstatus.Success {
		return out, st
	}
	defer m.Deref(ob.TagCall)
	// decide and commit
	if !m.owner.CompareAndSwap(c.self, nil) {
		// Only the thread that owns a mutant releases it, whatever its handle grants.
		return out, c.Fail("O-134", ntstatus.MutantNotOwned)
	}
	return out, ntstatus.Success
}

// exactState checks the class and length of a query of a synchronization object's state. Only class 0 exists; any other
// is STATUS_INVALID_INFO_CLASS. A length other than want is STATUS_INFO_LENGTH_MISMATCH. Otherwise it returns fault,
// the status of probing the caller's pointers.
func (c *Context) exactState(class, length, want uint32, fault ntstatus.Status) ntstatus.Status {
	switch {
	case class != 0:
		// Mutants, semaphores and timers have one information class.
		return c.Fail("O-135", ntstatus.InvalidInfoClass)
	case length != want:
		// The length must be exactly the size of the class.
		return c.Fail("O-135", ntstatus.InfoLengthMismatch)
	case fault != ntstatus.Success:
		return c.Fail("O-3", fault)
	}
	return ntstatus.Success
}

// NtQueryMutant returns the state of a mutant. The handle must grant MUTANT_QUERY_STATE. Before it another class is
// STATUS_INVALID_INFO_CLASS and then another length STATUS_INFO_LENGTH_MISMATCH.
func (c *Context) NtQueryMutant(in nt.QueryMutantIn) (out nt.QueryMutantOut, st ntstatus.Status) {
	// capture
	const size = 8 // bytes of MUTANT_BASIC_INFORMATION
	if st = c.exactState(uint32(in.MutantInformationClass), in.MutantInformationLength, size,
		in.FaultReturnLength); st != ntstatus.Success {
		return out, st
	}
	// reference
	m, _, st := ob.Reference[*Mutant](&c.Caller, in.MutantHandle, winnt.MUTANT_QUERY_STATE, MutantType)
	if st != ntstatus.Success {
		return out, st
	}
	defer m.Deref(ob.TagCall)
	out.MutantInformation, out.ReturnLength = m.state(c.self), size
	return out, ntstatus.Success
}
