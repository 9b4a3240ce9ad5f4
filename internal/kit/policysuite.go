package kit

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// claimed returns a token with claims of every type in the user's list, and two in the device's. The user's list also
// has a case-sensitive, a disabled and a deny-only claim.
func claimed() *oracle.Token {
	t := grouped()
	t.UserClaims = []oracle.Claim{
		{Name: "i", Type: "int64", Values: []string{"1"}}, {Name: "zero", Type: "int64", Values: []string{"0"}},
		{Name: "big", Type: "uint64", Values: []string{"18446744073709551615"}},
		{Name: "ii", Type: "int64", Values: []string{"1", "2"}}, {Name: "s", Type: "string", Values: []string{"a"}},
		{Name: "none", Type: "string", Values: []string{""}}, {Name: "ss", Type: "string", Values: []string{"a", "b"}},
		{Name: "case", Type: "string", Values: []string{"a"}, Flags: 2}, {Name: "t", Type: "boolean",
			Values: []string{"1"}},
		{Name: "f", Type: "boolean", Values: []string{"0"}}, {Name: "d", Type: "sid", Values: []string{everyone}},
		{Name: "x", Type: "octets", Values: []string{"0102"}}, {Name: "off", Type: "int64", Values: []string{"1"},
			Flags: 0x10},
		{Name: "deny", Type: "int64", Values: []string{"1"}, Flags: 4},
	}
	t.DeviceClaims = []oracle.Claim{{Name: "i", Type: "int64", Values: []string{"2"}},
		{Name: "only", Type: "string", Values: []string{"D"}}}
	t.DeviceGroups = []oracle.Group{{SID: groupX, Attributes: on}}
	return t
}

// resources are attributes of the object.
var resources = []oracle.Claim{{Name: "level", Type: "int64", Values: []string{"1"}},
	{Name: "depts", Type: "string", Values: []string{"a", "c"}}, {Name: "secret", Type: "boolean",
		Values: []string{"1"}}}

// attribute returns a SACL entry that gives the object the resource attribute c.
func attribute(c oracle.Claim) oracle.ACE {
	return oracle.ACE{Type: oracle.ResourceAttribute, SID: everyone, Claim: &c}
}

// conditional returns a descriptor whose first entry has condition c, and whose SACL has the attributes in resources.
// After a deny entry there is an entry that allows the same. A nil c gives an entry without a condition.
func conditional(typ byte, c *oracle.Cond) *oracle.Descriptor {
	a := entry(typ, 1, everyone)
	a.Cond = c
	d := object(a)
	if typ == oracle.DenyCallback {
		d.DACL.Entries = append(d.DACL.Entries, entry(oracle.Allow, 1, everyone))
	}
	d.SACL = &oracle.ACL{}
	for _, c := range resources {
		d.SACL.Entries = append(d.SACL.Entries, attribute(c))
	}
	return d
}

// makePolicy builds the suite "policy": conditions of entries, each operator with each kind of operand, and
// central access policies.
func makePolicy(b *builder) {
	for _, c := range relations() {
		b.condition(c, relationRule(c))
	}
	for _, r := range references() {
		b.condition(&oracle.Cond{Left: r}, "A-111")
		b.condition(&oracle.Cond{Op: "Exists", Left: r}, "A-115")
		b.condition(&oracle.Cond{Op: "Not_Exists", Left: r}, "A-115")
	}
	for _, c := range memberships() {
		b.condition(c, "A-116")
	}
	b.central()
	b.drawn = true
	for _, c := range combined() {
		b.condition(c, "A-111")
	}
}

// refs returns the attributes that a condition reads, nil if it reads none. c must not be nil.
func refs(c *oracle.Cond) (out []oracle.Ref) {
	for _, k := range c.Kids {
		out = append(out, refs(k)...)
	}
	if c.Left != nil {
		out = append(out, *c.Left)
	}
	if c.Right != nil && c.Right.Ref != nil {
		out = append(out, *c.Right.Ref)
	}
	return out
}

// condition adds two access checks to the suite, with c in an allow and in a deny entry. Token and object have only the
// attributes that c reads.
func (b *builder) condition(c *oracle.Cond, rule string) {
	t, reads := claimed(), refs(c)
	keep := func(scope string, list []oracle.Claim) []oracle.Claim {
		return slices.DeleteFunc(list, func(a oracle.Claim) bool {
			return !slices.ContainsFunc(reads, func(r oracle.Ref) bool {
				return r.Scope == scope && strings.EqualFold(r.Name, a.Name)
			})
		})
	}
	t.UserClaims, t.DeviceClaims = keep("User", t.UserClaims), keep("Device", t.DeviceClaims)
	if !strings.Contains(c.Text(), "Device_") {
		t.DeviceGroups = nil
	}
	for _, typ := range []byte{oracle.AllowCallback, oracle.DenyCallback} {
		d := conditional(typ, c)
		d.SACL = nil
		for _, a := range keep("Resource", slices.Clone(resources)) {
			if d.SACL == nil {
				d.SACL = &oracle.ACL{}
			}
			d.SACL.Entries = append(d.SACL.Entries, attribute(a))
		}
		b.check(plainCheck(t, d, 1), append([]string{rule}, special(c, reads)...)...)
	}
}

