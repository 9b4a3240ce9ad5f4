package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Open makes a handle to an existing named object, in the order of O-22. A nil typ accepts any type. Errors: those of
// [Namespace.Resolve], [Decide] and [Table.Insert], OBJECT_NAME_NOT_FOUND, OBJECT_TYPE_MISMATCH, AUDIT_FAILED.
func (ns *Namespace) Open(c *Caller, n Name, typ *Type, subject access.Subject, desired winnt.AccessMask) (winnt.Handle,
	winnt.AccessMask, ntstatus.Status) {
	p, st := ns.resolve(c, n, typ, &subject, desired, false)
	if st != ntstatus.Success {
		return 0, 0, st
	}
	defer p.Release()
	if p.Object == nil {
		// No object has that name.
		return 0, 0, c.Fail("O-23", ntstatus.ObjectNameNotFound)
	}
	return ns.open(c, &p, n, typ, &subject, desired)
}

// open opens a handle to an object that was found by name (steps 6 to 10 of O-22). The second result is the granted
// access. After a failure the handle is 0. A denial is recorded if the descriptor requires that. An object that has
// lost its name meanwhile is STATUS_OBJECT_NAME_NOT_FOUND.
func (ns *Namespace) open(c *Caller, p *Place, n Name, typ *Type, subject *access.Subject,
	desired winnt.AccessMask) (winnt.Handle, winnt.AccessMask, ntstatus.Status) {
	// The type of the object is tested before the access (O-22).
	if st := p.opened(c, typ); st != ntstatus.Success {
		return 0, 0, st
	}
	h := p.Object.Head()
	// decide
	// Attributes, exclusivity and access follow in this order (O-22).
	dec := Decide(c, p.Object, subject, desired, n.Attributes)
	recorded := c.records(n.Attributes)
	if dec.Status() != ntstatus.Success {
		if recorded {
			if _, st := c.recordOpen(p.Object, *subject, desired, dec, 0); st != ntstatus.Success {
				// A demanded record that cannot be kept fails the open.
				return 0, 0, c.Fail("U-64", st)
			}
		}
		return 0, 0, dec.Status()
	}
	// commit
	r, st := c.Reserve(n.Attributes)
	if st != ntstatus.Success {
		return 0, 0, st
	}
	var a Audited
	if recorded {
		if a, st = c.recordOpen(p.Object, *subject, desired, dec, r.Handle()); st != ntstatus.Success {
			r.Abandon()
			// If a required record cannot be stored, the open fails and grants no right.
			return 0, 0, c.Fail("U-64", st)
		}
	}
	if p.link == nil { // the object is the start of the path, so it was not found by name
		h.addHandle()
	} else if !p.link.addHandle(h) { // another thread closed the last handle, which removed the name (O-44)
		r.Abandon()
		return 0, 0, c.Fail("O-44", ntstatus.ObjectNameNotFound)
	}
	r.Audit(a.Rights)
	if st := r.publishCounted(h, dec.Granted, a.attributes(n.Attributes)); st != ntstatus.Success {
		// The process of the table has ended.
		return 0, 0, c.Fail("O-47", st)
	}
	return r.Handle(), dec.Granted, ntstatus.Success
}

// Reserve reserves a handle value in the process's or the kernel's table, depending on the attributes. A process that
// has ended is STATUS_PROCESS_IS_TERMINATING, and a full table STATUS_INSUFFICIENT_RESOURCES. The caller publishes or
// abandons the value.
func (c *Caller) Reserve(attributes uint32) (Reservation, ntstatus.Status) {
	t := c.TableFor(attributes)
	if t == nil {
		// The process of the table has ended.
		return Reservation{}, c.Fail("O-47", ntstatus.ProcessIsTerminating)
	}
	if st := c.MayInsert(); st != ntstatus.Success {
		return Reservation{}, st
	}
	r, st := t.Reserve()
	if st != ntstatus.Success {
		c.NoHandle(st)
	}
	return r, st
}

