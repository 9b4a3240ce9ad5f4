package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// The services that create and open objects by name.

const (
	existing = `\BaseNamedObjects\existing`
	fresh    = `\BaseNamedObjects\fresh`
	folder   = `\BaseNamedObjects`
)

// elsewhere are conditions of named objects that only the transcripts test.
var elsewhere = []absence{
	{"O-24", "", "it takes a directory made for it: transcript 10-names"},
	{"S-61", "", "a matter of the descriptor alone: transcript 40-new-objects"},
	{"S-71", "", "a matter of the descriptor alone: transcript 40-new-objects"},
	{"S-17", "", "a matter of the descriptor alone: transcript 40-new-objects"},
	{"U-64", "", "the log of these kernels keeps every record"},
	{"O-27", "another process", "it takes an object that is exclusive to a second process: transcript 10-names"},
	{"O-26", "", "an open looks at no such attribute"},
	{"O-82", "", "the limit of a table is millions of handles"},
}

// named describes a service that creates or opens an object by name, so that its failures can be derived. mask and oa
// return pointers to its parameters. invalid is an attribute that the type rejects, 0 for none.
type named[I any] struct {
	mask    func(I) *winnt.AccessMask
	oa      func(I) *nt.Captured[*nt.ObjectAttributes]
	unknown winnt.AccessMask // a right the type does not have
	invalid uint32
	create  bool
	object  string // leads to an object of another type
	taken   string // for a create: an object of the type that exists
}

// refusals returns the failures to inject into the service, in the order of its checks: access mask, attributes and
// path, then what is specific to creating or opening. Each has the status that the service must return.
func (n named[I]) refusals() []refusal[I] {
	list := join(n.desired(), n.way())
	if n.create {
		return append(list, n.creating()...)
	}
	return append(list, n.opening()...)
}

// name returns a pointer to the object's name in an input.
func (n named[I]) name(in I) *string { return &n.oa(in).V.ObjectName }

// way returns the failures to inject into the object's attributes and path, which creating and opening share.
func (n named[I]) way() []refusal[I] {
	list := []refusal[I]{
		{rule: "O-3", want: ntstatus.AccessViolation, when: "a pointer", name: "ObjectAttributes unreadable", takes: "oa",
			needs: pointers, inject: func(_ *world, in I) { unreadable(n.oa(in)) }},
		{rule: "O-22", want: ntstatus.InvalidParameter, when: "unknown attribute bits", name: "unknown attribute bits",
			takes: "oa.attributes.unknown", inject: func(_ *world, in I) { n.oa(in).V.Attributes |= 0x8000 }},
		exclusiveInherited("oa.attributes", func(in I) *uint32 { return &n.oa(in).V.Attributes }),
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "RootDirectory names nothing", takes: "oa.root",
			inject: func(_ *world, in I) { n.oa(in).V.RootDirectory = noHandle }},
		{rule: "O-31", want: ntstatus.ObjectTypeMismatch, name: "RootDirectory of another type", takes: "oa.root",
			inject: func(w *world, in I) {
				n.oa(in).V.RootDirectory = w.handle(w.existing(2), 0)
			}},
		{rule: "O-23", want: ntstatus.ObjectPathSyntaxBad, name: "a relative name without RootDirectory", takes: "oa.name",
			inject: func(_ *world, in I) { *n.name(in) = "relative" }},
		{rule: "O-23", want: ntstatus.ObjectNameInvalid, name: "an empty component", takes: "oa.name",
			inject: func(_ *world, in I) { *n.name(in) = folder + `\\x` }},
		{rule: "O-23", want: ntstatus.ObjectPathNotFound, name: "no such directory", takes: "oa.name",
			inject: func(_ *world, in I) { *n.name(in) = `\nowhere\x` }},
		// a create finds this on the path
		{rule: "O-23", want: ntstatus.ObjectTypeMismatch, when: "another type", name: "a name of another type",
			takes: "oa.name", inject: func(_ *world, in I) { *n.name(in) = n.object }},
	}
	if n.invalid != 0 {
		rule := "O-33"
		if n.create {
			rule = "O-22"
		}
		list = append(list,
			refusal[I]{rule: rule, want: ntstatus.InvalidParameter, when: "does not support",
				name: "an attribute the type does not take", takes: "oa.attributes.invalid", inject: func(_ *world, in I) {
					n.oa(in).V.Attributes |= n.invalid
				}})
	}
	return list
}

