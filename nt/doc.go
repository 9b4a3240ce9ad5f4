// Package nt is the user-mode interface of the kernel. A [Thread] has the Nt*
// services under their documented names.
//
// A [Table] has a row for each service: its name and number, its In and Out
// types, how complete it is, and each status with its condition and rule. Local
// calls, the call tracer, the script bindings, the list of services and the
// transports all use this table, so they cannot diverge. This package imports
// no kernel. Each thread has an implementation of [Services].
//
//	th, err := process.NewThread()                // a *kernel.Process
//	if err != nil { … }
//	h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
//	if err := st.Err(); err != nil { … }
//	defer th.NtClose(h)
//
// Ids such as I-20 name rules. docs/rules lists them with their sources.
//
// A goroutine is not a thread. Programs pass a Thread explicitly, and one
// goroutine uses it at a time. Impersonation is a property of the Thread only,
// never of a goroutine. Everything else in this package is immutable after
// program start.
package nt
