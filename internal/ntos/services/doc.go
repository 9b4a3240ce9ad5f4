// Package services implements the Nt* services, one file per group, as methods of a [Context]. A Context is one
// thread in one previous mode, user or kernel. [nt.NtTable] lists the statuses of each service.
//
// Each service has the same four steps, named by comments: capture (copy and
// validate parameters, touch no state), reference (handles to objects), decide
// (pure functions over snapshots), commit (cannot fail). The failing branches
// cite the rule that decides them, and [ob.Caller.Fail] records it for the tracer.
//
//	ctx := services.NewContext(sys, thread, access.User)
//	th := nt.NewThread(ctx, thread.Name())
//
// A Context is owned by the goroutine that runs its thread.
package services
