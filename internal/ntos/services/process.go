package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtCreateUserProcess creates a process and its first thread, and opens both. Without a token the process gets a copy
// of the parent's. With a failure neither exists, and no handle is open. The steps come in the order capture,
// reference, decide, commit.
func (c *Context) NtCreateUserProcess(in nt.CreateUserProcessIn) (out nt.CreateUserProcessOut, st ntstatus.Status) {
	n := creation{c: c, in: &in}
	defer n.release()
	for _, step := range []func() ntstatus.Status{n.capture, n.reference, n.decide, n.commit} {
		if st := step(); st != ntstatus.Success {
			return out, st
		}
	}
	return n.out, ntstatus.Success
}

// creation holds the state of one call of NtCreateUserProcess. Its steps run in the order in which they are declared
// here; release always runs last.
type creation struct {
	c   *Context
	in  *nt.CreateUserProcessIn
	out nt.CreateUserProcessOut

	process, thread nt.ObjectAttributes
	parent          *ps.Process     // one reference
	token           *se.TokenObject // one reference; nil: the parent's is copied
	image           uint32          // integrity of the program
	processAccess   winnt.AccessMask
	threadAccess    winnt.AccessMask
	// threadDescriptor protects the first thread; nil: by the defaults of its process.
	threadDescriptor *sd.Descriptor
}

// capture checks the flags of the call and captures the attributes of the process and the thread. Unknown flags and
// attributes that the types do not have give STATUS_INVALID_PARAMETER. The process's attributes are captured first.
func (n *creation) capture() (st ntstatus.Status) {
	c := n.c
	if n.in.ProcessFlags&^winnt.PROCESS_CREATE_FLAGS_SUPPORTED != 0 ||
		n.in.ThreadFlags&^winnt.THREAD_CREATE_FLAGS_SUPPORTED != 0 {
		return c.Fail("I-95", ntstatus.InvalidParameter)
	}
	if n.process, st = c.captureAttributes(n.in.ProcessObjectAttributes); st != ntstatus.Success {
		return st
	}
	if n.thread, st = c.captureAttributes(n.in.ThreadObjectAttributes); st != ntstatus.Success {
		return st
	}
	if n.process.Attributes&winnt.ProcessObject.Invalid != 0 || n.thread.Attributes&winnt.ThreadObject.Invalid != 0 {
		// An attribute that the types refuse is found before access is checked.
		return c.Fail("O-22", ntstatus.InvalidParameter)
	}
	return ntstatus.Success
}

// reference references the parent process and the token that the caller passed. A handle of 0 means the caller's
// process, and no token. A handle without PROCESS_CREATE_PROCESS or TOKEN_ASSIGN_PRIMARY is STATUS_ACCESS_DENIED.
func (n *creation) reference() (st ntstatus.Status) {
	c := n.c
	if n.in.ParentProcess == 0 {
		n.parent = c.self.Process()
		n.parent.Ref(ob.TagCall)
	} else if n.parent, st = c.referenceProcess(
		n.in.ParentProcess, winnt.PROCESS_CREATE_PROCESS); st != ntstatus.Success {
		return st
	}
	if n.in.Token == 0 {
		return ntstatus.Success
	}
	n.token, _, st = ob.Reference[*se.TokenObject](&c.Caller, n.in.Token, winnt.TOKEN_ASSIGN_PRIMARY, se.TokenType)
	if st != ntstatus.Success {
		return c.Fail("I-96", st)
	}
	return ntstatus.Success
}

