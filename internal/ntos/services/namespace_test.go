package services_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Only the process that created an exclusive object, named or not, gets handles of it (O-27).
func TestExclusiveObjectIsForItsProcess(t *testing.T) {
	th := newThread(t)
	child := check.Result(th.NtCreateUserProcess(children()))
	for name, attributes := range map[string]uint32{"": 0, `\BaseNamedObjects\shared`: 0, " ": winnt.OBJ_EXCLUSIVE,
		`\BaseNamedObjects\own`: winnt.OBJ_EXCLUSIVE} {
		event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: strings.TrimSpace(name),
			Attributes: attributes}, nt.NotificationEvent, false)
		want(t, "make an event", st, ntstatus.Success)
		want(t, "a second handle", check.Status(th.NtDuplicateObject(winnt.NtCurrentProcess, event,
			winnt.NtCurrentProcess, 0, 0, winnt.DUPLICATE_SAME_ACCESS)), ntstatus.Success)
		const both = winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT
		for options, wanted := range map[uint32]ntstatus.Status{0: ntstatus.InvalidParameter,
			winnt.DUPLICATE_SAME_ATTRIBUTES: ntstatus.Success} {
			want(t, "an exclusive handle that is inherited", check.Status(th.NtDuplicateObject(winnt.NtCurrentProcess,
				event, winnt.NtCurrentProcess, 0, both, winnt.DUPLICATE_SAME_ACCESS|options)), wanted)
		}
		wanted := ntstatus.Success
		if attributes != 0 {
			wanted = ntstatus.AccessDenied
		}
		want(t, "a handle of another process", check.Status(th.NtDuplicateObject(winnt.NtCurrentProcess, event,
			child.ProcessHandle, 0, 0, winnt.DUPLICATE_SAME_ACCESS)), wanted)
	}
}

// A namedKind has the inputs of the services that create and open a named object, and a right of its type.
type namedKind struct {
	create, open any
	right        winnt.AccessMask
}

var namedKinds = map[string]namedKind{
	"DirectoryObject": {nt.CreateDirectoryObjectIn{}, nt.OpenDirectoryObjectIn{}, winnt.DIRECTORY_QUERY},
	"Event":           {nt.CreateEventIn{}, nt.OpenEventIn{}, winnt.EVENT_MODIFY_STATE},
	"JobObject":       {nt.CreateJobObjectIn{}, nt.OpenJobObjectIn{}, winnt.JOB_OBJECT_QUERY},
	"Mutant":          {nt.CreateMutantIn{}, nt.OpenMutantIn{}, winnt.MUTANT_QUERY_STATE},
	"Semaphore":       {nt.CreateSemaphoreIn{MaximumCount: 1}, nt.OpenSemaphoreIn{}, winnt.SEMAPHORE_QUERY_STATE},
	"SymbolicLinkObject": {nt.CreateSymbolicLinkObjectIn{LinkTarget: nt.Cap(`\BaseNamedObjects`)},
		nt.OpenSymbolicLinkObjectIn{}, winnt.SYMBOLIC_LINK_QUERY},
	"Timer": {nt.CreateTimerIn{}, nt.OpenTimerIn{}, winnt.TIMER_QUERY_STATE},
}

// callFor calls a service for an access mask and object attributes.
func callFor(th *nt.Thread, service string, in any, desired winnt.AccessMask,
	oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
	v := reflect.New(reflect.TypeOf(in)).Elem()
	v.Set(reflect.ValueOf(in))
	v.FieldByName("DesiredAccess").Set(reflect.ValueOf(desired))
	return (&maker{service: service, in: v.Interface(), object: *oa}).call(th, 0)
}

// createNamed creates an object of a kind and returns a handle with the kind's right.
func createNamed(th *nt.Thread, kind string, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
	return callFor(th, "NtCreate"+kind, namedKinds[kind].create, namedKinds[kind].right, oa)
}

// openNamed opens an object of a kind for the kind's right.
func openNamed(th *nt.Thread, kind string, oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
	return callFor(th, "NtOpen"+kind, namedKinds[kind].open, namedKinds[kind].right, oa)
}

// naming has the possible errors of a call that creates or opens a named object. The zero value is a valid call.
type naming struct {
	attributes                    uint32
	root                          winnt.Handle
	empty, noFolder, taken, noObj bool // an empty component, no such folder, a name in use, no such name
	desired                       winnt.AccessMask
	owner                         string
}