// creating returns the failures that only a call that creates the object has.
func (n named[I]) creating() []refusal[I] {
	return []refusal[I]{
		{rule: "O-26", want: ntstatus.PrivilegeNotHeld, name: "OBJ_PERMANENT without privilege",
			takes: "oa.attributes.permanent", needs: userOnly, inject: func(_ *world, in I) {
				n.oa(in).V.Attributes |= winnt.OBJ_PERMANENT
			}},
		{rule: "O-23", want: ntstatus.ObjectNameExists, name: "OBJ_OPENIF and the name is taken",
			takes: "oa.name oa.attributes.invalid memory.object", inject: func(_ *world, in I) {
				*n.name(in) = n.taken
				n.oa(in).V.Attributes |= winnt.OBJ_OPENIF
			}},
		{rule: "O-23", want: ntstatus.ObjectNameCollision, name: "the name is taken", takes: "oa.name",
			inject: func(_ *world, in I) { *n.name(in) = n.taken }},
		{rule: "O-161", want: ntstatus.ObjectTypeMismatch, name: "the name of a device", takes: "oa.name",
			inject: func(_ *world, in I) { *n.name(in) = `\Device\Null` }},
		{rule: "O-161", want: ntstatus.ObjectPathNotFound, name: "a name below a device", takes: "oa.name",
			inject: func(_ *world, in I) { *n.name(in) = `\Device\Null\x` }},
		{rule: "O-81", want: ntstatus.InsufficientResources, when: "the object",
			name: "memory runs out for the object", takes: "memory.object", inject: func(w *world, _ I) {
				w.failing["ob: object"] = true
			}},
		caller[I]("I-1"),
	}
}

// opening returns the failures that only a call that opens the object has.
func (n named[I]) opening() []refusal[I] {
	return []refusal[I]{
		{rule: "O-27", want: ntstatus.InvalidParameter, when: "created without it",
			name: "OBJ_EXCLUSIVE of an object made without it", takes: "oa.attributes.lone", inject: func(_ *world, in I) {
				n.oa(in).V.Attributes |= winnt.OBJ_EXCLUSIVE
			}},
		{rule: "O-23", want: ntstatus.ObjectNameNotFound, name: "no object of that name", takes: "oa.name",
			inject: func(_ *world, in I) { *n.name(in) = fresh }},
		caller[I]("I-1"),
		{rule: "O-33", want: ntstatus.AccessDenied, of: ofCheck, when: "does not grant DesiredAccess",
			name:  "the descriptor refuses",
			takes: "sd", needs: userOnly, inject: func(w *world, _ I) {
				w.late = append(w.late, func() { w.named.Head().SetSecurity(closed()) })
			}},
	}
}

// desired returns the failures to inject into DesiredAccess. For a create it omits DesiredAccess 0, which a create
// accepts (O-90).
func (n named[I]) desired() (list []refusal[I]) {
	for _, f := range desired(n.mask, n.unknown) {
		if !n.create || f.rule != "O-90" {
			list = append(list, f)
		}
	}
	return list
}

// oaNamed returns OBJECT_ATTRIBUTES with a name and a descriptor, which may be nil.
func oaNamed(name string, d *sd.Descriptor) nt.Captured[*nt.ObjectAttributes] {
	return nt.Cap(&nt.ObjectAttributes{ObjectName: name, SecurityDescriptor: d})
}

// made registers the new object of the handle h as the existing object that calls open, in w.named. It panics if st is
// an error.
func (w *world) made(h winnt.Handle, st ntstatus.Status) {
	if !st.IsSuccess() {
		panic("refusals: creating the object to open: " + st.String())
	}
	head, _, st := w.server.Object().Table().Lookup(h, ob.TagCall)
	if !st.IsSuccess() {
		panic("refusals: " + st.String())
	}
	w.named = head.Object()
	head.Deref(ob.TagCall)
}

// event creates a named event as the existing object that calls open.
func (w *world) event() {
	out, st := w.k.Zw().Services().NtCreateEvent(nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: oaNamed(existing, nil)})
	w.made(out.EventHandle, st)
}