// decide checks whether the caller may create the process, and computes the rights of both handles. The creator is
// granted the requested rights. No state changes, except that the token may be duplicated. The first failure decides
// the status. A missing privilege is STATUS_PRIVILEGE_NOT_HELD.
func (n *creation) decide() ntstatus.Status {
	c := n.c
	if n.token != nil {
		if !c.mayCreateWith(n.token, n.in) {
			return c.Fail("T-111", ntstatus.PrivilegeNotHeld)
		}
		if st := n.primary(); st != ntstatus.Success {
			return st
		}
	}
	if st := n.openImage(); st != ntstatus.Success {
		return st
	}
	for _, d := range [...]struct {
		typ     *ob.Type
		desired winnt.AccessMask
		granted *winnt.AccessMask
	}{
		{ps.ProcessType, n.in.ProcessDesiredAccess, &n.processAccess},
		{ps.ThreadType, n.in.ThreadDesiredAccess, &n.threadAccess},
	} {
		subject := c.self.Subject()
		g := ob.GrantNew(&c.Caller, d.typ, &subject, d.desired, 0) // the creator is granted its request (O-91)
		if g.Status() != ntstatus.Success {
			return g.Status()
		}
		*d.granted = g.Granted
	}
	// The descriptors given may name an owner that the caller may not assign, or a SACL (S-61, S-71).
	if st := c.mayGive(winnt.ProcessObject, n.process.SecurityDescriptor); st != ntstatus.Success {
		return st
	}
	if st := c.mayGive(winnt.ThreadObject, n.thread.SecurityDescriptor); st != ntstatus.Success {
		return st
	}
	return n.decideDescriptors()
}

// decideDescriptors makes the descriptor of the first thread, and tests whether that of the process can be made, which
// depends on the child's token.
func (n *creation) decideDescriptors() (st ntstatus.Status) {
	c := n.c
	if d := n.process.SecurityDescriptor; d != nil {
		if _, st = c.descriptorGiven(c.effective(), winnt.ProcessObject, d); st != ntstatus.Success {
			return st
		}
	}
	if d := n.thread.SecurityDescriptor; d != nil {
		n.threadDescriptor, st = c.descriptorGiven(c.effective(), winnt.ThreadObject, d)
	}
	return st
}

// primary makes sure that the token given for the new process is a primary token. The profile Documented refuses an
// impersonation token with STATUS_BAD_TOKEN_TYPE (T-112). Observed duplicates it to a primary token (I-96), or returns
// STATUS_BAD_IMPERSONATION_LEVEL if it only identifies the client.
func (n *creation) primary() ntstatus.Status {
	c, v := n.c, n.token.Value()
	switch {
	case v.Type() == winnt.TokenPrimary:
		return ntstatus.Success
	case c.Sys.Profile == nt.Documented:
		// Documented: an impersonation token is refused.
		return c.Fail("T-112", ntstatus.BadTokenType)
	case v.Level() < winnt.SecurityImpersonation:
		// A client that is only identified yields no primary token (I-96).
		return c.Fail("T-42", ntstatus.BadImpersonationLevel)
	}
	// Observed: a primary duplicate takes the place of an impersonation token (I-96).
	dup := c.Sys.Security.NewToken(v.WithTypeLevel(winnt.TokenPrimary, 0), n.token.Security())
	if st := c.pay(dup, c.self.Payer()); st != ntstatus.Success {
		dup.Deref(ob.TagCall)
		return st
	}
	n.token.Deref(ob.TagCall)
	n.token = dup
	return ntstatus.Success
}

// openImage checks that the program may be executed, and stores its integrity level (T-113). The subject is the user
// of n.token (I-96), or without a token the caller's effective token (I-7). An empty ImageName succeeds without a
// check. A missing program, or an object that is no file, is STATUS_OBJECT_NAME_NOT_FOUND. A denial returns the
// status of the check.
func (n *creation) openImage() ntstatus.Status {
	n.image = se.Unlabelled
	if n.in.ImageName == "" {
		return ntstatus.Success
	}
	c := n.c
	h := c.Sys.Files.Lookup(n.in.ImageName, true)
	if h == nil {
		// The program does not exist.
		return c.Fail("I-95", ntstatus.ObjectNameNotFound)
	}
	defer h.Deref(ob.TagCall)
	if h.Type() != FileType {
		return c.Fail("I-95", ntstatus.ObjectNameNotFound)
	}
	subject := c.self.Subject()
	if n.token != nil {
		// The user of the token given must be able to run the program (I-96).
		subject = access.Subject{Primary: n.token.Value()}
	}
	if d := ob.Decide(&c.Caller, h.Object(), &subject, winnt.FILE_EXECUTE, 0); d.Status() != ntstatus.Success {
		return d.Status()
	}
	n.image = labelOf(h.Security())
	return ntstatus.Success
}