// call calls a service with DesiredAccess and ObjectAttributes, and the other fields of in. A valid call uses the
// name free, and used is an existing name.
func (n naming) call(th *nt.Thread, service string, in any, free, used string) (winnt.Handle, ntstatus.Status) {
	path := `\BaseNamedObjects\`
	if n.empty { // a missing component before an empty one would be found first (O-23)
		path += `\`
	}
	if n.noFolder {
		path += `none\`
	}
	switch {
	case n.taken:
		path += used
	case n.noObj:
		path += "none"
	default:
		path += free
	}
	return callFor(th, service, in, n.desired, &nt.ObjectAttributes{ObjectName: path, RootDirectory: n.root,
		Attributes: n.attributes, SecurityDescriptor: sddl.MustParse(n.owner + "D:(A;;GA;;;WD)")})
}

// namingErrors returns the errors of O-22 that are checked before the request itself, in their order.
func namingErrors(foreign winnt.AccessMask) []rung[naming] {
	return []rung[naming]{
		{"an unknown attribute", ntstatus.InvalidParameter, func(n *naming) { n.attributes |= 1 }},
		{"OBJ_EXCLUSIVE with OBJ_INHERIT", ntstatus.InvalidParameter,
			func(n *naming) { n.attributes |= winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT }},
		{"the root directory", ntstatus.InvalidHandle, func(n *naming) { n.root = 0x7770 }},
		{"an empty component", ntstatus.ObjectNameInvalid, func(n *naming) { n.empty = true }},
		{"a reserved bit", ntstatus.AccessDenied, func(n *naming) { n.desired |= 0x00400000 }},
		{"the SACL", ntstatus.PrivilegeNotHeld, func(n *naming) { n.desired |= winnt.ACCESS_SYSTEM_SECURITY }},
		{"the folder", ntstatus.ObjectPathNotFound, func(n *naming) { n.noFolder = true }},
		{"", ntstatus.AccessDenied, func(n *naming) { n.desired |= foreign }},
	}
}

// makeOther makes the object "other", which is of another kind.
func makeOther(t *testing.T, th *nt.Thread, kind string) {
	t.Helper()
	other := "Event"
	if kind == "Event" {
		other = "Timer"
	}
	want(t, "make another", check.Status(createNamed(th, other, named(`\BaseNamedObjects\other`))), ntstatus.Success)
}

// checkNewHandle checks that a call that failed left the process its handles, and that another gave it one with
// exactly the requested right.
func checkNewHandle(t *testing.T, th *nt.Thread, h winnt.Handle, st ntstatus.Status, had map[winnt.Handle]string,
	right winnt.AccessMask) {
	t.Helper()
	now := handles(t, th)
	if st != ntstatus.Success {
		check.That(t, maps.Equal(now, had), "%v left handles %v, want %v unchanged", st, now, had)
		return
	}
	check.That(t, now[h] == fmt.Sprintf("%v 0x0", right) && len(now) == len(had)+1,
		"the new handle grants %s and the process has %d handles, want %v and %d", now[h], len(now), right, len(had)+1)
}

// testOpen tests a service that opens a named object: the errors of O-22 and O-33 in order, and that the handle has
// exactly the requested rights.
func testOpen(t *testing.T, kind string) {
	in, right := namedKinds[kind].open, namedKinds[kind].right
	w, th, k := newProcess(t, winnt.SeChangeNotifyPrivilege, winnt.SeImpersonatePrivilege)
	first := check.Result(createNamed(th, kind, named(`\BaseNamedObjects\x`)))
	makeOther(t, th, kind)
	had := handles(t, th)
	service := "NtOpen" + kind
	open := func(n naming) (winnt.Handle, ntstatus.Status) { return n.call(th, service, in, "x", "other") }
	rungs := namingErrors(0x8000)
	last := rungs[len(rungs)-1]
	last.name = "a right that the type does not have"
	rungs = append(rungs[:len(rungs)-1],
		rung[naming]{"the name", ntstatus.ObjectNameNotFound, func(n *naming) { n.noObj = true }},
		rung[naming]{"the type", ntstatus.ObjectTypeMismatch, func(n *naming) { n.taken = !n.noObj }}, last)
	checkOrder(t, service, naming{desired: right}, func(n naming) ntstatus.Status {
		h, st := open(n)
		checkNewHandle(t, th, h, st, had, right)
		if st == ntstatus.Success {
			want(t, "the same object", th.NtCompareObjects(first, h), ntstatus.Success)
			check.Success(t, th.NtClose(h))
		}
		return st
	}, rungs)
	v := reflect.New(reflect.TypeOf(in)).Elem()
	for wanted, a := range map[ntstatus.Status]nt.Captured[*nt.ObjectAttributes]{ntstatus.InvalidParameter: {},
		ntstatus.AccessViolation: {Status: ntstatus.AccessViolation}} {
		v.FieldByName("ObjectAttributes").Set(reflect.ValueOf(a))
		_, st := th.CallRow(nt.NtTable.Find(service), v.Interface())
		want(t, "O-22: missing or unreadable attributes", st, wanted)
	}
	want(t, "O-90: no access requested", check.Status(open(naming{})), ntstatus.AccessDenied)
	w.impersonate(k, client, winnt.SecurityIdentification)
	want(t, "I-1: below SecurityImpersonation", check.Status(open(naming{desired: right})),
		ntstatus.BadImpersonationLevel)
	k.PsRevertToSelf()
	if h, st := createNamed(th, kind, &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\closed`,
		SecurityDescriptor: sddl.MustParse("D:")}); st != ntstatus.Success || h == 0 {
		t.Errorf("creating an object with an empty DACL: %v, want success and a handle", st)
	}
	_, st := naming{desired: right}.call(th, service, in, "closed", "")
	want(t, "O-33: the descriptor refuses", st, ntstatus.AccessDenied)
}

