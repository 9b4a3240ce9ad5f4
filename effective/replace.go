package effective

import (
	"slices"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Difference describes the descriptors for which principals may get other answers than those they replace. The zero
// value means that no answer differs.
type Difference struct {
	all  bool                 // any answer may differ
	some bool                 // a token differs
	sids map[sid.SID]struct{} // that a token has gained or lost
}

// Affects reports whether the answer for a descriptor can differ. It is false for nil, which always denies. It
// may be true for an equal answer. A descriptor with conditions, resource attributes or PRINCIPAL SELF always counts
// once the tokens differ.
func (f *Difference) Affects(d *sd.Descriptor) bool {
	const dataInDACL = sd.HasExtras | sd.HasOthers | sd.HasPrincipalSelf
	const dataInSACL = sd.HasExtras | sd.HasTrustLabel | sd.HasAccessFilter | sd.HasScopedPolicy
	switch {
	case d == nil || !f.some:
		return false
	case f.all || d.DACL().Facts()&dataInDACL != 0 || d.SACL().Facts()&dataInSACL != 0:
		return true
	}
	// Only SIDs that a token gained or lost can change the result, as owner or in an entry.
	if _, differs := f.sids[d.Owner()]; differs {
		return true
	}
	if dacl := d.DACL(); dacl != nil {
		entries := dacl.Entries()
		for i := range entries {
			if _, differs := f.sids[entries[i].SID]; differs {
				return true
			}
		}
	}
	return false
}

// Replace returns principals of other tokens, in the order of p's, and how they differ from p. It updates only the
// rows of tokens that are not the same pointer as in p. It compiles all tokens, so that any answer may differ, in these
// cases: the number of tokens changed, tokens of p share a column, the config has policies or a callback, or a token
// differs in more than its SIDs and claims. tokens[i] must not be nil.
func (p *Principals) Replace(tokens []*token.Token) (*Principals, *Difference) {
	f := &Difference{sids: map[sid.SID]struct{}{}}
	if p.column != nil || len(tokens) != len(p.tokens) || p.cfg.Policies != nil || p.cfg.Options.Callback != nil {
		f.some, f.all = true, true
		return Compile(tokens, p.cfg), f
	}
	edits := map[sid.SID][]edit{}
	for i, t := range tokens {
		if was := p.tokens[i]; was != t {
			f.some = true
			if !sameBesideSIDs(was, t) {
				f.all = true
				return Compile(tokens, p.cfg), f
			}
			compare(edits, uint32(i), was, t)
		}
	}
	next := *p
	next.tokens = slices.Clone(tokens)
	next.edit(edits)
	for s := range edits {
		f.sids[s] = struct{}{}
	}
	// In expressions Everyone means all principals.
	_, f.all = edits[sid.Everyone]
	return &next, f
}

// sameBesideSIDs reports whether the matrix can be updated for a changed token: two tokens differ at most in their SIDs
// and in data that only conditions read.
func sameBesideSIDs(a, b *token.Token) bool {
	plain := func(t *token.Token) bool { return !t.IsRestricted() && !t.IsAppContainer() }
	return plain(a) && plain(b) && a.Enabled() == b.Enabled() && a.Integrity() == b.Integrity() &&
		a.MandatoryPolicy() == b.MandatoryPolicy() && a.TrustLevel() == b.TrustLevel()
}

// edit is a change of the matrix: whether the token of a column now has the row's SID, for allow and for deny entries.
type edit struct {
	column      uint32
	allow, deny bool
}

// compare finds the changes of the matrix when the token of a column changes from was to is, and adds them to edits by
// SID. An edit without bits clears the column.
func compare(edits map[sid.SID][]edit, column uint32, was, is *token.Token) {
	before, after := was.SIDs(), is.SIDs()
	for i := range after.Len() {
		s := after.At(i)
		hash := s.Hash()
		e := edit{column, is.AllowBits().Has(i), is.DenyBits().Has(i)}
		if !e.allow && !e.deny && after.Find(hash, s) != i { // for equal SIDs the first index has the bits
			continue
		}
		had := edit{column: column}
		if at := before.Find(hash, s); at >= 0 {
			had.allow, had.deny = was.AllowBits().Has(at), was.DenyBits().Has(at)
		}
		if e != had {
			edits[s] = append(edits[s], e)
		}
	}
	for i := range before.Len() {
		s := before.At(i)
		if i < after.Len() && after.At(i) == s || !was.AllowBits().Has(i) && !was.DenyBits().Has(i) {
			continue
		}
		if after.Find(s.Hash(), s) < 0 {
			edits[s] = append(edits[s], edit{column: column})
		}
	}
}

// edit applies changes to the rows of the matrix, and adds a row for each new SID. It copies the rows, so that other
// Principals that share them are not affected.
func (p *Principals) edit(edits map[sid.SID][]edit) {
	p.rows = slices.Clone(p.rows)
	var added []sid.SID
	for s, list := range edits {
		at := p.sids.Find(s.Hash(), s)
		if at < 0 {
			at = len(p.rows)
			added, p.rows = append(added, s), append(p.rows, row{})
		}
		r := &p.rows[at]
		allow, deny := r.allow.set(p.width), r.deny.set(p.width)
		for _, e := range list {
			put(allow, e.column, e.allow)
			put(deny, e.column, e.deny)
		}
		r.allow = newVector(members(allow), p.width)
		if r.deny = r.allow; !allow.Equal(deny) {
			r.deny = newVector(members(deny), p.width)
		}
	}
	if len(added) > 0 {
		all := make([]sid.SID, 0, len(p.rows))
		for i := range p.sids.Len() {
			all = append(all, p.sids.At(i))
		}
		p.sids = sidset.New(append(all, added...))
	}
}

// put adds column to a set if in is true, else removes it.
func put(s Set, column uint32, in bool) {
	if s[column/64] &^= 1 << (column % 64); in {
		s[column/64] |= 1 << (column % 64)
	}
}

// members returns the columns of a set in ascending order.
func members(s Set) []uint32 {
	out := make([]uint32, 0, s.Count())
	for c := range s.All() {
		out = append(out, uint32(c))
	}
	return out
}
