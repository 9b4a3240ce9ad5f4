// Package kernel boots a refmon kernel in the calling process and hands out
// its processes and threads. It is wiring only: the parts live in
// internal/ntos, the services in package nt.
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
// Ids such as I-76 name rules, which docs/rules lists with their sources.
//
// A thread is used by one goroutine at a time; different threads may be used
// at once. [System.Close] reports what is still referenced. Guards: System.mu
// guards the list of what Close gives back; everything else is immutable.
package kernel
