package ob_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// object is a test object that records its calls.
type object struct {
	ob.Header
	closed, destroyed int
}

func closeHook(o ob.Object)   { o.(*object).closed++ }
func destroyHook(o ob.Object) { o.(*object).destroyed++ }

var (
	eventType   = &ob.Type{ObjectType: winnt.EventObject, OnLastHandle: closeHook, OnDestroy: destroyHook}
	jobType     = &ob.Type{ObjectType: winnt.JobObject, OnLastHandle: closeHook, OnDestroy: destroyHook}
	fileType    = &ob.Type{ObjectType: winnt.FileObject, OnLastHandle: closeHook, OnDestroy: destroyHook}
	tokenType   = &ob.Type{ObjectType: winnt.TokenObject}
	threadType  = &ob.Type{ObjectType: winnt.ThreadObject, AddRights: limitedThread}
	processType = &ob.Type{ObjectType: winnt.ProcessObject, AddRights: limitedProcess}
)

// limitedThread and limitedProcess implement O-36; package ps has the originals.
func limitedThread(g winnt.AccessMask) (more winnt.AccessMask) {
	if g&winnt.THREAD_SET_INFORMATION != 0 {
		more |= winnt.THREAD_SET_LIMITED_INFORMATION
	}
	if g&winnt.THREAD_QUERY_INFORMATION != 0 {
		more |= winnt.THREAD_QUERY_LIMITED_INFORMATION
	}
	return more
}

func limitedProcess(g winnt.AccessMask) (more winnt.AccessMask) {
	if g&winnt.PROCESS_QUERY_INFORMATION != 0 {
		more |= winnt.PROCESS_QUERY_LIMITED_INFORMATION
	}
	return more
}

func newObject(t *ob.Type, d *sd.Descriptor) *object {
	o := &object{}
	o.Init(t, o, d)
	return o
}

const alice = "S-1-5-21-1-2-3-1107"

// world is one process of alice, in user mode, with its own namespace.
type world struct {
	*testing.T
	c    *ob.Caller
	ns   *ob.Namespace
	self access.Subject
}

func newWorld(t *testing.T, enabled ...winnt.Privilege) *world {
	process, thread := newObject(processType, nil), newObject(threadType, nil)
	return &world{T: t, self: subject(t, enabled...), ns: ob.NewNamespace(ob.NewDirectory(nil, 0)),
		c: &ob.Caller{Table: ob.NewTable(0), Kernel: ob.NewKernelTable(0), Process: process, Thread: thread,
			ProcessAccess: func() winnt.AccessMask { return winnt.PROCESS_ALL_ACCESS & processType.Valid },
			ThreadAccess:  winnt.THREAD_ALL_ACCESS & threadType.Valid}}
}

// subject is alice with these privileges enabled and no others.
func subject(t testing.TB, enabled ...winnt.Privilege) access.Subject {
	t.Helper()
	s := token.StandardUser(sid.MustParse(alice))
	s.Privileges = winnt.Privileges(enabled...)
	s.EnabledPrivileges, s.DefaultPrivileges = s.Privileges, s.Privileges
	tok := check.Must(token.New(s))
	return access.SubjectOf(tok)
}

// impersonating returns the subject impersonating itself at a level.
func impersonating(s access.Subject, level winnt.SecurityImpersonationLevel) access.Subject {
	s.Client, s.Level = s.Primary.WithTypeLevel(winnt.TokenImpersonation, level), level
	return s
}

// kernel runs f in kernel mode.
func (w *world) kernel(f func()) {
	w.c.Mode = access.Kernel
	defer func() { w.c.Mode = access.User }()
	f()
}

// decide is ob.Decide for the world's subject.
func (w *world) decide(o ob.Object, desired winnt.AccessMask, attributes uint32) access.Decision {
	return ob.Decide(w.c, o, &w.self, desired, attributes)
}

// want fails the test unless the decision has this status and grants exactly these rights.
func (w *world) want(what string, d access.Decision, st ntstatus.Status, granted winnt.AccessMask) {
	w.Helper()
	check.That(w, d.Status() == st && d.Granted == granted,
		"%s: %v, granted %v; want %v, %v", what, d.Status(), d.Granted, st, granted)
}

// protected returns a new object of a type with a descriptor in SDDL.
func protected(typ *ob.Type, text string) *object { return newObject(typ, sddl.MustParse(text)) }
