package kernel_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Work items run in the order they were queued, each on a system thread with the subject context of its queueing. The
// system releases the contexts (I-49).
func TestWorkItemsRunInOrder(t *testing.T) {
	synctest.Test(t, testWorkItemsRunInOrder)
}

func testWorkItemsRunInOrder(t *testing.T) {
	b := newBench(t)
	var got []winnt.LUID
	for i := range 3 {
		if i == 1 {
			b.k.PsImpersonateClient(b.k.Thread(), b.client, false, false, winnt.SecurityImpersonation)
		}
		err := b.k.QueueSystemWork(func(_ context.Context, worker *kernel.KernelThread,
			requester *kernel.SubjectContext) {
			if !worker.Thread().IsSystemThread() || worker.Thread().IsImpersonating() {
				t.Errorf("work runs on a system thread: %t, impersonating: %t; want true, false",
					worker.Thread().IsSystemThread(), worker.Thread().IsImpersonating())
			}
			got = append(got, requester.Token().ID())
			// The system ends this impersonation after the item.
			check.Equal(t, worker.PsImpersonateClient(worker.Thread(), b.client, false, false,
				winnt.SecurityImpersonation), ntstatus.Success, "PsImpersonateClient in a work item")
		})
		check.NoError(t, err)
		if i == 1 {
			b.k.PsRevertToSelf()
			synctest.Wait() // the queue is empty, and begins again
		}
	}
	synctest.Wait()
	check.RequireThat(t, len(got) == 3, "%d items have run, want 3", len(got))
	check.That(t, got[0] == got[2] && got[1] == b.client.ID() && got[0] != got[1],
		"tokens of the three requesters: %v; want the process, the client %v, the process", got, b.client.ID())
}

// A full queue rejects items. Close drops items that have not started, and nothing leaks (I-49).
func TestFullWorkQueueRejectsItem(t *testing.T) {
	b := newBench(t)
	started, ran := make(chan struct{}), 0
	err := b.k.QueueSystemWork(func(ctx context.Context, _ *kernel.KernelThread, _ *kernel.SubjectContext) {
		close(started)
		<-ctx.Done() // until Close cancels it
		ran++
	})
	check.NoError(t, err)
	<-started
	nothing := func(context.Context, *kernel.KernelThread, *kernel.SubjectContext) { ran += 1000 }
	taken := 0
	for ; err == nil; taken++ {
		check.RequireThat(t, taken <= 100_000, "QueueSystemWork accepted %d items, want an error at the limit", taken)
		err = b.k.QueueSystemWork(nothing)
	}
	check.That(t, taken-1 == 1024, "%d items wait in a full queue, want 1024", taken-1)
	check.RequireThat(t, errors.Is(err, kernel.ErrWorkQueueFull),
		"QueueSystemWork of a full queue: %v, want %v", err, kernel.ErrWorkQueueFull)
	check.NoError(t, b.closeNow())
	check.That(t, ran == 1, "ran = %d after Close, want 1: only the item that had started", ran)
	check.ErrorIs(t, b.k.QueueSystemWork(nothing), kernel.ErrSystemClosed, "QueueSystemWork after Close")
}

// QueueSystemWork returns an error if the System process has ended, so that no thread can run the work (I-49).
func TestQueueSystemWorkFailsWithoutSystemProcess(t *testing.T) {
	b := newBench(t)
	worker := check.Must(b.sys.SystemThread())
	worker.Thread().Process().Exit()
	err := b.k.QueueSystemWork(func(context.Context, *kernel.KernelThread, *kernel.SubjectContext) {
		t.Error("the work ran, want it rejected")
	})
	check.That(t, errors.Is(err, ntstatus.ProcessIsTerminating.Err()),
		"QueueSystemWork without a System process: %v, want %v", err, ntstatus.ProcessIsTerminating)
}

// If threads queue work while the system closes, no item runs after Close and no reference leaks (I-49).
func TestNoWorkRunsAfterClose(t *testing.T) {
	for range 20 {
		b := newBench(t)
		var wg sync.WaitGroup
		for range 4 {
			k := b.sys.KernelMode(check.Must(b.p.NewThread()))
			wg.Go(func() {
				for range 50 {
					if k.QueueSystemWork(func(context.Context, *kernel.KernelThread,
						*kernel.SubjectContext) {
					}) != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		check.NoError(t, b.closeNow())
	}
}

// Close waits a limited time for the running item. An item that ignores its cancellation is an error (I-49).
func TestCloseReportsEndlessWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		end, ended := make(chan struct{}), make(chan struct{})
		check.NoError(t, b.k.QueueSystemWork(func(context.Context, *kernel.KernelThread, *kernel.SubjectContext) {
			defer close(ended)
			<-end
		}))
		synctest.Wait() // the item has begun
		err := b.closeNow()
		check.That(t, err != nil && strings.Contains(err.Error(), "still runs"), "Close with endless work: %v", err)
		check.NoError(t, b.sys.Close()) // once
		close(end)
		<-ended
	})
}
