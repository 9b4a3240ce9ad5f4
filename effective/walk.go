package effective

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// entry is an allow or deny entry of the DACL that matches some token, with its rights and its row of the matrix.
type entry struct {
	mask  winnt.AccessMask // mapped
	allow bool
	row   *row
	sid   sid.SID // resolved
}

// begin prepares the decision of a descriptor: it reads the entries that have a right in universe, the owner and the
// mandatory label. It also finds the tokens that need the full access check. If all need it, begin reads none of these.
func (e *Evaluator) begin(d *sd.Descriptor, universe winnt.AccessMask) {
	e.d, e.entries, e.universe = d, e.entries[:0], universe
	copy(e.rare, e.p.rare)
	e.owner, e.ownBits, e.low = nil, 0, nil
	const systemRare = sd.HasTrustLabel | sd.HasAccessFilter
	f := d.SACL().Facts()
	branches := len(e.q.ObjectTypes) > 0 && e.chain == nil
	if f&systemRare != 0 || f&sd.HasScopedPolicy != 0 && e.p.cfg.Policies != nil || branches {
		e.rare.fill(len(e.p.tokens))
		clear(e.plain)
		return
	}
	if dacl := d.DACL(); dacl != nil {
		entries := dacl.Entries()
		for i := range entries {
			e.take(dacl, &entries[i])
		}
	}
	e.plain.fill(len(e.p.tokens))
	e.plain.andNot(e.rare)
	// The owner has its implicit rights where no entry for OWNER RIGHTS applies to the object.
	if d.DACL().Facts()&sd.HasOwnerRights == 0 {
		if e.owner = e.p.row(d.OwnerHash(), d.Owner()); e.owner != nil {
			e.ownBits = ownerMask
			// ADOwnerReadOnly leaves the owner only READ_CONTROL.
			if e.p.cfg.Options.ADOwnerReadOnly {
				e.ownBits = winnt.READ_CONTROL
			}
		}
	}
	e.label(d.SACL())
}

// take evaluates one entry of the DACL. If more than the SID decides, such as a condition, the matching tokens go to
// the full access check. Inherit-only entries and entries outside the requested rights have no effect. With
// ClaimsDisabled, callback entries have none either.
func (e *Evaluator) take(dacl *sd.ACL, x *sd.Entry) {
	// Generic rights in a stored entry are mapped.
	mask := e.q.Type.Mapping.Map(x.Mask)
	if x.Flags&sd.InheritOnly != 0 || mask&e.universe == 0 {
		return
	}
	s, hash := x.SID, x.Hash
	var callback, object bool
	allow := true
	switch x.Kind {
	case sd.AccessAllowed:
	case sd.AccessDenied:
		allow = false
	case sd.AccessAllowedObject:
		object = true
	case sd.AccessDeniedObject:
		allow, object = false, true
	case sd.AccessAllowedCallback:
		callback = true
	case sd.AccessAllowedCallbackObject:
		object, callback = true, true
	case sd.AccessDeniedCallback, sd.AccessDeniedCallbackObject:
		allow, callback = false, true
	case sd.AccessAllowedCompound: // the client SID selects the tokens; the scalar check decides
		extra := dacl.Extra(x.Aux)
		if extra == nil {
			return
		}
		s, hash, callback = extra.Client, extra.Client.Hash(), true
	default: // no other type has a part in a DACL
		return
	}
	if object && e.hasNoEffect(dacl, x, allow) {
		return
	}
	// ClaimsDisabled makes the check skip callback entries altogether.
	if callback && x.Kind != sd.AccessAllowedCompound && e.p.cfg.Options.ClaimsDisabled {
		return
	}
	s, hash = e.resolve(s, hash)
	r := e.p.row(hash, s)
	switch {
	case r == nil:
	case !callback:
		e.entries = append(e.entries, entry{mask, allow, r, s})
	case allow:
		r.allow.join(e.rare)
	default:
		r.deny.join(e.rare)
	}
}

