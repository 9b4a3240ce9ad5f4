// Package script runs programs that call the kernel: Starlark, with every
// service a method of a thread value, under its documented name and with the
// documented parameter names as keywords.
//
//	r := script.New(script.Config{Output: os.Stdout})
//	defer r.Close()
//	err := r.Run("impersonation.star", source)
//
// Methods are not written here one by one: they come from the tables of
// packages nt and kernel, so a script can call exactly what the listing of
// services says. Each call is printed to the transcript: who called what, with
// which arguments, the status, and for a denial the rule and the entry.
//
// Beside calls a program makes what they are about: token, token_profile and
// token_with (values), token_object (an object with a descriptor of its own),
// process, file, job, the two faces of a thread (kernel_mode, system); it asks
// what no service tells (handle_information, counts, audit_records), sets what
// an administrator or a logon would (audit_policy, security_policy,
// package_directory), arms failing allocations (fault), and says what it expects
// (expect, step).
//
// A [Runner] owns one kernel and is used by one goroutine. A program cannot
// reach the file system or the network, and runs a bounded number of steps.
package script
