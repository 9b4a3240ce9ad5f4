// Package ps holds processes, threads and jobs, their ids, and the impersonation state of threads. The services and
// package kernel use it.
//
// A [Thread] impersonates through one atomic pointer to an immutable record
// {Token, CopyOnOpen, EffectiveOnly, Level}. Every reader sees one whole
// record, never a mixture of two (P-13). A replacement yields the previous
// record, whose reference is then dropped exactly once.
//
//	st := ps.ImpersonateClient(th, tok, false, false, winnt.SecurityImpersonation)
//
// Guards: System.jobs what changes a process's job or primary token; System.mu
// the ids; Process.mu the set of threads and exit; Process.token, Process.job
// and Thread.imp are atomic; Job.mu its limits.
package ps