// relationRule returns the id of the rule that defines the operator of a relation.
func relationRule(c *oracle.Cond) string {
	switch {
	case strings.HasSuffix(c.Op, "Contains") || strings.HasSuffix(c.Op, "Any_of"):
		return "A-114"
	case c.Op == "==" || c.Op == "!=":
		set := func(r *oracle.Ref) bool { return r != nil && (r.Name == "ii" || r.Name == "ss" || r.Name == "depts") }
		if c.Right.List || set(c.Left) || set(c.Right.Ref) {
			return "A-113"
		}
	}
	return "A-112"
}

// special returns the rules that a condition exercises by its attributes: deny-only, disabled or missing ones, and
// booleans in relations and expressions. reads are the attributes that c reads.
func special(c *oracle.Cond, reads []oracle.Ref) (rules []string) {
	for _, r := range reads {
		switch r.Name {
		case "deny":
			rules = append(rules, "A-151")
		case "off", "missing":
			rules = append(rules, "A-110")
		case "t", "f", "secret":
			if c.Right != nil || len(c.Kids) > 0 {
				rules = append(rules, "A-155")
			}
		}
	}
	return rules
}

// references returns the attributes on the left side of the suite's conditions, also ones that no token or
// object has.
func references() (out []*oracle.Ref) {
	for _, name := range []string{"i", "I", "zero", "big", "ii", "s", "none", "ss", "case", "t", "f", "d", "x", "off",
		"deny",
		"missing"} {
		out = append(out, &oracle.Ref{Scope: "User", Name: name})
	}
	return append(out, &oracle.Ref{Scope: "Device", Name: "i"}, &oracle.Ref{Scope: "Device", Name: "only"},
		&oracle.Ref{Scope: "Resource", Name: "level"}, &oracle.Ref{Scope: "Resource", Name: "depts"},
		&oracle.Ref{Scope: "Resource", Name: "secret"}, &oracle.Ref{Scope: "Resource", Name: "missing"})
}

// operands returns the right sides of relations: single values, lists, and attributes, one of which is missing.
func operands() (out []*oracle.Operand) {
	lit := func(typ string, texts ...string) (list []oracle.Literal) {
		for _, t := range texts {
			list = append(list, oracle.Literal{Type: typ, Text: t})
		}
		return list
	}
	for _, l := range [][]oracle.Literal{lit("int64", "0"), lit("int64", "1"), lit("int64", "2"), lit("int64", "-1"),
		lit("string", "a"), lit("string", "A"), lit("string", "b"), lit("string", ""), lit("sid", everyone),
		lit("sid", user),
		lit("octets", "0102"), lit("octets", "01"), lit("octets", "02")} {
		out = append(out, &oracle.Operand{Values: l})
	}
	for _, l := range [][]oracle.Literal{lit("int64", "1"), lit("int64", "1", "2"), lit("int64", "2", "1"),
		lit("int64", "1", "3"),
		lit("string", "a"), lit("string", "a", "b"), lit("string", "B", "A"), lit("string", "c", "a"), lit("sid",
			everyone),
		lit("sid", user, everyone)} {
		out = append(out, &oracle.Operand{Values: l, List: true})
	}
	for _, r := range []oracle.Ref{{Scope: "User", Name: "i"}, {Scope: "User", Name: "ii"}, {Scope: "User", Name: "ss"},
		{Scope: "Resource", Name: "level"}, {Scope: "Resource", Name: "depts"}, {Scope: "User", Name: "missing"}} {
		out = append(out, &oracle.Operand{Ref: &r})
	}
	return out
}

// relations returns every third condition of the table of attributes, operands and operators, to keep the suite small.
// It omits conditions whose result the documents do not say.
func relations() (out []*oracle.Cond) {
	for i, left := range references() {
		for j, right := range operands() {
			for k, op := range []string{"==", "!=", "<", "<=", ">", ">=", "Contains", "Any_of", "Not_Contains",
				"Not_Any_of"} {
				if (i*7+j*3+k)%3 == 0 && settled(left, op, right) { // every third combination
					out = append(out, &oracle.Cond{Op: op, Left: left, Right: right})
				}
			}
		}
	}
	return out
}

// settled reports whether the documents define the result of a relation, so that it can be a question. They do not
// for the order of a list, and for a boolean with a list, Contains or Any_of.
func settled(left *oracle.Ref, op string, right *oracle.Operand) bool {
	boolean := left.Name == "t" || left.Name == "f" || left.Name == "secret"
	ordered := op[0] == '<' || op[0] == '>'
	among := strings.HasSuffix(op, "Contains") || strings.HasSuffix(op, "Any_of")
	return !(right.List && (ordered || boolean) || among && boolean)
}

