package fileaccess

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// BitReason is one bit of an explanation. Granted is the decision about this
// bit. The open may still be refused because of another bit.
type BitReason struct {
	Bit     winnt.AccessMask
	Granted bool
	Reason  Reason
}

// Explanation records how an open came to its decision. The zero value has no
// reasons.
type Explanation struct {
	Decision Decision
	Desired  winnt.AccessMask // mapped, as the face changed it
	// Reasons has a row for each requested, implied or granted bit, ascending.
	// With MAXIMUM_ALLOWED it has a row for every file right.
	Reasons []BitReason

	names *winnt.ObjectType
}

// Explain runs [Open] and records the reasons. The decision is always the same as that of Open. For a nil request or
// nil facts the explanation has no reasons. Reasons are in the order of the bits: requested, implied and granted ones,
// and all with MAXIMUM_ALLOWED.
func Explain(r *Request, f *Facts) (Decision, *Explanation) {
	if r == nil || f == nil {
		d := noQuestion()
		return d, &Explanation{Decision: d, names: winnt.FileObject}
	}
	o := opening{engine: engineOf(&r.Subject, &f.Policy), r: r, f: f, tr: new(tracer)}
	d := o.run()
	x := &Explanation{Decision: d, Desired: o.desired, names: winnt.FileObject}
	if f.Object.directory() || !f.Object.Exists && r.Options&DirectoryFile != 0 {
		x.names = winnt.DirectoryFileObject
	}
	bits := o.desired&^maximum | o.implied | d.Granted
	if o.max() {
		bits |= full
	}
	for b := winnt.AccessMask(1); b != 0; b <<= 1 {
		if bits&b == 0 {
			continue
		}
		reason := o.tr.reasonOf(b)
		granted := d.Granted&b != 0
		if !d.Allowed() {
			granted = reason.Kind.grants() || reason.Kind == FromAccess && o.tr.held&b != 0
		}
		x.Reasons = append(x.Reasons, BitReason{Bit: b, Granted: granted, Reason: reason})
	}
	return d, x
}

// Reason returns the row of one bit. ok is false if the bit has no row.
func (x *Explanation) Reason(bit winnt.AccessMask) (r BitReason, ok bool) {
	for _, r := range x.Reasons {
		if r.Bit == bit {
			return r, true
		}
	}
	return BitReason{}, false
}

// String returns the verdict and a row for each bit. A denial names its rule. The zero value is a denial without a rule
// and rows.
func (x *Explanation) String() string {
	var b strings.Builder
	d := &x.Decision
	if d.Allowed() {
		b.WriteString("GRANTED " + d.Granted.String() + " " + x.names.Names(d.Granted))
	} else {
		b.WriteString("DENIED " + d.Status().String() + " by " + d.Rule)
	}
	if d.Implied != 0 {
		b.WriteString(", implied " + x.names.Names(d.Implied))
	}
	if names := d.PrivilegesUsed.Names(); names != nil {
		b.WriteString(", used " + strings.Join(names, ", "))
	}
	b.WriteByte('\n')
	for _, r := range x.Reasons {
		word := "refused"
		if r.Granted {
			word = "granted"
		}
		b.WriteString(pad(r.Bit.String(), 11) + pad(x.names.RightName(r.Bit), 23) + word + "  " +
			r.Reason.Words(r.Granted) + "\n")
	}
	return b.String()
}

// pad returns s with blanks up to n bytes, at least one.
func pad(s string, n int) string {
	if len(s) >= n {
		return s + " "
	}
	return s + strings.Repeat(" ", n-len(s))
}

// tracer records the reason for each right, for an [Explanation]. The decision never reads from it.
type tracer struct {
	reasons [32]Reason
	held    winnt.AccessMask // granted by the object's check
}

// set records r as the reason for each right in m. A later reason replaces an earlier one.
func (t *tracer) set(m winnt.AccessMask, r Reason) {
	for i := range t.reasons {
		if m>>i&1 != 0 {
			t.reasons[i] = r
		}
	}
}

// reasonOf returns the reason for one right, Unreached if no step decided it. bit must be a single bit.
func (t *tracer) reasonOf(bit winnt.AccessMask) Reason {
	for i := range t.reasons {
		if bit>>i == 1 && t.reasons[i].Kind != 0 {
			return t.reasons[i]
		}
	}
	return Reason{Kind: Unreached}
}

// object records what the object's own descriptor d decided: a reason for each right of want, as if it were requested
// alone (F-2). granted has the rights that it granted.
func (t *tracer) object(e *engine, d *sd.Descriptor, want, granted winnt.AccessMask) {
	t.held = granted
	if d == nil {
		t.set(want, Reason{Kind: NoDescriptor})
		return
	}
	for ; want != 0; want &= want - 1 {
		bit := want & -want
		t.set(bit, Reason{Kind: FromAccess, Access: e.why(d, bit)})
	}
}

// parent records that the directory with descriptor d grants or refuses right on an entry of it. parent is the right
// on the directory that decides. A refusal is not recorded if the directory grants parent, because the object's
// ceiling then removed the right.
func (t *tracer) parent(e *engine, d *sd.Descriptor, right, parent winnt.AccessMask, granted bool) {
	r := Reason{Kind: ParentDeny, Right: parent}
	if d != nil {
		r.Access = e.why(d, parent)
	}
	if granted {
		r.Kind = ParentAllow
	} else if allowed, _ := e.can(d, parent); allowed != 0 {
		return
	}
	t.set(right, r)
}

// why returns the access check's reason for granting or denying the right bit by descriptor d. A failed check has the
// zero Reason.
func (e *engine) why(d *sd.Descriptor, bit winnt.AccessMask) access.Reason {
	_, x, err := access.Explain(e.request(d, bit))
	if err != nil {
		return access.Reason{}
	}
	b, _ := x.Reason(bit)
	return b.Reason
}
