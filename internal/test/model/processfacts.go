package model

import (
	"fmt"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// status returns what a process ended with.
func (p *Process) status() ntstatus.Status {
	if !p.Over {
		return ntstatus.Pending
	}
	return p.Status
}

func nameSize(s string) uint32 { return 16 + 2*uint32(len(s)+1) }

// processFact returns the value that a query of a process returns for a class, and its size (U-96). exact means that
// the caller's length must equal the size.
func (p *Pair) processFact(m *Process, class nt.ProcessInfoClass) (fact any, need uint32, exact bool) {
	switch class {
	case nt.ProcessBasicInformation:
		return nt.ProcessBasic{ExitStatus: m.status(), UniqueProcessID: m.ID}, 48, true
	case nt.ProcessTimes:
		return nt.KernelUserTimes{}, 32, true
	case nt.ProcessHandleCount:
		n := uint32(0)
		for i := range m.Handles.Slots {
			n += is(m.Handles.Slots[i].used())
		}
		return n, 4, true
	case nt.ProcessImageFileName:
		return m.Name, nameSize(m.Name), false
	}
	list := []nt.ProcessHandle{}
	for i := range m.Handles.Slots {
		if s := &m.Handles.Slots[i]; s.used() {
			h := nt.ProcessHandle{HandleValue: m.Handles.value(i), HandleCount: p.M.handlesOf(s.object()),
				GrantedAccess: s.Granted, ObjectTypeIndex: s.kind().index, HandleAttributes: s.attributes()}
			if s.Token != nil {
				n, _ := p.M.References(s.Token)
				h.PointerCount = uint32(n)
			}
			list = append(list, h)
		}
	}
	return list, 16 + 40*uint32(len(list)), false
}

// threadFact does so for a thread (U-97).
func (p *Pair) threadFact(m *Thread, class nt.ThreadInfoClass) (fact any, need uint32, exact bool) {
	switch class {
	case nt.ThreadBasicInformation:
		return nt.ThreadBasic{ExitStatus: m.Process.status(),
			ClientID: nt.ClientID{UniqueProcess: m.Process.ID, UniqueThread: m.ID}}, 48, true
	case nt.ThreadTimes:
		return nt.KernelUserTimes{}, 32, true
	}
	name := m.Process.Name + "/1"
	if m.Process.Threads[0] != m {
		name = m.Process.Name + "/2"
	}
	return name, nameSize(name), false
}

// stranger clears the reference counts of objects other than tokens, which the model does not count.
func stranger(fact any) any {
	list, ok := fact.([]nt.ProcessHandle)
	for i := range list {
		if ok && list[i].ObjectTypeIndex != tokenKind.index {
			list[i].PointerCount = 0
		}
	}
	return fact
}

// queryFact models NtQueryInformationProcess and NtQueryInformationThread (U-96, U-97) with a length that
// is off by some bytes, and returns the size of the fact.
func (p *Pair) queryFact(c Caller, h winnt.Handle, thread bool, class uint32, off int32) (r Result, need uint32) {
	service, rule, parameter, want, wanted := "NtQueryInformationProcess", "U-96", "ProcessHandle",
		winnt.AccessMask(0x1000), isProcess
	switch {
	case thread:
		service, rule, parameter, want, wanted = "NtQueryInformationThread", "U-97", "ThreadHandle", 0x800, isThread
	case class == uint32(nt.ProcessHandleInformation):
		want = 0x400
	}
	var s Slot
	var fact any
	if r, over := refuse(service,
		when(rule, "class", ntstatus.InvalidInfoClass, func() bool {
			return thread && class == uint32(nt.ThreadImpersonationToken) || !thread && class == 1
		}),
		p.M.handle(c, "O-31", parameter, h, want, wanted, &s),
		refusal{rule: rule, text: "length", ends: func() (Result, bool) {
			var exact bool
			if thread {
				fact, need, exact = p.threadFact(s.Thread, nt.ThreadInfoClass(class))
			} else {
				fact, need, exact = p.processFact(s.Process, nt.ProcessInfoClass(class))
			}
			return Result{Status: ntstatus.InfoLengthMismatch, Number: uint64(need)}, off < 0 || off > 0 && exact
		}}); over {
		return r, need
	}
	return Result{Number: uint64(need), Out: fmt.Sprintf("%+v", fact)}, need
}

// queryProcess draws a query of a process or a thread.
func queryProcess(p *Pair, c *call, a *args) bool {
	c.mode(a)
	thread, off := a.coin(3), choose[int32](a, 0, 0, 0, 0, -1, 1)
	h := p.handle(c, a, isProcess, winnt.NtCurrentProcess)
	class, name := uint32(choose[nt.ProcessInfoClass](a, nt.ProcessBasicInformation, nt.ProcessTimes,
		nt.ProcessHandleCount, nt.ProcessImageFileName, nt.ProcessHandleInformation, nt.ProcessHandleInformation, 1)),
		"QueryInformationProcess"
	if thread {
		h, name = p.handle(c, a, isThread, winnt.NtCurrentThread), "QueryInformationThread"
		class = uint32(choose[nt.ThreadInfoClass](a, nt.ThreadBasicInformation, nt.ThreadTimes, nt.ThreadNameInformation,
			nt.ThreadImpersonationToken))
	}
	c.text = fmt.Sprintf("%s(%s, class %d, length %+d)", c.name(name), h, class, off)
	length := uint32(0)
	c.model = func() Result {
		r, need := p.queryFact(p.caller(c), h, thread, class, off)
		length = uint32(int32(need) + off)
		return r
	}
	c.kernel = func() Result {
		var fact any
		var r Result
		if thread {
			out, st := p.services(c).NtQueryInformationThread(nt.QueryInformationThreadIn{ThreadHandle: h,
				ThreadInformationClass: nt.ThreadInfoClass(class), ThreadInformationLength: length})
			fact, r.Status, r.Number = out.ThreadInformation, st, uint64(out.ReturnLength)
		} else {
			out, st := p.services(c).NtQueryInformationProcess(nt.QueryInformationProcessIn{ProcessHandle: h,
				ProcessInformationClass: nt.ProcessInfoClass(class), ProcessInformationLength: length})
			fact, r.Status, r.Number = out.ProcessInformation, st, uint64(out.ReturnLength)
		}
		if r.Status.IsSuccess() {
			r.Out = fmt.Sprintf("%+v", stranger(fact))
		}
		return r
	}
	return true
}
