// Package nt is the face of the kernel for user mode: the Nt* services under
// their documented names, on a [Thread].
//
// One table, [Table], holds a row for each service: its name and number, its
// In and Out types, how complete it is, and every status it returns with the
// condition and the rule behind it. The table feeds local calls, the call
// tracer, the script bindings, the listing of services and any transport, so
// none of them can diverge. This package imports no kernel: an implementation
// hangs on the thread as a [Services].
//
//	th, err := process.NewThread()                // a *kernel.Process
//	if err != nil { … }
//	h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
//	if err := st.Err(); err != nil { … }
//	defer th.NtClose(h)
//
// Ids such as I-20 name rules, which docs/rules lists with their sources.
//
// A goroutine is not a thread: a Thread is passed explicitly and used by one
// goroutine at a time. Impersonation is a property of the Thread alone and is
// never ambient. Everything else here is immutable after program start.
package nt
