package kernel_test

import (
	"fmt"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Two accounts share a named event. Its descriptor decides who can open it, a handle keeps its rights, and a
// duplicate gets more only after a check.
func Example_namedObjects() {
	sys := kernel.Boot(kernel.Config{})
	defer sys.Close()
	alice := start(sys, "alice", `{"user":"S-1-5-21-1-2-3-1001","groups":["WD"]}`)
	bob := start(sys, "bob", `{"user":"S-1-5-21-1-2-3-1002","groups":["WD"]}`)

	ready := &nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\ready`,
		SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;S-1-5-21-1-2-3-1001)(A;;GR;;;WD)")}
	h, st := alice.NtCreateEvent(winnt.EVENT_ALL_ACCESS, ready, nt.NotificationEvent, false)
	fmt.Println("alice creates:", st)

	r, st := bob.NtOpenEvent(winnt.EVENT_QUERY_STATE, ready)
	fmt.Println("bob opens to query:", st)
	_, st = bob.NtOpenEvent(winnt.EVENT_MODIFY_STATE, ready)
	fmt.Println("bob opens to modify:", st)
	_, st = bob.NtDuplicateObject(winnt.NtCurrentProcess, r, winnt.NtCurrentProcess, winnt.EVENT_MODIFY_STATE, 0, 0)
	fmt.Println("bob duplicates to modify:", st)

	st = alice.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:(A;;GA;;;WD)"))
	fmt.Println("alice opens it to all:", st)
	_, st = bob.NtDuplicateObject(winnt.NtCurrentProcess, r, winnt.NtCurrentProcess, winnt.EVENT_MODIFY_STATE, 0, 0)
	fmt.Println("bob duplicates to modify:", st)
	// Output:
	// alice creates: STATUS_SUCCESS
	// bob opens to query: STATUS_SUCCESS
	// bob opens to modify: STATUS_ACCESS_DENIED
	// bob duplicates to modify: STATUS_ACCESS_DENIED
	// alice opens it to all: STATUS_SUCCESS
	// bob duplicates to modify: STATUS_SUCCESS
}