// hasNoEffect reports whether an object entry has no effect on the requested object types. allow states whether x
// allows.
//   - an entry without an object type: false
//   - no requested types: allow
//   - requested types: true if the entry's type is not among them
func (e *Evaluator) hasNoEffect(dacl *sd.ACL, x *sd.Entry, allow bool) bool {
	extra := dacl.Extra(x.Aux)
	if extra == nil || !extra.HasObjectType {
		return false
	}
	if e.chain == nil {
		// Without a list an entry for one type allows nothing, and denies.
		return allow
	}
	// An entry acts on the node of its type, and is skipped if the list does not have it. In a chain a grant
	// or denial at one node applies to all.
	return !slices.Contains(e.chain, extra.ObjectType)
}

// resolve returns the SID that a placeholder in an entry stands for, with its hash: PRINCIPAL SELF and OWNER RIGHTS
// . Other SIDs stay as they are.
func (e *Evaluator) resolve(s sid.SID, hash uint32) (sid.SID, uint32) {
	if replacement := access.Substitute(s, e.q.Self, e.d.Owner()); replacement != s {
		return replacement, replacement.Hash()
	}
	return s, hash
}

// split divides the sets of rights that are decided together, so that each has all rights of m or none.
func (e *Evaluator) split(m winnt.AccessMask) {
	for i, n := 0, len(e.parts); i < n; i++ {
		if in, out := e.parts[i]&m, e.parts[i]&^m; in != 0 && out != 0 {
			e.parts[i] = in
			e.parts = append(e.parts, out)
		}
	}
}

// walk decides the rights in universe for all tokens that need no full access check. With most the universe is that of
// MAXIMUM_ALLOWED: an absent DACL grants the bits of GENERIC_ALL, not every bit.
func (e *Evaluator) walk(universe winnt.AccessMask, most bool) {
	e.parts = e.parts[:0]
	if most {
		e.parts = append(e.parts, universe)
		e.split(e.all())
	} else {
		e.parts = append(e.parts, e.base...)
	}
	if e.owner != nil {
		e.split(e.ownBits)
	}
	if e.low != nil {
		e.split(e.lowMost[0])
		e.split(e.lowMost[1])
	}
	for i := range e.entries {
		e.split(e.entries[i].mask)
	}
	n := 0
	for _, m := range e.parts {
		if m == 0 {
			continue
		}
		if n == len(e.classes) {
			e.classes = append(e.classes, class{})
		}
		c := &e.classes[n]
		if c.granted == nil {
			c.granted, c.undecided = newSet(len(e.p.tokens)), newSet(len(e.p.tokens))
		}
		c.mask = m
		e.decide(c, most)
		n++
	}
	e.used = n
}

// all returns the rights that GENERIC_ALL means for the question's type.
func (e *Evaluator) all() winnt.AccessMask {
	return e.q.Type.Mapping.Map(winnt.GENERIC_ALL) &^ ungranted
}

// decide walks the DACL for one class of rights and stores the tokens that get them. The owner's implicit rights come
// first. Then the first entry that matches a token decides for it. The object's label limits the
// result.
func (e *Evaluator) decide(c *class, most bool) {
	// An object without a DACL grants the whole request, in maximum mode the rights of GENERIC_ALL.
	if !e.d.HasDACL() && (!most || c.mask&e.all() != 0) {
		copy(c.granted, e.plain)
		e.clip(c.mask, c.granted)
		return
	}
	clear(c.granted)
	copy(c.undecided, e.plain)
	if e.owner != nil && c.mask&e.ownBits != 0 {
		e.owner.allow.grant(c.undecided, c.granted)
	}
	for i := range e.entries {
		x := &e.entries[i]
		if x.mask&c.mask == 0 {
			continue
		}
		var more bool
		if x.allow {
			more = x.row.allow.grant(c.undecided, c.granted)
		} else {
			more = x.row.deny.strike(c.undecided)
		}
		if !more {
			break
		}
	}
	e.clip(c.mask, c.granted)
}
