package model

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// opening is an open of an object, or the request of an object's creator, in the caller's mode. Its
// methods are the conditions under which it fails, one each: their order is that of the service's row.
type opening struct {
	Caller
	who     subject
	kind    *kind
	desired winnt.AccessMask
	guard   func() *Descriptor // what protects the object; a nil descriptor grants what is asked (O-35)
	creator bool               // the request is granted without a check (O-91)

	granted winnt.AccessMask // set by check or grant
}

// opens returns the state of an open of an existing object by a caller.
func (c Caller) opens(k *kind, desired winnt.AccessMask, guard func() *Descriptor) *opening {
	return &opening{Caller: c, who: c.subject(), kind: k, desired: desired, guard: guard}
}

// creates returns the opening of an object by its creator.
func (c Caller) creates(k *kind, desired winnt.AccessMask) *opening {
	return &opening{Caller: c, who: c.subject(), kind: k, desired: desired, creator: true}
}

func (o *opening) mapped() winnt.AccessMask { return o.kind.mapped(o.desired) }

// checked reports whether a descriptor decides.
func (o *opening) checked() bool { return !o.KernelMode && !o.creator && o.guard() != nil }

// refusals returns the conditions of an open by pointer (O-33). level is the rule of a client below
// SecurityImpersonation, check and text find the condition of the access check.
func (o *opening) refusals(level, check, text string) []refusal {
	return append(o.creation(),
		// Asking an object with a descriptor for nothing is denied (O-90).
		when("O-90", "", ntstatus.AccessDenied, func() bool { return o.checked() && o.mapped() == 0 }),
		// A client below SecurityImpersonation opens nothing that has a descriptor.
		when(level, "impersonates below", ntstatus.BadImpersonationLevel, func() bool {
			return o.checked() && o.who.client && o.who.level < 2
		}),
		o.check(check, text))
}

// creation returns the conditions of a creator's request: all are about the mask.
func (o *opening) creation() []refusal {
	return []refusal{o.reserved(), o.sacl("O-30"),
		// A bit that the type does not have is denied (O-21). A creator that asks for everything gets
		// what there is (O-130).
		when("O-21", "", ntstatus.AccessDenied, func() bool {
			return !o.KernelMode && o.mapped()&^(o.kind.valid|saclBit|maximum) != 0 &&
				!(o.creator && o.mapped()&maximum != 0)
		})}
}

// reserved denies a request with a reserved bit, in kernel mode too (O-20).
func (o *opening) reserved() refusal {
	return when("O-20", "", ntstatus.AccessDenied, func() bool { return o.desired&reserved != 0 })
}

// sacl refuses ACCESS_SYSTEM_SECURITY without an enabled SeSecurityPrivilege (O-30).
func (o *opening) sacl(rule string) refusal {
	return when(rule, "ACCESS_SYSTEM_SECURITY", ntstatus.PrivilegeNotHeld, func() bool {
		return !o.KernelMode && o.mapped()&saclBit != 0 && !o.who.holds(winnt.SeSecurityPrivilege)
	})
}

// check makes the access check and sets the granted rights.
func (o *opening) check(rule, text string) refusal {
	return several(rule, text, func() (st ntstatus.Status) {
		if !o.checked() {
			o.grant()
			return ntstatus.Success
		}
		o.granted, st = decide(o.who.token, o.guard(), o.mapped(), o.kind)
		o.granted = o.kind.implied(o.granted)
		return st
	})
}

// grant grants a request without an access check: a creator's (O-91), or one of kernel mode.
func (o *opening) grant() {
	m := o.mapped()
	switch {
	case m&maximum == 0:
	case o.KernelMode:
		m |= o.kind.all
	default:
		m |= o.kind.valid
	}
	o.granted = o.kind.implied(m & (o.kind.valid | saclBit))
}