// Maker creates the object for [Namespace.Create], which takes over its one reference (TagCall). parent is the
// directory whose inheritable entries apply, nil for an unnamed object. Create calls it without a lock, at most once
// per attempt, and releases an object that loses a race for its name.
type Maker func(parent *Directory) (Object, ntstatus.Status)

// Create creates an object of type typ, named if n.Path is not empty, and a handle to it, in the order of O-22. The
// creator is granted its request (O-91); only the right to add to the parent is checked (O-24). For an existing name
// it fails with OBJECT_NAME_COLLISION or, with OBJ_OPENIF, opens the object and returns OBJECT_NAME_EXISTS, a
// success. An existing object of another type gives OBJECT_TYPE_MISMATCH in both cases. Other errors: those of
// [Namespace.Open], [GrantNew] and make.
func (ns *Namespace) Create(c *Caller, n Name, typ *Type, subject access.Subject, desired winnt.AccessMask,
	make Maker) (winnt.Handle, winnt.AccessMask, ntstatus.Status) {
	if n.Path == "" {
		return ns.createUnnamed(c, n, typ, &subject, desired, make)
	}
	for {
		v, granted, again, st := ns.createNamed(c, n, typ, &subject, desired, make)
		if !again {
			return v, granted, st
		}
	}
}