// labelOf returns the RID of the integrity level in an object's first label. For an object without a label, or with an
// inherit-only one, it returns se.Unlabelled: such a program does not lower its process (T-113).
func labelOf(d *sd.Descriptor) uint32 {
	if d == nil || d.SACL() == nil {
		return se.Unlabelled
	}
	for _, a := range d.SACL().All() {
		if a.Type() == sd.SystemMandatoryLabel && a.Flags()&sd.InheritOnly == 0 {
			return a.SID().RID()
		}
	}
	return se.Unlabelled
}

// commit creates the process, its thread, the audit record and both handles. If the record cannot be stored, the
// process ends before it runs. After a failure no handle exists. If the creator has ended meanwhile, the new process
// still runs.
func (n *creation) commit() ntstatus.Status {
	c := n.c
	hp, st := c.Reserve(n.process.Attributes)
	if st != ntstatus.Success {
		return st
	}
	ht, st := c.Reserve(n.thread.Attributes)
	if st != ntstatus.Success {
		hp.Abandon()
		return st
	}
	p, t, o := n.parent.NewChild(ps.Child{
		Name: n.in.ImageName, Token: n.token, Image: n.image, Descriptor: n.descriptor, Thread: n.threadDescriptor,
		Inherit:   n.in.ProcessFlags&winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES != 0,
		Suspended: n.in.ThreadFlags&winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED != 0,
	})
	if o.Status != ntstatus.Success {
		hp.Abandon()
		ht.Abandon()
		return c.Impersonated(o)
	}
	if st := c.Sys.Log.ProcessCreated(c.origin(), target(p), n.parent.Name()); st != ntstatus.Success {
		hp.Abandon()
		ht.Abandon()
		p.Exit()
		t.Deref(ob.TagCall)
		p.Deref(ob.TagCall)
		// A process whose record cannot be kept ends before it runs, and no handle names it (U-78).
		return c.Fail("U-64", st)
	}
	n.out.ClientID = nt.ClientID{UniqueProcess: p.ID(), UniqueThread: t.ID()}
	st = hp.Publish(p, n.processAccess, n.process.Attributes)
	if failed := ht.Publish(t, n.threadAccess, n.thread.Attributes); st == ntstatus.Success {
		st = failed
	}
	c.Sys.Run(n.parent, p, t) // the process runs even if no handle can be published
	n.out.ProcessHandle, n.out.ThreadHandle = hp.Handle(), ht.Handle()
	if st != ntstatus.Success { // the caller's own process has ended
		// One of the tables may be the kernel's, which is still open.
		c.TableFor(n.process.Attributes).Close(hp.Handle())
		c.TableFor(n.thread.Attributes).Close(ht.Handle())
		return c.Fail("O-47", st)
	}
	return ntstatus.Success
}

// descriptor returns the descriptor of the new process, by the caller's effective token (O-38). If a token is given,
// it uses that one, so that the token's user owns the process (CreateProcessAsUser, lpProcessAttributes).
func (n *creation) descriptor(child *token.Token) (*sd.Descriptor, ntstatus.Status) {
	creator := n.c.effective()
	if n.token != nil {
		creator = child
	}
	return se.NewDescriptor(creator, winnt.ProcessObject, n.process.SecurityDescriptor)
}

// release releases the references on the parent and the token. It must be called once, also after a failure.
func (n *creation) release() {
	if n.parent != nil {
		n.parent.Deref(ob.TagCall)
	}
	if n.token != nil {
		n.token.Deref(ob.TagCall)
	}
}
