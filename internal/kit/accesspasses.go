package kit

import (
	"github.com/refmon/refmon/internal/kit/oracle"
)

// restricted adds access checks by tokens with restricting SIDs to the suite: all combinations of some lists,
// restrictions and requests, and a missing and an empty DACL.
func (b *builder) restricted() {
	a, d := oracle.Word(oracle.Allow), oracle.Word(oracle.Deny)
	e := func(typ oracle.Word, mask oracle.Word, s string) oracle.ACE { return entry(byte(typ), mask, s) }
	dacls := [][]oracle.ACE{
		{e(a, 3, everyone)}, {e(a, 3, user)}, {e(a, 3, user), e(a, 1, limited)}, {e(a, 3, limited)},
		{e(d, 2, limited), e(a, 3, everyone)}, {e(d, 2, groupG), e(a, 3, everyone), e(a, 3, limited)},
		{e(a, 0x1F01FF, user), e(a, 1, groupX)}, {e(a, 1, groupX), e(d, 2, groupX), e(a, 3, everyone)},
		{e(a, 0x1F01FF, user)}, {e(a, 0x1F01FF, user), e(a, 0x120116, limited)},
	}
	for _, dacl := range dacls {
		for _, restricting := range [][]string{{everyone}, {user}, {limited}, {groupX}, {everyone, groupX}, {groupG,
			limited}} {
			for _, writing := range []bool{false, true} {
				for _, desired := range []oracle.Word{1, 2, 3, 0x120089, 0x10000, 0x60000, maximum, maximum | 2} {
					t := grouped()
					t.Restricting, t.WriteRestricted = restricting, writing
					b.check(plainCheck(t, object(dacl...), desired), "A-90")
				}
			}
		}
	}
	for _, l := range []*oracle.ACL{nil, {}} {
		t := grouped()
		t.Restricting = []string{limited}
		for _, desired := range []oracle.Word{1, maximum} {
			b.check(plainCheck(t, &oracle.Descriptor{Owner: system, Group: system, DACL: l}, desired), "A-93")
		}
	}
}

// appContainer adds access checks by tokens of packages with a capability to the suite, ordinary and less privileged
// ones. The DACL has two entries, or is missing, NULL or empty.
func (b *builder) appContainer() {
	var all []oracle.ACE
	for _, typ := range []byte{oracle.Allow, oracle.Deny} {
		for _, s := range []string{user, everyone, pack, internet, packages, lessPack} {
			all = append(all, entry(typ, 1, s), entry(typ, 3, s))
		}
	}
	for _, low := range []bool{false, true} {
		t := plainToken()
		t.AppContainer, t.Capabilities, t.LowPrivilege, t.Integrity = pack, []string{internet}, low, 0x1000
		for i, x := range all {
			for j, y := range all {
				if i%2 == 1 && j%2 == 1 || (i+j)%3 == 1 {
					continue
				}
				for _, desired := range []oracle.Word{1, 3, maximum} {
					b.check(plainCheck(t, object(x, y), desired), "A-94")
				}
			}
		}
		for _, l := range []*oracle.ACL{nil, {Null: true}, {}} {
			for _, desired := range []oracle.Word{1, 0x20000, maximum} {
				for _, owner := range []string{user, system} {
					b.check(plainCheck(t, &oracle.Descriptor{Owner: owner, Group: system, DACL: l}, desired), "A-96")
				}
			}
		}
	}
}

// genericRights adds access checks with generic rights, in requests and in entries, to the suite.
func (b *builder) genericRights() {
	for _, m := range []oracle.Mapping{oracle.File, oracle.Key, oracle.Directory} {
		for bits := range 16 {
			for _, granted := range []oracle.Word{m.Read, m.Write, m.Execute, m.All, m.Read | m.Write, 0x1F01FF} {
				q := plainCheck(plainToken(), object(entry(oracle.Allow, granted, user)), oracle.Word(bits)<<28)
				q.Mapping = m
				b.check(q, "A-34")
			}
			for _, desired := range []oracle.Word{m.Read, m.Write, m.All, 1, maximum} {
				for _, typ := range []byte{oracle.Allow, oracle.Deny} {
					q := plainCheck(plainToken(), object(entry(typ, oracle.Word(bits)<<28, user),
						entry(oracle.Allow, 1, user)), desired)
					q.Mapping = m
					b.check(q, "A-45")
				}
			}
		}
	}
}

// GUIDs of object types.
const (
	guidA = "00000001-0000-0000-0000-00000000000a"
	guidB = "00000002-0000-0000-0000-00000000000b"
	guidC = "00000003-0000-0000-0000-00000000000c"
	guidD = "00000004-0000-0000-0000-00000000000d"
	guidE = "00000005-0000-0000-0000-00000000000e" // in no list
)

var treeShapes = [][]oracle.ObjectType{
	{{Level: 0, GUID: guidA}},
	{{Level: 0, GUID: guidA}, {Level: 1, GUID: guidB}},
	{{Level: 0, GUID: guidA}, {Level: 1, GUID: guidB}, {Level: 1, GUID: guidC}},
	{{Level: 0, GUID: guidA}, {Level: 1, GUID: guidB}, {Level: 2, GUID: guidC}, {Level: 1, GUID: guidD}},
}

// trees adds access checks with object entries to the suite, with and without an object type list. It includes a
// third of the combinations.
func (b *builder) trees() {
	var all []oracle.ACE
	for _, guid := range []string{"", guidA, guidB, guidC, guidE} {
		for _, typ := range []byte{oracle.AllowObject, oracle.DenyObject} {
			a := entry(typ, 1, user)
			a.Object = guid
			if all = append(all, a); guid == guidB || guid == guidC {
				a.Mask = 3
				all = append(all, a)
			}
		}
	}
	for i, x := range all {
		for j, y := range all {
			for n, types := range treeShapes {
				for _, desired := range []oracle.Word{1, 3, maximum} {
					if (i+j+n)%3 != 0 {
						continue
					}
					q := plainCheck(plainToken(), object(x, y, entry(oracle.Allow, 2, user)), desired)
					if n == 0 {
						b.check(q, "A-80")
					}
					with := *q
					with.Types = types
					b.check(&with, "A-81")
					b.checkList(&with, "A-85")
				}
			}
		}
	}
}

// mixed adds access checks with tokens, descriptors and requests drawn at random to the suite.
func (b *builder) mixed() {
	b.drawn = true
	r := source(1)
	for i := range 900 {
		q := plainCheck(randomToken(r), randomObject(r), pick(r, []oracle.Word{1, 2, 3, 0x20000, 0x40000, 0x80000,
			saclBit,
			0x120089, 0x80000000, 0x10000000, maximum, maximum | 1}))
		if r.IntN(3) == 0 {
			q.Self = pick(r, []string{user, groupG})
		}
		if i%3 == 0 {
			q.Types = pick(r, treeShapes)
			b.checkList(q, "A-86")
		}
		b.check(q, "A-40")
	}
}
