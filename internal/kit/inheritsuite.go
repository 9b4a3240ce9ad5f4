package kit

import (
	"slices"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// InheritIn is the input of inherit.
type InheritIn struct {
	Parent         string         `json:"parent,omitempty"`
	ParentHex      string         `json:"parentHex,omitempty"`
	Creator        string         `json:"creator,omitempty"`
	CreatorHex     string         `json:"creatorHex,omitempty"`
	Directory      bool           `json:"directory"`
	Owner          string         `json:"owner"`
	Group          string         `json:"group"`
	DefaultDACL    string         `json:"defaultDacl,omitempty"`
	DefaultDACLHex string         `json:"defaultDaclHex,omitempty"`
	AutoInherit    bool           `json:"autoInherit"`
	ObjectType     string         `json:"objectType,omitempty"`
	Mapping        oracle.Mapping `json:"mapping"`
}

// inherits adds a question about a new object's descriptor to the suite. The expected answer is the oracle's; other
// answers that the documents allow are right too. If q has no owner, it sets owner, group and the mapping of files.
func (b *builder) inherits(q oracle.Inheritance, rules ...string) {
	if q.Owner == "" {
		q.Owner, q.Group, q.Mapping = user, groupG, oracle.File
	}
	in := InheritIn{Directory: q.Directory, Owner: q.Owner, Group: q.Group, AutoInherit: q.Auto, ObjectType: q.Class,
		Mapping: q.Mapping}
	for _, d := range []struct {
		from     *oracle.Descriptor
		sddl, to *string
	}{{q.Parent, &in.Parent, &in.ParentHex}, {q.Creator, &in.Creator, &in.CreatorHex}, {q.Default, &in.DefaultDACL,
		&in.DefaultDACLHex}} {
		if d.from != nil {
			*d.sddl, *d.to = d.from.SDDL(), d.from.Hex()
		}
	}
	out := oracle.Inherit(&q)
	question := b.add("inherit", in, &Out{SDDL: out.SDDL(), Hex: out.Hex()}, rules...)
	// MS-DTYP 2.5.3.4.2 always leaves out what the creator marked as inherited. By its own choice, S-63 keeps it unless
	// the parent's entries replace it.
	if marks(q.Creator) && (!q.Auto || q.Creator.Control&(oracle.DACLProtected|oracle.SACLProtected) != 0) {
		question.Known = Decided
	}
	// CreatePrivateObjectSecurityEx documents that nothing is inherited without the automatic flags. Windows was recorded
	// to inherit then (S-66).
	if !q.Auto {
		alone := q // (B-41)
		alone.Parent = nil
		question.allow(out, oracle.Inherit(&alone))
	}
	// MS-DTYP 2.5.3.4.3 leaves out inherit-only entries that name no kind of child. S-65 keeps them.
	if c := inheritable(q.Creator); c != nil {
		some := q
		some.Creator = c
		question.allow(out, oracle.Inherit(&some))
		if !q.Auto {
			some.Parent = nil
			question.allow(out, oracle.Inherit(&some))
		}
	}
}

// allow adds another descriptor to the right answers of q. It does nothing if other equals out, the first right
// answer.
func (q *Question) allow(out, other *oracle.Descriptor) {
	if other.Hex() != out.Hex() {
		q.Either = append(q.Either, &Out{SDDL: other.SDDL(), Hex: other.Hex()})
	}
}

// inheritable returns a copy of d without inherit-only entries that name no kind of child; nil if d has none. d is
// unchanged.
func inheritable(d *oracle.Descriptor) *oracle.Descriptor {
	if d == nil {
		return nil
	}
	const kinds = oracle.ObjectInherit | oracle.ContainerInherit
	without, found := *d, false
	for _, l := range []**oracle.ACL{&without.DACL, &without.SACL} {
		if *l == nil {
			continue
		}
		kept := **l
		kept.Entries = slices.DeleteFunc(slices.Clone(kept.Entries), func(a oracle.ACE) bool {
			return a.Flags&(oracle.InheritOnly|kinds) == oracle.InheritOnly
		})
		found = found || len(kept.Entries) < len((*l).Entries)
		*l = &kept
	}
	if !found {
		return nil
	}
	return &without
}

// marks reports whether the DACL or SACL of d has an entry with the inherited flag. It returns false for nil.
func marks(d *oracle.Descriptor) bool {
	if d == nil {
		return false
	}
	for _, l := range []*oracle.ACL{d.DACL, d.SACL} {
		if l != nil && slices.ContainsFunc(l.Entries, func(a oracle.ACE) bool { return a.Flags&oracle.Inherited != 0 }) {
			return true
		}
	}
	return false
}

// both adds four questions about the creation of an object to the suite: for a file and for a directory, each with
// and without automatic inheritance.
func (b *builder) both(q oracle.Inheritance, rules ...string) {
	for _, dir := range []bool{false, true} {
		for _, auto := range []bool{false, true} {
			q.Directory, q.Auto = dir, auto
			b.inherits(q, rules...)
		}
	}
}

// makeInherit builds the suite "inherit": descriptors of new objects, from single entries of the parent to
// random parents and creators.
func makeInherit(b *builder) {
	b.parentEntries()
	b.creatorLists()
	b.classes()
	b.systemEntries()
	b.drawn = true
	r := source(4)
	for range 900 {
		draw := func() *oracle.Descriptor {
			if r.IntN(5) == 0 {
				return nil
			}
			d := randomObject(r)
			if d.SACL = nil; r.IntN(2) == 0 {
				d.Owner = ""
			}
			for i := range d.DACL.Entries {
				d.DACL.Entries[i].Flags = byte(r.IntN(32))
			}
			d.Control = oracle.Word(r.IntN(2)) * oracle.DACLProtected
			return d
		}
		q := oracle.Inheritance{Parent: draw(), Creator: draw(), Directory: r.IntN(2) == 0, Auto: r.IntN(2) == 0}
		b.inherits(q, "S-63", "S-66")
	}
}

// parentEntries adds questions with one entry of the parent, with each set of flags, to the suite.
func (b *builder) parentEntries() {
	for flags := range 32 {
		for _, typ := range []byte{oracle.Allow, oracle.Deny, oracle.Audit} {
			for i, s := range []string{everyone, creator, creators, owners, "S-1-3-2"} {
				for _, mask := range []oracle.Word{1, 0x80000001} {
					if i > 1 && (mask != 1 || typ != oracle.Allow) {
						continue
					}
					a := entry(typ, mask, s)
					a.Flags = byte(flags)
					parent := &oracle.Descriptor{Owner: system, Group: system, DACL: list(a)}
					if typ == oracle.Audit {
						a.Flags |= oracle.AuditSuccess
						parent.DACL, parent.SACL = list(entry(oracle.Allow, 1, everyone)), list(a)
					}
					rules := []string{"S-66"}
					if s != everyone || mask != 1 {
						rules = []string{"S-67", "S-68", "S-66"}
					}
					b.both(oracle.Inheritance{Parent: parent}, rules...)
				}
			}
		}
	}
}

// creatorLists adds questions to the suite that combine the DACLs of creator and parent and the token's default.
func (b *builder) creatorLists() {
	given := entry(oracle.Allow, 2, user)
	marked := given
	marked.Flags = oracle.Inherited
	spread := entry(oracle.Allow, 0x80000000, creator)
	spread.Flags = oracle.ContainerInherit
	only := spread
	only.Flags |= oracle.InheritOnly
	passes := entry(oracle.Deny, 1, stranger)
	passes.Flags = oracle.ObjectInherit | oracle.ContainerInherit
	lists := []*oracle.ACL{nil, {Null: true}, {}, list(given), list(marked), list(given, marked), list(spread),
		list(only),
		list(passes), list(passes, given)}
	for i, c := range lists {
		for j, p := range lists {
			for _, protected := range []oracle.Word{0, oracle.DACLProtected, oracle.DACLAutoRequest} {
				if c == nil && protected != 0 || (i+j)%2 == 1 && protected == oracle.DACLAutoRequest {
					continue
				}
				for _, def := range []*oracle.Descriptor{nil, {DACL: list(entry(oracle.Allow, 0x10000000, system))}} {
					b.both(oracle.Inheritance{Creator: &oracle.Descriptor{Owner: stranger, DACL: c, Control: protected},
						Parent: &oracle.Descriptor{Owner: system, Group: system, DACL: p}, Default: def}, "S-63",
						"S-64", "S-65")
				}
			}
		}
	}
	b.both(oracle.Inheritance{}, "S-63", "S-61")
	b.both(oracle.Inheritance{Creator: &oracle.Descriptor{Group: groupH}}, "S-62", "S-63")
}

// classes adds questions about entries that only children of one class inherit.
func (b *builder) classes() {
	for flags := range 8 {
		for _, class := range []string{"", guidA, guidB} {
			for _, typ := range []byte{oracle.AllowObject, oracle.DenyObject} {
				for _, property := range []string{"", guidC} {
					a := entry(typ, 0x20000010, creator)
					a.Flags, a.Object, a.Class = byte(flags), property, guidA
					b.both(oracle.Inheritance{Parent: &oracle.Descriptor{Owner: system, Group: system, DACL: list(a)},
						Class: class,
						Owner: user, Group: groupG, Mapping: oracle.Directory}, "S-69", "S-66")
				}
			}
		}
	}
}

// systemEntries adds questions to the suite with entries of the parent's SACL.
func (b *builder) systemEntries() {
	spread := byte(oracle.ObjectInherit | oracle.ContainerInherit)
	for _, flags := range []byte{0, spread, oracle.ObjectInherit, oracle.ContainerInherit | oracle.NoPropagate} {
		label := entry(oracle.MandatoryLabel, 1, "S-1-16-8192")
		attr := attribute(resources[0])
		still := attribute(oracle.Claim{Name: "here", Type: "int64", Values: []string{"1"}, Flags: 1})
		policy := entry(oracle.ScopedPolicy, 0, "S-1-17-1")
		watch := entry(oracle.Audit, 0x80000000, everyone)
		watch.Flags = oracle.AuditFailure
		for _, a := range []oracle.ACE{label, attr, still, policy, watch} {
			a.Flags |= flags
			own := watch
			own.SID = user
			for _, c := range []*oracle.Descriptor{nil, {SACL: list(own)}, {SACL: list(own),
				Control: oracle.SACLProtected},
				{SACL: &oracle.ACL{}}} {
				b.both(oracle.Inheritance{Parent: &oracle.Descriptor{Owner: system, Group: system,
					DACL: list(entry(oracle.Allow, 1, user)), SACL: list(a)}, Creator: c}, "S-70", "S-63")
			}
		}
	}
}
