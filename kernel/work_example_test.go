package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A driver examines its caller, and leaves work that needs the system's rights to a system thread.
func ExampleKernelThread_QueueSystemWork() {
	sys := kernel.Boot(kernel.Config{})
	th := start(sys, "client", `{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"privileges":["SeChangeNotifyPrivilege"]}`)
	k := sys.KernelMode(th)

	// A handle to the caller's token that the caller cannot use.
	h, st := k.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, winnt.OBJ_KERNEL_HANDLE)
	fmt.Println(st, th.NtClose(h))
	k.ZwClose(h)
	_, st = k.ZwOpenThreadTokenEx(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true, winnt.OBJ_KERNEL_HANDLE)
	fmt.Println(st)

	state := k.SeCreateAccessState(winnt.FILE_TRAVERSE, &winnt.DirectoryFileObject.Mapping)
	d := sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")
	fmt.Println(k.SeFastTraverseCheck(d, state, winnt.FILE_TRAVERSE, access.User), state.TraversePrivilege)
	k.SeDeleteAccessState(state)

	done := make(chan struct{})
	work := func(_ context.Context, worker *kernel.KernelThread, requester *kernel.SubjectContext) {
		subject := requester.Subject()
		fmt.Println("for", subject.Effective().User().SID)
		close(done)
	}
	err := k.QueueSystemWork(work)
	<-done
	fmt.Println(err, errors.Is(err, kernel.ErrWorkQueueFull))
	if err := sys.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(k.QueueSystemWork(work), kernel.ErrSystemClosed))
	// Output:
	// STATUS_SUCCESS STATUS_INVALID_HANDLE
	// STATUS_NO_TOKEN
	// true true
	// for S-1-5-21-1-2-3-1107
	// <nil> false
	// true
}

// A server with many clients has a thread for each. A context with dynamic tracking is updated before each use.
func ExampleSystem_Spawn() {
	sys := kernel.Boot(kernel.Config{})
	defer sys.Close()
	server := start(sys, "server", `{"user":"NS","groups":["WD"],"privileges":["SeImpersonatePrivilege"]}`)
	client := start(sys, "client",
		`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"privileges":["SeChangeNotifyPrivilege"]}`)
	worker, err := sys.Spawn(server)
	if err != nil {
		log.Fatal(err)
	}
	k := sys.KernelMode(worker)
	context, st := k.SeCreateClientSecurity(sys.ThreadObject(client), nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation, ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}, false)
	if !st.IsSuccess() {
		log.Fatal(st)
	}
	defer k.SeDeleteClientSecurity(context)
	own, _ := client.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
	client.NtAdjustPrivilegesToken(own, true, nil, false) // the same token with other privileges
	changed, another, st := k.SeUpdateClientSecurity(sys.ThreadObject(client), context)
	fmt.Println(changed, another, st)
	fmt.Println(k.SeImpersonateClientEx(context, nil), worker.Name())
	// Output:
	// true false STATUS_SUCCESS
	// STATUS_SUCCESS server/2
}