// testCreate tests a service that creates a named object: the errors of O-22 in order, OBJ_OPENIF on an existing
// name, and that the creator gets the requested rights.
func testCreate(t *testing.T, kind string) {
	in, right := namedKinds[kind].create, namedKinds[kind].right
	th := newThread(t, winnt.SeChangeNotifyPrivilege)
	used := check.Result(createNamed(th, kind, named(`\BaseNamedObjects\used`)))
	makeOther(t, th, kind)
	had := handles(t, th)
	service := "NtCreate" + kind
	create := func(n naming) (winnt.Handle, ntstatus.Status) { return n.call(th, service, in, "x", "used") }
	rungs := namingErrors(0x8000)
	permanent := rung[naming]{"OBJ_PERMANENT", ntstatus.PrivilegeNotHeld,
		func(n *naming) { n.attributes |= winnt.OBJ_PERMANENT }}
	last := rungs[len(rungs)-1]
	last.name = "a right that the type does not have"
	rungs = append(slices.Insert(rungs[:len(rungs)-1], 5, permanent),
		rung[naming]{"the name", ntstatus.ObjectNameCollision, func(n *naming) { n.taken = true }}, last,
		rung[naming]{"the owner", ntstatus.InvalidOwner, func(n *naming) { n.owner = "O:SY" }})
	checkOrder(t, service, naming{desired: right}, func(n naming) ntstatus.Status {
		h, st := create(n)
		checkNewHandle(t, th, h, st, had, right)
		if st == ntstatus.Success {
			want(t, "another object", th.NtCompareObjects(used, h), ntstatus.NotSameObject)
			check.Success(t, th.NtClose(h))
		}
		return st
	}, rungs)
	_, st := naming{desired: right, attributes: winnt.OBJ_OPENIF}.call(th, service, in, "other", "")
	want(t, "O-161: the name of another type", st, ntstatus.ObjectTypeMismatch)
	h, st := create(naming{desired: right, attributes: winnt.OBJ_OPENIF, taken: true})
	want(t, "O-23: OBJ_OPENIF opens the existing object", st, ntstatus.ObjectNameExists)
	want(t, "the same object", th.NtCompareObjects(used, h), ntstatus.Success)
}

func TestNtCreateDirectoryObject(t *testing.T)    { testCreate(t, "DirectoryObject") }
func TestNtOpenDirectoryObject(t *testing.T)      { testOpen(t, "DirectoryObject") }
func TestNtCreateEvent(t *testing.T)              { testCreate(t, "Event") }
func TestNtOpenEvent(t *testing.T)                { testOpen(t, "Event") }
func TestNtCreateSymbolicLinkObject(t *testing.T) { testCreate(t, "SymbolicLinkObject") }
func TestNtOpenSymbolicLinkObject(t *testing.T)   { testOpen(t, "SymbolicLinkObject") }
