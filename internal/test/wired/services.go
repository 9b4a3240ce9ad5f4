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

func (r remote) NtClose(in nt.CloseIn) (nt.CloseOut, ntstatus.Status) {
	return over[nt.CloseOut](r, "NtClose", in)
}

func (r remote) NtOpenProcess(in nt.OpenProcessIn) (nt.OpenProcessOut, ntstatus.Status) {
	return over[nt.OpenProcessOut](r, "NtOpenProcess", in)
}

func (r remote) NtOpenThread(in nt.OpenThreadIn) (nt.OpenThreadOut, ntstatus.Status) {
	return over[nt.OpenThreadOut](r, "NtOpenThread", in)
}

func (r remote) NtOpenFile(in nt.OpenFileIn) (nt.OpenFileOut, ntstatus.Status) {
	return over[nt.OpenFileOut](r, "NtOpenFile", in)
}

func (r remote) NtSetInformationThread(in nt.SetInformationThreadIn) (nt.SetInformationThreadOut, ntstatus.Status) {
	return over[nt.SetInformationThreadOut](r, "NtSetInformationThread", in)
}

func (r remote) NtOpenProcessToken(in nt.OpenProcessTokenIn) (nt.OpenProcessTokenOut, ntstatus.Status) {
	return over[nt.OpenProcessTokenOut](r, "NtOpenProcessToken", in)
}

func (r remote) NtOpenProcessTokenEx(in nt.OpenProcessTokenExIn) (nt.OpenProcessTokenOut, ntstatus.Status) {
	return over[nt.OpenProcessTokenOut](r, "NtOpenProcessTokenEx", in)
}

func (r remote) NtOpenThreadToken(in nt.OpenThreadTokenIn) (nt.OpenThreadTokenOut, ntstatus.Status) {
	return over[nt.OpenThreadTokenOut](r, "NtOpenThreadToken", in)
}

func (r remote) NtOpenThreadTokenEx(in nt.OpenThreadTokenExIn) (nt.OpenThreadTokenOut, ntstatus.Status) {
	return over[nt.OpenThreadTokenOut](r, "NtOpenThreadTokenEx", in)
}

func (r remote) NtDuplicateToken(in nt.DuplicateTokenIn) (nt.DuplicateTokenOut, ntstatus.Status) {
	return over[nt.DuplicateTokenOut](r, "NtDuplicateToken", in)
}

func (r remote) NtAdjustPrivilegesToken(in nt.AdjustPrivilegesTokenIn) (nt.AdjustPrivilegesTokenOut, ntstatus.Status) {
	return over[nt.AdjustPrivilegesTokenOut](r, "NtAdjustPrivilegesToken", in)
}

func (r remote) NtAdjustGroupsToken(in nt.AdjustGroupsTokenIn) (nt.AdjustGroupsTokenOut, ntstatus.Status) {
	return over[nt.AdjustGroupsTokenOut](r, "NtAdjustGroupsToken", in)
}

func (r remote) NtFilterToken(in nt.FilterTokenIn) (nt.FilterTokenOut, ntstatus.Status) {
	return over[nt.FilterTokenOut](r, "NtFilterToken", in)
}

func (r remote) NtQueryInformationToken(in nt.QueryInformationTokenIn) (nt.QueryInformationTokenOut, ntstatus.Status) {
	return over[nt.QueryInformationTokenOut](r, "NtQueryInformationToken", in)
}

func (r remote) NtPrivilegeCheck(in nt.PrivilegeCheckIn) (nt.PrivilegeCheckOut, ntstatus.Status) {
	return over[nt.PrivilegeCheckOut](r, "NtPrivilegeCheck", in)
}

func (r remote) NtAccessCheck(in nt.AccessCheckIn) (nt.AccessCheckOut, ntstatus.Status) {
	return over[nt.AccessCheckOut](r, "NtAccessCheck", in)
}

func (r remote) NtDuplicateObject(in nt.DuplicateObjectIn) (nt.DuplicateObjectOut, ntstatus.Status) {
	return over[nt.DuplicateObjectOut](r, "NtDuplicateObject", in)
}

func (r remote) NtImpersonateThread(in nt.ImpersonateThreadIn) (nt.ImpersonateThreadOut, ntstatus.Status) {
	return over[nt.ImpersonateThreadOut](r, "NtImpersonateThread", in)
}

func (r remote) NtImpersonateAnonymousToken(in nt.ImpersonateAnonymousTokenIn) (nt.ImpersonateAnonymousTokenOut,
	ntstatus.Status) {
	return over[nt.ImpersonateAnonymousTokenOut](r, "NtImpersonateAnonymousToken", in)
}

func (r remote) NtCreateMutant(in nt.CreateMutantIn) (nt.MutantOut, ntstatus.Status) {
	return over[nt.MutantOut](r, "NtCreateMutant", in)
}

func (r remote) NtReleaseMutant(in nt.ReleaseMutantIn) (nt.ReleaseMutantOut, ntstatus.Status) {
	return over[nt.ReleaseMutantOut](r, "NtReleaseMutant", in)
}

func (r remote) NtQueryMutant(in nt.QueryMutantIn) (nt.QueryMutantOut, ntstatus.Status) {
	return over[nt.QueryMutantOut](r, "NtQueryMutant", in)
}

func (r remote) NtCreateSemaphore(in nt.CreateSemaphoreIn) (nt.SemaphoreOut, ntstatus.Status) {
	return over[nt.SemaphoreOut](r, "NtCreateSemaphore", in)
}

func (r remote) NtReleaseSemaphore(in nt.ReleaseSemaphoreIn) (nt.ReleaseSemaphoreOut, ntstatus.Status) {
	return over[nt.ReleaseSemaphoreOut](r, "NtReleaseSemaphore", in)
}

func (r remote) NtQuerySemaphore(in nt.QuerySemaphoreIn) (nt.QuerySemaphoreOut, ntstatus.Status) {
	return over[nt.QuerySemaphoreOut](r, "NtQuerySemaphore", in)
}

func (r remote) NtCreateTimer(in nt.CreateTimerIn) (nt.TimerOut, ntstatus.Status) {
	return over[nt.TimerOut](r, "NtCreateTimer", in)
}

func (r remote) NtSetTimer(in nt.SetTimerIn) (nt.SetTimerOut, ntstatus.Status) {
	return over[nt.SetTimerOut](r, "NtSetTimer", in)
}

func (r remote) NtCancelTimer(in nt.CancelTimerIn) (nt.CancelTimerOut, ntstatus.Status) {
	return over[nt.CancelTimerOut](r, "NtCancelTimer", in)
}

func (r remote) NtQueryTimer(in nt.QueryTimerIn) (nt.QueryTimerOut, ntstatus.Status) {
	return over[nt.QueryTimerOut](r, "NtQueryTimer", in)
}
