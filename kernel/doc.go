// Package kernel boots a refmon kernel in the calling process and creates its processes and
// threads. It only connects the parts: these are in internal/ntos, and the services are in
// package nt.
//
//	sys := kernel.Boot(kernel.Config{})
//	defer sys.Close()
//	server, err := sys.NewProcess("fileserver", tok)
//	th, err := server.NewThread()                 // *nt.Thread: user mode, Nt* services
//	k := sys.KernelMode(th)                       // *KernelThread: Zw*, Ps*, Se* routines
//	st := k.PsImpersonateClient(k.Thread(), client, true, false, winnt.SecurityImpersonation)
//	err = k.QueueSystemWork(func(ctx context.Context, system *kernel.KernelThread,
//		requester *kernel.SubjectContext) { … })
//
// Ids such as I-76 name rules. docs/rules lists them with their sources.
//
// One goroutine uses a thread at a time. Different threads may be used concurrently.
// [System.Close] reports objects that are still referenced. Guards: System.mu guards the
// list of references that Close drops. Everything else is immutable.
//
// Unless a comment says otherwise, threads, processes and tokens in calls must not be nil.
package kernel
