//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// rmCreateSystemThread implements PsCreateSystemThread: it creates a thread object and a handle to it. Without a
// process handle the thread belongs to the System process. A process that has ended is
// STATUS_PROCESS_IS_TERMINATING. If no handle can be made, the thread ends. The new pthread in the C code uses the
// thread number that the call writes.
func rmCreateSystemThread(c *call) uint64 {
	out, client, number := c.ptr(0), c.ptr(4), c.ptr(5)
	attributes := c.attributes(2)
	st := firstFailure(c.ProbeHandle(out), attributes.Status)
	if client != 0 {
		st = firstFailure(st, c.Probe(client, 16, 4))
	}
	if st != ntstatus.Success {
		return status(st)
	}
	k := c.face.k
	process := k.Thread().Process().System().SystemProcess()
	if h := c.handle(3); h != 0 {
		o, _, st := k.ObReferenceObjectByHandle(h, winnt.PROCESS_CREATE_THREAD, winnt.ProcessObject, kernel.KernelMode)
		if st != ntstatus.Success {
			return status(st)
		}
		defer k.ObDereferenceObject(o)
		process = o.(*kernel.EProcess)
	}
	s, _ := embedded()
	t, err := s.SystemThreadOf(process)
	if err != nil {
		return status(ntstatus.ProcessIsTerminating)
	}
	f := newFace(t, new(marshal.Memory))
	var flags uint32
	if attributes.V != nil {
		flags = attributes.V.Attributes
	}
	h, st := k.ObOpenObjectByPointer(t.Thread(), flags, c.mask(1), winnt.ThreadObject, kernel.KernelMode)
	if st != ntstatus.Success {
		f.sys.EndThread()
		return status(st)
	}
	c.write(out, le.AppendUint64(nil, uint64(h)))
	if client != 0 {
		c.write(client, le.AppendUint64(le.AppendUint64(nil, uint64(process.ID())), uint64(t.Thread().ID())))
	}
	c.write(number, le.AppendUint64(nil, register(&f.thread)))
	return status(st)
}

// rmEndSystemThread releases the thread object of PsCreateSystemThread if its pthread could not be started.
func rmEndSystemThread(c *call) uint64 {
	n, st := c.ReadU64(c.ptr(0))
	if st == ntstatus.Success {
		detach(n)
	}
	return status(st)
}