// memberships returns the conditions of the four Member_of operators and their negations, each with ten lists
// of SIDs.
func memberships() (out []*oracle.Cond) {
	for _, op := range []string{"Member_of", "Device_Member_of", "Member_of_Any", "Device_Member_of_Any"} {
		for _, sids := range [][]string{{user}, {groupG}, {groupH}, {groupX}, {everyone}, {groupG, everyone}, {groupG,
			groupX},
			{groupX, groupH}, {owners}, {stranger, groupG}} {
			o := &oracle.Operand{List: true}
			for _, s := range sids {
				o.Values = append(o.Values, oracle.Literal{Type: "sid", Text: s})
			}
			out = append(out, &oracle.Cond{Op: op, Right: o}, &oracle.Cond{Op: "Not_" + op, Right: o})
		}
	}
	return out
}

// combined returns expressions with !, && and ||: each combination of true, false and unknown, and some drawn at
// random.
func combined() (out []*oracle.Cond) {
	eq := func(name, n string) *oracle.Cond {
		return &oracle.Cond{Op: "==", Left: &oracle.Ref{Scope: "User", Name: name},
			Right: &oracle.Operand{Values: []oracle.Literal{{Type: "int64", Text: n}}}}
	}
	values := []*oracle.Cond{eq("i", "1"), eq("i", "2"), eq("missing", "1")} // true, false, unknown
	for _, x := range values {
		out = append(out, &oracle.Cond{Op: "!", Kids: []*oracle.Cond{x}})
		for _, y := range values {
			for _, op := range []string{"&&", "||"} {
				c := &oracle.Cond{Op: op, Kids: []*oracle.Cond{x, y}}
				out = append(out, c, &oracle.Cond{Op: "!", Kids: []*oracle.Cond{c}})
				for _, z := range values {
					out = append(out, &oracle.Cond{Op: "&&", Kids: []*oracle.Cond{c, z}},
						&oracle.Cond{Op: "||", Kids: []*oracle.Cond{z, c}})
				}
			}
		}
	}
	r := source(2)
	leaves := slices.Concat(relations(), memberships())
	for range 150 {
		out = append(out, randomCond(r, leaves, 3))
	}
	return out
}

// randomCond returns a random expression of !, && and || over leaves, at most depth operators deep. At depth 0
// it returns a leaf.
func randomCond(r *rand.Rand, leaves []*oracle.Cond, depth int) *oracle.Cond {
	if depth == 0 || r.IntN(4) == 0 {
		return pick(r, leaves)
	}
	op := pick(r, []string{"&&", "||", "!"})
	c := &oracle.Cond{Op: op, Kids: []*oracle.Cond{randomCond(r, leaves, depth-1)}}
	if op != "!" {
		c.Kids = append(c.Kids, randomCond(r, leaves, depth-1))
	}
	return c
}

// central adds access checks with central access policies to the suite: none, or one with one or two rules. The SACL
// names that policy, another one, or none.
func (b *builder) central() {
	applies := []*oracle.Cond{nil, {Op: "==", Left: &oracle.Ref{Scope: "Resource", Name: "level"},
		Right: &oracle.Operand{Values: []oracle.Literal{{Type: "int64", Text: "1"}}}},
		{Left: &oracle.Ref{Scope: "Resource", Name: "missing"}}}
	var limits []*oracle.Descriptor
	for _, a := range []oracle.ACE{entry(oracle.Allow, 1, everyone), entry(oracle.Allow, 3, user), entry(oracle.Allow,
		3, stranger),
		entry(oracle.Allow, 0x10000000, groupG)} {
		limits = append(limits, &oracle.Descriptor{DACL: list(a)})
	}
	policies := [][]oracle.Policy{nil}
	for _, c := range applies {
		for _, d := range limits {
			policies = append(policies, []oracle.Policy{{ID: "S-1-17-1", Rules: []oracle.Rule{{AppliesTo: c, SD: d}}}},
				[]oracle.Policy{{ID: "S-1-17-1", Rules: []oracle.Rule{{AppliesTo: c, SD: d}, {SD: limits[0]}}}})
		}
	}
	for _, p := range policies {
		for _, id := range []string{"", "S-1-17-1", "S-1-17-2"} {
			for _, owner := range []string{system, user} {
				for _, desired := range []oracle.Word{1, 3, 0x20000, 0x80000, maximum} {
					d := conditional(oracle.Allow, nil)
					if d.DACL.Entries[0].Mask, d.Owner = 3, owner; id != "" {
						d.SACL.Entries = append(d.SACL.Entries, oracle.ACE{Type: oracle.ScopedPolicy, SID: id})
					}
					q := plainCheck(grouped(), d, desired)
					q.Policies = p
					b.check(q, "A-101")
				}
			}
		}
	}
}
