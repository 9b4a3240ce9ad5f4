package model

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// duplicateObject draws a call of NtDuplicateObject between two processes.
func duplicateObject(p *Pair, c *call, a *args) bool {
	c.mode(a)
	from, to := p.handle(c, a, isProcess, winnt.NtCurrentProcess), p.handle(c, a, isProcess, winnt.NtCurrentProcess)
	if a.coin(12) {
		to = 0
	}
	h := p.handle(c, a, (*Slot).used, winnt.NtCurrentProcess, winnt.NtCurrentThread)
	desired, attributes := tokenMask(a), choose[uint32](a, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_PROTECT_CLOSE, 0x22)
	options := choose[uint32](a, 0, winnt.DUPLICATE_SAME_ACCESS, winnt.DUPLICATE_SAME_ACCESS,
		winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_CLOSE_SOURCE,
		winnt.DUPLICATE_CLOSE_SOURCE, winnt.DUPLICATE_SAME_ATTRIBUTES)
	c.duplicates = true
	c.closes = options&winnt.DUPLICATE_CLOSE_SOURCE != 0
	target := p.objects[c.thread].Process()
	if s, st := p.M.reference(p.caller(c), to, 0, isProcess); st == 0 {
		target = p.processes[slices.Index(p.M.Processes, s.Process)].Object()
	}
	c.text = fmt.Sprintf("%s(from %s, %s, to %s, %#x, %#x, options %d)", c.name("DuplicateObject"), from, h, to,
		uint32(desired), attributes, options)
	c.model = func() Result { return p.M.DuplicateObject(p.caller(c), from, h, to, desired, attributes, options) }
	c.kernel = func() Result {
		out, st := p.services(c).NtDuplicateObject(nt.DuplicateObjectIn{SourceProcessHandle: from, SourceHandle: h,
			TargetProcessHandle: to, DesiredAccess: desired, HandleAttributes: attributes,
			Options: nt.DuplicateOptions(options)})
		r := Result{Status: st}
		if st.IsSuccess() && to != 0 {
			r.Handle = out.TargetHandle
			r.Token, r.Granted, _ = p.named(target, r.Handle)
		}
		return r
	}
	return true
}

// openFile draws a call of NtOpenFile for one of the files.
func openFile(p *Pair, c *call, a *args) bool {
	c.mode(a)
	f, desired := choose(a, p.M.Files...), fileMask(a)
	c.text = fmt.Sprintf("%s(%q, %#x)", c.name("OpenFile"), f.Name, uint32(desired))
	c.model = func() Result { return p.M.OpenFile(p.caller(c), f, desired) }
	c.kernel = func() Result {
		out, st := p.services(c).NtOpenFile(nt.OpenFileIn{DesiredAccess: desired,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: f.Name})})
		return p.result(c, out.FileHandle, st)
	}
	return true
}

// openByID draws a call of NtOpenProcess or NtOpenThread.
func openByID(p *Pair, c *call, a *args) bool {
	c.mode(a)
	thread := a.coin(2)
	desired := choose[winnt.AccessMask](a, 0x40, 0xC0, 0x1400, 0x1FFFFF, maximum, winnt.GENERIC_READ, 0x1000,
		saclBit|0x40, 0)
	attributes := choose[uint32](a, 0, 0, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, 0x10, 0x2000, 0x22)
	id := nt.ClientID{UniqueProcess: choose(a, p.M.Processes...).ID + winnt.Handle(a.n(4))}
	if thread {
		t := choose(a, p.M.Threads...)
		id.UniqueThread = t.ID + winnt.Handle(a.n(4))
		if !a.coin(4) {
			id.UniqueProcess = choose(a, 0, t.Process.ID, t.Process.ID+1)
		}
	}
	if a.coin(12) {
		id = nt.ClientID{UniqueProcess: 0x7000, UniqueThread: 0x7000}
	}
	c.text = fmt.Sprintf("%s(%#x, %#x, id %+v)", c.name(map[bool]string{true: "OpenThread", false: "OpenProcess"}[thread]),
		uint32(desired), attributes, id)
	oa := nt.Cap(&nt.ObjectAttributes{Attributes: attributes})
	c.model = func() Result { return p.M.OpenByID(p.caller(c), id, thread, desired, attributes) }
	c.kernel = func() Result {
		if thread {
			out, st := p.services(c).NtOpenThread(nt.OpenThreadIn{DesiredAccess: desired, ObjectAttributes: oa,
				ClientID: nt.Cap(&id)})
			return p.result(c, out.ThreadHandle, st)
		}
		out, st := p.services(c).NtOpenProcess(nt.OpenProcessIn{DesiredAccess: desired, ObjectAttributes: oa,
			ClientID: nt.Cap(&id)})
		return p.result(c, out.ProcessHandle, st)
	}
	return true
}

// closeHandle draws a call of NtClose, mostly for a handle that is open.
func closeHandle(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.handle(c, a, (*Slot).used)
	c.text = fmt.Sprintf("%s(%s)", c.name("Close"), h)
	c.model = func() Result { return p.M.Close(p.caller(c), h) }
	c.kernel = func() Result {
		_, st := p.services(c).NtClose(nt.CloseIn{Handle: h})
		return Result{Status: st}
	}
	return true
}
