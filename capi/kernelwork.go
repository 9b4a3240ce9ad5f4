//go:build cgo && linux

package main

/*
#include "enter.h"
*/
import "C"

import (
	"context"
	"sync"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
)

// workItem is a routine of the program, queued for the System process, and its two arguments. call is a C function that
// calls it with the right calling convention.
type workItem struct{ call, routine, a, b user }

// work is the queue of the program's items. While it has items, the kernel's own queue holds only one entry for all of
// them, so that the items cannot fill it.
var work struct {
	sync.Mutex
	items  []workItem // guarded
	queued bool       // guarded: doWork will run, or runs
}

// rmQueueWork queues a routine of the program with two arguments. It returns STATUS_INSUFFICIENT_RESOURCES if the
// kernel's queue is full.
func rmQueueWork(c *call) uint64 {
	work.Lock()
	defer work.Unlock()
	if !work.queued {
		if err := c.face.k.QueueSystemWork(doWork); err != nil {
			return status(ntstatus.InsufficientResources)
		}
		work.queued = true
	}
	work.items = append(work.items, workItem{c.ptr(0), c.ptr(1), c.ptr(2), c.ptr(3)})
	return status(ntstatus.Success)
}

// doWork runs the items in the order in which they were queued, in a thread of the System process. There the Nt
// functions run with previous mode kernel too (I-49). It ends the program if an item returns while it impersonates.
func doWork(_ context.Context, worker *kernel.KernelThread, _ *kernel.SubjectContext) {
	id := register(&newFace(worker, new(marshal.Memory)).thread)
	defer unregister(id)
	for {
		work.Lock()
		if len(work.items) == 0 {
			work.queued, work.items = false, nil
			work.Unlock()
			return
		}
		w := work.items[0]
		work.items = work.items[1:]
		work.Unlock()
		C.rm_run_as(C.uint64_t(id), C.uintptr_t(w.call), C.uintptr_t(w.routine), C.uintptr_t(w.a), C.uintptr_t(w.b))
		if worker.Thread().IsImpersonating() {
			die("the work item at %#x returned while it impersonates: it must call PsRevertToSelf", uintptr(w.routine))
		}
	}
}