// createNamed tries once to create a named object. If the name exists, the result is:
//   - an object of another type: the status of that mismatch
//   - OBJ_OPENIF: a handle to the object, with the success STATUS_OBJECT_NAME_EXISTS
//   - no OBJ_OPENIF: STATUS_OBJECT_NAME_COLLISION
//
// again means that the name appeared or disappeared meanwhile, and the caller must repeat the call. After a failure
// the handle is 0.
func (ns *Namespace) createNamed(c *Caller, n Name, typ *Type, subject *access.Subject, desired winnt.AccessMask,
	make Maker) (v winnt.Handle, granted winnt.AccessMask, again bool, st ntstatus.Status) {
	p, st := ns.resolve(c, n, typ, subject, desired, true)
	if st != ntstatus.Success {
		return 0, 0, false, st
	}
	defer p.Release()
	if p.Object != nil {
		if st = p.opened(c, typ); st != ntstatus.Success {
			// An object of another type gives its own status before any name collision (O-161).
			return 0, 0, false, c.Fail("O-161", st)
		}
		if n.Attributes&winnt.OBJ_OPENIF == 0 {
			return 0, 0, false, c.Fail("O-23", ntstatus.ObjectNameCollision)
		}
		v, granted, st = ns.open(c, &p, n, typ, subject, desired)
		switch st {
		case ntstatus.Success:
			// Opening an existing object instead of creating it has its own success status (O-23).
			st = ntstatus.ObjectNameExists
		case ntstatus.ObjectNameNotFound: // another thread removed the name: try again to create the object
			return 0, 0, true, st
		}
		return v, granted, false, st
	}
	// decide
	if n.Attributes&typ.Invalid != 0 {
		return 0, 0, false, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	if st = c.mayAdd(p.Directory, typ, subject, n.Attributes); st != ntstatus.Success {
		return 0, 0, false, st
	}
	dec := GrantNew(c, typ, subject, desired, n.Attributes)
	if dec.Status() != ntstatus.Success {
		return 0, 0, false, dec.Status()
	}
	// commit
	v, st = c.commitNew(&p, &creation{n, subject, desired, dec, make})
	again = st == ntstatus.ObjectNameCollision && n.Attributes&winnt.OBJ_OPENIF != 0
	if st != ntstatus.Success {
		return 0, 0, again, st
	}
	return v, dec.Granted, false, st
}

// mayAdd checks that the subject may put a new object into dir (O-24). Only a directory needs
// DIRECTORY_CREATE_SUBDIRECTORY, anything else DIRECTORY_CREATE_OBJECT. A caller whose access is not checked may
// always.
func (c *Caller) mayAdd(dir *Directory, typ *Type, subject *access.Subject, attributes uint32) ntstatus.Status {
	if !c.Checked(attributes) {
		return ntstatus.Success
	}
	right := winnt.DIRECTORY_CREATE_OBJECT
	if typ == DirectoryType {
		right = winnt.DIRECTORY_CREATE_SUBDIRECTORY
	}
	return c.decideAccess(dir.Head(), subject, right, attributes).Status()
}

// creation is a create request that passed all checks: the rights, attributes and function to make the object.
type creation struct {
	Name
	subject *access.Subject
	desired winnt.AccessMask
	dec     access.Decision
	make    Maker
}

// commitNew creates the object of a checked request, names it and publishes its handle. Without a directory the
// object has no name. A failed audit record, or the exit of the process, removes a name that was already visible.
// After a failure there is neither a handle nor a name.
func (c *Caller) commitNew(p *Place, k *creation) (winnt.Handle, ntstatus.Status) {
	r, st := c.Reserve(k.Attributes)
	if st != ntstatus.Success {
		return 0, st
	}
	obj, st := k.make(p.Directory)
	if st != ntstatus.Success {
		r.Abandon()
		return 0, st
	}
	h := obj.Head()
	defer h.Deref(TagCall)
	if st := h.Pay(c.payer(), nameSize(p.Last)); st != ntstatus.Success {
		r.Abandon()
		// An object that its creator's account cannot pay for is not made.
		return 0, c.Fail("Q-2", st)
	}
	c.adopt(h, k.Attributes, p.Directory != nil)
	if p.Directory == nil {
		h.addHandle()
	} else if st := p.Directory.insert(
		p.Last, h, k.Attributes&winnt.OBJ_CASE_INSENSITIVE != 0, true); st != ntstatus.Success {
		r.Abandon()
		return 0, c.Fail("O-23", st)
	}
	var a Audited
	if c.records(k.Attributes) {
		if a, st = c.recordOpen(obj, *k.subject, k.desired, k.dec, r.Handle()); st != ntstatus.Success {
			h.Unname()
			h.dropHandle()
			r.Abandon()
			// If a required record cannot be stored, the call fails and creates no object.
			return 0, c.Fail("U-64", st)
		}
	}
	r.Audit(a.Rights)
	if st := r.publishCounted(h, k.dec.Granted, a.attributes(k.Attributes)); st != ntstatus.Success {
		h.Unname() // a permanent object would keep its name
		return 0, c.Fail("O-47", st)
	}
	return r.Handle(), ntstatus.Success
}

// adopt marks a new object as permanent or exclusive, if the attributes of its creation request that. OBJ_PERMANENT has
// no effect on an unnamed object (O-26).
func (c *Caller) adopt(h *Header, attributes uint32, named bool) {
	b := h.birth
	// The flag has no effect on an object without a name (O-26).
	b.Permanent = named && attributes&winnt.OBJ_PERMANENT != 0
	b.KernelObject = c.Mode == access.Kernel
	if attributes&winnt.OBJ_EXCLUSIVE != 0 {
		// The creator's process has the object for itself (O-27).
		b.Exclusive = c.Process
	}
	h.SetBirth(b)
}

// createUnnamed makes an object without a name. OBJ_PERMANENT has no effect on it (O-26). make is not called if a check
// fails. A denied or malformed request returns handle 0. Access is that of a creator: it is the request.
func (ns *Namespace) createUnnamed(c *Caller, n Name, typ *Type, subject *access.Subject, desired winnt.AccessMask,
	make Maker) (winnt.Handle, winnt.AccessMask, ntstatus.Status) {
	if st := c.CheckAttributes(n.Attributes); st != ntstatus.Success {
		return 0, 0, st
	}
	// The rights that the request implies are checked before the type, as for an object with a name
	// (O-22).
	if st := c.gate(n, subject, desired, false); st != ntstatus.Success {
		return 0, 0, st
	}
	if n.Attributes&typ.Invalid != 0 {
		return 0, 0, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	dec := GrantNew(c, typ, subject, desired, n.Attributes)
	if dec.Status() != ntstatus.Success {
		return 0, 0, dec.Status()
	}
	v, st := c.commitNew(&Place{}, &creation{n, subject, desired, dec, make})
	if st != ntstatus.Success {
		return 0, 0, st
	}
	return v, dec.Granted, ntstatus.Success
}
