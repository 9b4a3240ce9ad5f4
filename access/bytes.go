package access

import (
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Lists of up to this many entries are compiled on the stack.
const (
	stackDACL = 64
	stackSACL = 8
)

// CheckBytes decides like [Check], on a self-relative descriptor that is used once. It does not copy, keep or change
// the bytes, which must not change during the call. It allocates nothing for up to 64 plain entries in the DACL and 8
// in the SACL. For a descriptor that is used again, use [sd.Decode] and Check.
//
// The error is [ErrNoToken], [ErrNoMapping], or wraps that of [sd.Decode].
func CheckBytes(t *token.Token, descriptor []byte, desired winnt.AccessMask, typ *winnt.ObjectType) (Decision, error) {
	if t.IsZero() {
		return Decision{}, ErrNoToken
	}
	if typ == nil {
		return Decision{}, ErrNoMapping
	}
	raw, st := sd.Peek(descriptor)
	if st != ntstatus.Success {
		return checkDecoded(t, descriptor, desired, typ)
	}
	var daclBuf [stackDACL]sd.Entry
	var saclBuf [stackSACL]sd.Entry
	// Everything below lives on the stack: query and identity hold no pointer
	// that outlives the call, and raw is a view of descriptor.
	who := identity{token: t, primary: t, owner: raw.Owner}
	q := query{who: &who, mapping: &typ.Mapping, r: &noExtras, desired: typ.Mapping.Map(desired)}
	if raw.DACL != "" {
		entries, st := sd.CompileInto(daclBuf[:], raw.DACL)
		if st != ntstatus.Success {
			return checkDecoded(t, descriptor, desired, typ)
		}
		q.dacl = list{entries: entries, facts: sd.FactsOf(entries), present: true}
	}
	if raw.SACL != "" {
		entries, st := sd.CompileInto(saclBuf[:], raw.SACL)
		if st != ntstatus.Success {
			return checkDecoded(t, descriptor, desired, typ)
		}
		q.sacl = list{entries: entries, facts: sd.FactsOf(entries), present: true}
	}
	// Conditions, object types and attributes need their decoded form, which
	// entries compiled on the stack do not have.
	if (q.dacl.facts|q.sacl.facts)&sd.HasExtras != 0 {
		return checkDecoded(t, descriptor, desired, typ)
	}
	// Asking for nothing is denied.
	if q.desired == 0 {
		return denied(0), nil
	}
	// The owner's hash is only needed where the owner has implicit rights to
	// give, or OWNER RIGHTS replaces them.
	if q.desired&(ownerMask|maximum) != 0 || q.dacl.facts&sd.HasOwnerRights != 0 {
		q.ownerHash = raw.Owner.Hash()
	}
	return q.decide(), nil
}

// checkDecoded decides for descriptors that are invalid or not plain.
// It is the slow path of [CheckBytes] and gives the same result. Only
// this path reports why a malformed descriptor is rejected.
func checkDecoded(t *token.Token, raw []byte, desired winnt.AccessMask, typ *winnt.ObjectType) (Decision, error) {
	d, err := sd.Decode(raw)
	if err != nil {
		return Decision{}, fmt.Errorf("access check from bytes: %w", err)
	}
	return Check(t, d, desired, typ)
}
