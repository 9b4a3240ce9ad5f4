package wired

import (
	"fmt"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Services returns the services of a kernel's thread as its program has them over a
// connection: those that the histories of package model call. Any other one panics.
func (c *Connections) Services(p *kernel.Process, th *nt.Thread) (nt.Services, error) {
	if c.of[p] == nil {
		if _, err := c.Attach(p, th); err != nil {
			return nil, err
		}
	}
	k := c.of[p]
	maker, ok := k.conn.(interface{ NewTransport() (nt.Transport, error) })
	if !ok {
		return nil, fmt.Errorf("%T has threads without transports", k.conn)
	}
	k.process.next <- th
	over, err := maker.NewTransport()
	return remote{over: over}, err
}

// remote calls services over a connection.
type remote struct {
	nt.Services
	over nt.Transport
}

// over calls a service over the connection and returns its output and status. It panics if the output has another
// type, so that a broken connection ends the test.
func over[O any](r remote, name string, in any) (O, ntstatus.Status) {
	out, st, _ := r.over.Call(nt.NtTable.Find(name), in, false)
	return out.(O), st
}

// SaveImpersonation implements [nt.Services], as the methods below do.
func (r remote) SaveImpersonation() nt.Ticket {
	k, _ := r.over.SaveImpersonation()
	return k
}

// RestoreImpersonation puts an impersonation back.
func (r remote) RestoreImpersonation(k nt.Ticket) { r.over.RestoreImpersonation(k) }

// NtClose calls the service over the connection and returns its output and status.
func (r remote) NtClose(in nt.CloseIn) (nt.CloseOut, ntstatus.Status) {
	return over[nt.CloseOut](r, "NtClose", in)
}

// NtOpenProcess calls the service over the connection and returns its output and status.
func (r remote) NtOpenProcess(in nt.OpenProcessIn) (nt.OpenProcessOut, ntstatus.Status) {
	return over[nt.OpenProcessOut](r, "NtOpenProcess", in)
}

// NtOpenThread calls the service over the connection and returns its output and status.
func (r remote) NtOpenThread(in nt.OpenThreadIn) (nt.OpenThreadOut, ntstatus.Status) {
	return over[nt.OpenThreadOut](r, "NtOpenThread", in)
}

// NtOpenFile calls the service over the connection and returns its output and status.
func (r remote) NtOpenFile(in nt.OpenFileIn) (nt.OpenFileOut, ntstatus.Status) {
	return over[nt.OpenFileOut](r, "NtOpenFile", in)
}

// NtSetInformationThread calls the service over the connection and returns its output and status.
func (r remote) NtSetInformationThread(in nt.SetInformationThreadIn) (nt.SetInformationThreadOut, ntstatus.Status) {
	return over[nt.SetInformationThreadOut](r, "NtSetInformationThread", in)
}

// NtOpenProcessToken calls the service over the connection and returns its output and status.
func (r remote) NtOpenProcessToken(in nt.OpenProcessTokenIn) (nt.OpenProcessTokenOut, ntstatus.Status) {
	return over[nt.OpenProcessTokenOut](r, "NtOpenProcessToken", in)
}

// NtOpenProcessTokenEx calls the service over the connection and returns its output and status.
func (r remote) NtOpenProcessTokenEx(in nt.OpenProcessTokenExIn) (nt.OpenProcessTokenOut, ntstatus.Status) {
	return over[nt.OpenProcessTokenOut](r, "NtOpenProcessTokenEx", in)
}

// NtOpenThreadToken calls the service over the connection and returns its output and status.
func (r remote) NtOpenThreadToken(in nt.OpenThreadTokenIn) (nt.OpenThreadTokenOut, ntstatus.Status) {
	return over[nt.OpenThreadTokenOut](r, "NtOpenThreadToken", in)
}

// NtOpenThreadTokenEx calls the service over the connection and returns its output and status.
func (r remote) NtOpenThreadTokenEx(in nt.OpenThreadTokenExIn) (nt.OpenThreadTokenOut, ntstatus.Status) {
	return over[nt.OpenThreadTokenOut](r, "NtOpenThreadTokenEx", in)
}

// NtDuplicateToken calls the service over the connection and returns its output and status.
func (r remote) NtDuplicateToken(in nt.DuplicateTokenIn) (nt.DuplicateTokenOut, ntstatus.Status) {
	return over[nt.DuplicateTokenOut](r, "NtDuplicateToken", in)
}

// NtAdjustPrivilegesToken calls the service over the connection and returns its output and status.
func (r remote) NtAdjustPrivilegesToken(in nt.AdjustPrivilegesTokenIn) (nt.AdjustPrivilegesTokenOut, ntstatus.Status) {
	return over[nt.AdjustPrivilegesTokenOut](r, "NtAdjustPrivilegesToken", in)
}

// NtAdjustGroupsToken calls the service over the connection and returns its output and status.
func (r remote) NtAdjustGroupsToken(in nt.AdjustGroupsTokenIn) (nt.AdjustGroupsTokenOut, ntstatus.Status) {
	return over[nt.AdjustGroupsTokenOut](r, "NtAdjustGroupsToken", in)
}

// NtFilterToken calls the service over the connection and returns its output and status.
func (r remote) NtFilterToken(in nt.FilterTokenIn) (nt.FilterTokenOut, ntstatus.Status) {
	return over[nt.FilterTokenOut](r, "NtFilterToken", in)
}

// NtQueryInformationToken calls the service over the connection and returns its output and status.
func (r remote) NtQueryInformationToken(in nt.QueryInformationTokenIn) (nt.QueryInformationTokenOut, ntstatus.Status) {
	return over[nt.QueryInformationTokenOut](r, "NtQueryInformationToken", in)
}

// NtPrivilegeCheck calls the service over the connection and returns its output and status.
func (r remote) NtPrivilegeCheck(in nt.PrivilegeCheckIn) (nt.PrivilegeCheckOut, ntstatus.Status) {
	return over[nt.PrivilegeCheckOut](r, "NtPrivilegeCheck", in)
}

// NtAccessCheck calls the service over the connection and returns its output and status.
func (r remote) NtAccessCheck(in nt.AccessCheckIn) (nt.AccessCheckOut, ntstatus.Status) {
	return over[nt.AccessCheckOut](r, "NtAccessCheck", in)
}

// NtDuplicateObject calls the service over the connection and returns its output and status.
func (r remote) NtDuplicateObject(in nt.DuplicateObjectIn) (nt.DuplicateObjectOut, ntstatus.Status) {
	return over[nt.DuplicateObjectOut](r, "NtDuplicateObject", in)
}

// NtImpersonateThread calls the service over the connection and returns its output and status.
func (r remote) NtImpersonateThread(in nt.ImpersonateThreadIn) (nt.ImpersonateThreadOut, ntstatus.Status) {
	return over[nt.ImpersonateThreadOut](r, "NtImpersonateThread", in)
}

// NtImpersonateAnonymousToken calls the service over the connection and returns its output and status.
func (r remote) NtImpersonateAnonymousToken(in nt.ImpersonateAnonymousTokenIn) (nt.ImpersonateAnonymousTokenOut,
	ntstatus.Status) {
	return over[nt.ImpersonateAnonymousTokenOut](r, "NtImpersonateAnonymousToken", in)
}

// NtCreateMutant calls the service over the connection and returns its output and status.
func (r remote) NtCreateMutant(in nt.CreateMutantIn) (nt.MutantOut, ntstatus.Status) {
	return over[nt.MutantOut](r, "NtCreateMutant", in)
}

// NtReleaseMutant calls the service over the connection and returns its output and status.
func (r remote) NtReleaseMutant(in nt.ReleaseMutantIn) (nt.ReleaseMutantOut, ntstatus.Status) {
	return over[nt.ReleaseMutantOut](r, "NtReleaseMutant", in)
}

// NtQueryMutant calls the service over the connection and returns its output and status.
func (r remote) NtQueryMutant(in nt.QueryMutantIn) (nt.QueryMutantOut, ntstatus.Status) {
	return over[nt.QueryMutantOut](r, "NtQueryMutant", in)
}

// NtCreateSemaphore calls the service over the connection and returns its output and status.
func (r remote) NtCreateSemaphore(in nt.CreateSemaphoreIn) (nt.SemaphoreOut, ntstatus.Status) {
	return over[nt.SemaphoreOut](r, "NtCreateSemaphore", in)
}

// NtReleaseSemaphore calls the service over the connection and returns its output and status.
func (r remote) NtReleaseSemaphore(in nt.ReleaseSemaphoreIn) (nt.ReleaseSemaphoreOut, ntstatus.Status) {
	return over[nt.ReleaseSemaphoreOut](r, "NtReleaseSemaphore", in)
}

// NtQuerySemaphore calls the service over the connection and returns its output and status.
func (r remote) NtQuerySemaphore(in nt.QuerySemaphoreIn) (nt.QuerySemaphoreOut, ntstatus.Status) {
	return over[nt.QuerySemaphoreOut](r, "NtQuerySemaphore", in)
}

// NtCreateTimer calls the service over the connection and returns its output and status.
func (r remote) NtCreateTimer(in nt.CreateTimerIn) (nt.TimerOut, ntstatus.Status) {
	return over[nt.TimerOut](r, "NtCreateTimer", in)
}

// NtSetTimer calls the service over the connection and returns its output and status.
func (r remote) NtSetTimer(in nt.SetTimerIn) (nt.SetTimerOut, ntstatus.Status) {
	return over[nt.SetTimerOut](r, "NtSetTimer", in)
}

// NtCancelTimer calls the service over the connection and returns its output and status.
func (r remote) NtCancelTimer(in nt.CancelTimerIn) (nt.CancelTimerOut, ntstatus.Status) {
	return over[nt.CancelTimerOut](r, "NtCancelTimer", in)
}

// NtQueryTimer calls the service over the connection and returns its output and status.
func (r remote) NtQueryTimer(in nt.QueryTimerIn) (nt.QueryTimerOut, ntstatus.Status) {
	return over[nt.QueryTimerOut](r, "NtQueryTimer", in)
}
