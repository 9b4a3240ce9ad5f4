package kit

import (
	"reflect"
	"slices"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// AccessIn is the input of access_check and access_check_list.
type AccessIn struct {
	Token       *oracle.Token       `json:"token"`
	SD          string              `json:"sd"`
	SDHex       string              `json:"sdHex"`
	Desired     oracle.Word         `json:"desired"`
	Mapping     oracle.Mapping      `json:"mapping"`
	SelfSID     string              `json:"selfSid,omitempty"`
	ObjectTypes []oracle.ObjectType `json:"objectTypes,omitempty"`
	Policies    []PolicyIn          `json:"policies,omitempty"`
}

// PolicyIn is a central access policy in an input.
type PolicyIn struct {
	ID    string   `json:"id"`
	Rules []RuleIn `json:"rules"`
}

// RuleIn is a rule of a PolicyIn. AppliesTo is a condition in SDDL, "" for every object.
type RuleIn struct {
	AppliesTo string `json:"appliesTo,omitempty"`
	SD        string `json:"sd"`
	SDHex     string `json:"sdHex"`
}

// accessIn returns the fields of the question line for q: descriptors and conditions as SDDL text, descriptors
// also in hexadecimal.
func accessIn(q *oracle.AccessCheck) AccessIn {
	in := AccessIn{Token: q.Token, SD: q.SD.SDDL(), SDHex: q.SD.Hex(), Desired: q.Desired, Mapping: q.Mapping,
		SelfSID: q.Self, ObjectTypes: q.Types}
	for _, p := range q.Policies {
		out := PolicyIn{ID: p.ID}
		for _, r := range p.Rules {
			rule := RuleIn{SD: r.SD.SDDL(), SDHex: r.SD.Hex()}
			if r.AppliesTo != nil {
				rule.AppliesTo = r.AppliesTo.Text()
			}
			out.Rules = append(out.Rules, rule)
		}
		in.Policies = append(in.Policies, out)
	}
	return in
}

// check adds an access check to the suite; the expected answer is the oracle's. The question's rules are the given
// ones and then those that the oracle applied.
func (b *builder) check(q *oracle.AccessCheck, rules ...string) {
	var met []string
	// The expected answer comes from the oracle, not from refmon (B-40).
	out, chosen := withChoices(q, func(q *oracle.AccessCheck) *Out {
		d := oracle.Access(q)
		if d.Privileges == nil {
			d.Privileges = []string{}
		}
		if q.Reversed == "" {
			met = d.Rules
		}
		return &Out{Status: d.Status, Granted: &d.Granted, Privileges: &d.Privileges}
	})
	b.add("access_check", accessIn(q), out, append(rules, metRules(met)...)...).choose(chosen)
}

// withChoices computes the expected answer to q, and in chosen the answers of implementations that decide otherwise
// where the documents are silent. For each of refmon's choices it reverses that choice; an answer that differs is in
// chosen.
func withChoices(q *oracle.AccessCheck, answer func(*oracle.AccessCheck) *Out) (out *Out, chosen []*Out) {
	out = answer(q)
	for _, rule := range oracle.Choices {
		reversed := *q
		reversed.Reversed = rule
		if other := answer(&reversed); !reflect.DeepEqual(out, other) {
			chosen = append(chosen, other)
		}
	}
	return out, chosen
}

// choose marks a question whose answer depends on a choice of refmon, where the documents are silent (B-42). chosen
// has the answers that other choices lead to. Without any it does nothing.
func (q *Question) choose(chosen []*Out) {
	if len(chosen) > 0 {
		q.Known, q.Chosen = Decided, chosen
	}
}

// checkList adds an access check with a result for each object type to the suite. The expected answer is the
// oracle's, and rules are as for check.
func (b *builder) checkList(q *oracle.AccessCheck, rules ...string) {
	var met []string
	out, chosen := withChoices(q, func(q *oracle.AccessCheck) *Out {
		nodes, rules := oracle.AccessList(q)
		if q.Reversed == "" {
			met = rules
		}
		return &Out{Results: nodes}
	})
	b.add("access_check_list", accessIn(q), out, append(rules, metRules(met)...)...).choose(chosen)
}

// metRules orders the rules that the oracle applied by their relevance for the question: the last first, without the
// general rules. If there are no others, it returns met.
func metRules(met []string) []string {
	out := slices.DeleteFunc(slices.Clone(met), func(s string) bool { return s == "A-40" || s == "A-70" })
	if len(out) == 0 {
		return met
	}
	slices.Reverse(out)
	return out
}

// plainCheck returns an access check with the generic mapping of files and nothing optional: no self SID,
// object types or policies.
func plainCheck(t *oracle.Token, d *oracle.Descriptor, desired oracle.Word) *oracle.AccessCheck {
	return &oracle.AccessCheck{Token: t, SD: d, Desired: desired, Mapping: oracle.File}
}

// makeAccess builds the suite "access": access checks from one entry up to random tokens and descriptors.
func makeAccess(b *builder) {
	b.oneEntry()
	b.entryOrder()
	b.lists()
	b.implicitOwner()
	b.privileges()
	b.integrity()
	b.restricted()
	b.appContainer()
	b.genericRights()
	b.trees()
	b.mixed()
}

// oneEntry adds access checks about a single entry to the suite: with each kind of SID, and with each set of flags. An
// entry that denies a SID is followed by one that allows everyone everything. SELF is also checked with a self SID.
func (b *builder) oneEntry() {
	tokens := []*oracle.Token{plainToken(), grouped(), plainToken(oracle.Group{SID: groupG, Attributes: 0})}
	deny := grouped()
	deny.UserAttributes = denying
	tokens = append(tokens, deny)
	for _, t := range tokens {
		for _, typ := range []byte{oracle.Allow, oracle.Deny} {
			for _, s := range []string{user, groupG, groupH, everyone, stranger, self, owners, creator} {
				for _, mask := range []oracle.Word{1, 3, 0x10000000} {
					for _, desired := range []oracle.Word{0, 1, 2, 3, maximum, maximum | 1, 0x80000000} {
						d := object(entry(typ, mask, s))
						if typ == oracle.Deny {
							d = object(entry(typ, mask, s), entry(oracle.Allow, 0x1F01FF, everyone))
						}
						rule := []string{"A-1", "A-2"}[typ]
						b.check(plainCheck(t, d, desired), rule)
						if s == self {
							q := plainCheck(t, d, desired)
							q.Self = user
							b.check(q, "A-3")
						}
					}
				}
			}
		}
	}
	for flags := range 32 {
		for _, typ := range []byte{oracle.Allow, oracle.Deny} {
			a := entry(typ, 1, user)
			a.Flags = byte(flags)
			b.check(plainCheck(plainToken(), object(a, entry(oracle.Allow, 2, user)), 1), "A-70")
			b.check(plainCheck(plainToken(), object(a, entry(oracle.Allow, 3, user)), 3), "A-70")
		}
	}
}

// entryOrder adds access checks with DACLs of plain allow and deny entries to the suite: each pair of 24 entries, and
// each three of six of them. MAXIMUM_ALLOWED is asked as well.
func (b *builder) entryOrder() {
	var all []oracle.ACE
	for _, typ := range []byte{oracle.Allow, oracle.Deny} {
		for _, s := range []string{user, groupG, groupH, stranger} {
			for _, mask := range []oracle.Word{1, 2, 3} {
				all = append(all, entry(typ, mask, s))
			}
		}
	}
	for _, x := range all {
		for _, y := range all {
			for _, desired := range []oracle.Word{3, maximum} {
				b.check(plainCheck(grouped(), object(x, y), desired), "A-70")
			}
		}
	}
	short := []oracle.ACE{all[0], all[1], all[3], all[12], all[13], all[15]} // rights 1 and 2 for the user, 1 for G
	for _, x := range short {
		for _, y := range short {
			for _, z := range short {
				for _, desired := range []oracle.Word{3, maximum, maximum | 2} {
					b.check(plainCheck(grouped(), object(x, y, z), desired), "A-70")
				}
			}
		}
	}
}

// lists adds access checks with a missing, a NULL and an empty DACL to the suite.
func (b *builder) lists() {
	for _, l := range []*oracle.ACL{nil, {Null: true}, {}} {
		for _, owner := range []string{system, user, groupG} {
			for _, t := range []*oracle.Token{plainToken(), grouped()} {
				for _, desired := range []oracle.Word{1, 0x20000, 0x60000, 0x80000, 0x10000000, 0x1F01FF, maximum,
					maximum | 1, 0x02000000 | 0x80000} {
					rule := "A-42"
					if l != nil && !l.Null {
						rule = "A-43"
					}
					b.check(plainCheck(t, &oracle.Descriptor{Owner: owner, Group: system, DACL: l}, desired), rule)
				}
			}
		}
	}
}

// implicitOwner adds access checks about the owner's implicit rights. The owner is the user, an enabled group, a
// disabled group or a stranger. The DACL has an entry for OWNER RIGHTS (also inherit-only), denies Everyone, or
// neither. The token may have restricting SIDs.
func (b *builder) implicitOwner() {
	var none oracle.ACE
	inheritOnly := entry(oracle.Allow, 1, owners)
	inheritOnly.Flags = oracle.InheritOnly | oracle.ContainerInherit
	for _, owner := range []string{user, groupG, groupH, stranger} {
		for _, a := range []oracle.ACE{none, entry(oracle.Allow, 0x20000, owners), entry(oracle.Deny, 0x40000, owners),
			inheritOnly, entry(oracle.Deny, 0x60000, everyone), entry(oracle.Allow, 1, owners)} {
			for _, desired := range []oracle.Word{1, 0x20000, 0x40000, 0x60000, 0x60001, 0x80000, maximum} {
				for _, restricting := range [][]string{nil, {user}, {everyone}, {groupG, everyone}} {
					t := grouped()
					t.Restricting = restricting
					d := object(entry(oracle.Allow, 1, everyone))
					if d.Owner = owner; a.SID != "" {
						d.DACL.Entries = append([]oracle.ACE{a}, d.DACL.Entries...)
					}
					b.check(plainCheck(t, d, desired), "A-56")
				}
			}
		}
	}
}

// privileges adds access checks about the rights that privileges grant to the suite. The three that grant rights are
// absent, disabled or enabled in every combination. Eleven others, enabled one at a time, grant nothing.
func (b *builder) privileges() {
	names := []string{"SeSecurityPrivilege", "SeTakeOwnershipPrivilege", "SeRelabelPrivilege"}
	for state := range 27 {
		t := plainToken()
		for i, n := 0, state; i < 3; i, n = i+1, n/3 {
			if n%3 > 0 {
				t.Privileges = append(t.Privileges, oracle.Privilege{Name: names[i],
					Attributes: oracle.Word(n%3-1) * 2})
			}
		}
		for _, d := range []*oracle.Descriptor{object(), object(entry(oracle.Allow, 0x80001, everyone)),
			object(entry(oracle.Deny, 0x80000, everyone), entry(oracle.Allow, 0x1F01FF, everyone))} {
			for _, desired := range []oracle.Word{1, saclBit, 0x80000, saclBit | 0x80000, saclBit | 1, 0x80001, maximum,
				maximum | saclBit, maximum | 0x80000} {
				b.check(plainCheck(t, d, desired), "A-51")
			}
		}
	}
	for _, name := range []string{"SeBackupPrivilege", "SeRestorePrivilege", "SeDebugPrivilege", "SeTcbPrivilege",
		"SeImpersonatePrivilege", "SeChangeNotifyPrivilege", "SeManageVolumePrivilege", "SeAuditPrivilege",
		"SeLoadDriverPrivilege", "SeCreateTokenPrivilege", "SeAssignPrimaryTokenPrivilege"} {
		t := plainToken()
		t.Privileges = []oracle.Privilege{{Name: name, Attributes: 3}}
		for _, desired := range []oracle.Word{1, 2, 0x20000, 0x80000, saclBit, maximum} {
			b.check(plainCheck(t, object(entry(oracle.Allow, 1, user)), desired), "A-55")
		}
	}
}

// integrity adds access checks with labels of objects and integrity levels of tokens to the suite: each level with each
// label and policy, and without a label. Labels of level High also meet a token without mandatory policy, and one with
// SeRelabelPrivilege.
func (b *builder) integrity() {
	levels := map[oracle.Word]string{0: "S-1-16-0", 0x1000: "S-1-16-4096", 0x2000: "S-1-16-8192",
		0x3000: "S-1-16-12288",
		0x4000: "S-1-16-16384"}
	order := []oracle.Word{0, 0x1000, 0x2000, 0x3000, 0x4000}
	for _, level := range order {
		for policy := range 8 {
			for _, of := range append(order, 1) { // of is the object's level; 1 means no label
				if levels[of] == "" && policy != 1 || level == 0 && policy%2 == 0 {
					continue
				}
				for _, desired := range []oracle.Word{0x120089, 0x120116, 0x1200A0, 0x80000, maximum} {
					t := plainToken()
					t.Integrity = level
					d := object(entry(oracle.Allow, 0x1F01FF, everyone))
					if levels[of] != "" {
						d.SACL = list(entry(oracle.MandatoryLabel, oracle.Word(policy), levels[of]))
					}
					b.check(plainCheck(t, d, desired), "A-60")
					if of == 0x3000 && desired != 0x120089 {
						free := *t
						free.MandatoryPolicy = 0
						b.check(plainCheck(&free, d, desired), "A-60")
						able := *t
						able.Privileges = []oracle.Privilege{{Name: "SeRelabelPrivilege", Attributes: 2}}
						b.check(plainCheck(&able, d, desired), "A-62")
					}
				}
			}
		}
	}
}
