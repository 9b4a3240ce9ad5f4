package kit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// ParseIn is the input of parse_sddl.
type ParseIn struct {
	SDDL   string `json:"sddl"`
	Domain string `json:"domain"`
}

// HexIn is the input of format_sddl, and without Domain of read_descriptor.
type HexIn struct {
	Hex    string `json:"hex"`
	Domain string `json:"domain,omitempty"`
}

var words = oracle.Words{Aliases: true, Letters: true, Domain: domain}

// parses adds a question to the suite: parse an SDDL text. d is the expected result.
func (b *builder) parses(text string, d *oracle.Descriptor, rules ...string) {
	b.add("parse_sddl", ParseIn{text, domain}, &Out{Hex: d.Hex()}, rules...)
}

// texts adds three questions to the suite: two parse d's text without and with aliases and letters, and one formats d.
func (b *builder) texts(d *oracle.Descriptor, rules ...string) {
	b.parses(d.SDDL(), d, rules...)
	b.parses(d.Text(words), d, rules...)
	b.add("format_sddl", HexIn{d.Hex(), domain}, &Out{SDDL: d.Text(words)}, rules...)
}

// makeSDDL builds the suite "sddl": texts to read and descriptors to write, malformed texts, and 400 random
// descriptors.
func makeSDDL(b *builder) {
	b.sids()
	b.masks()
	b.entryForms()
	b.listForms()
	b.conditionTexts()
	b.variations()
	b.malformedTexts()
	r := source(5)
	for range 400 {
		d := randomObject(r)
		if d.Control = oracle.Word(r.IntN(64)) << 8; d.SACL == nil {
			d.Control &^= oracle.SACLAutoRequest | oracle.SACLAutoInherited | oracle.SACLProtected
		}
		b.texts(d, "S-40", "S-39")
	}
}

// sids adds questions with each alias and some other SIDs as owner, group and trustee to the suite.
func (b *builder) sids() {
	list := slices.Sorted(maps.Keys(oracle.Aliases))
	for _, rid := range slices.Sorted(maps.Keys(oracle.DomainAliases)) {
		list = append(list, domain+"-"+rid)
	}
	list = append(list, user, "S-1-0-0", "S-1-5-5-1-2", pack, "S-1-5-21-4294967295-0-1-4294967295",
		"S-1-5-80-1-2-3-4-5")
	for _, s := range list {
		b.texts(&oracle.Descriptor{Owner: s}, "S-10")
		b.texts(&oracle.Descriptor{Group: s}, "S-10")
		b.texts(&oracle.Descriptor{Owner: s, Group: s}, "S-10")
		b.texts(&oracle.Descriptor{DACL: &oracle.ACL{Entries: []oracle.ACE{entry(oracle.Allow, 1, s)}}}, "S-10")
	}
}

// masks adds questions with single rights, half of the pairs of rights, and labels' policies to the suite.
func (b *builder) masks() {
	all := slices.Concat(oracle.RightLetters, oracle.WholeRights)
	for i, x := range all {
		for j, y := range all[i:] {
			if j%2 == 1 {
				continue
			}
			d := &oracle.Descriptor{DACL: list(entry(oracle.Allow, x.Mask|y.Mask, everyone))}
			b.texts(d, "S-39")
			b.parses(fmt.Sprintf("D:(A;;%s%s;;;WD)", y.Name, x.Name), d, "S-38")
		}
	}
	for bit := range 32 {
		m := oracle.Word(1) << bit
		d := &oracle.Descriptor{DACL: list(entry(oracle.Deny, m, user))}
		b.texts(d, "S-39")
		for _, form := range []string{"%d", "0x%X", "0%o", "0x%08x"} {
			b.parses("D:(D;;"+fmt.Sprintf(form, uint32(m))+";;;"+user+")", d, "S-38")
		}
	}
	for policy := range oracle.Word(8) {
		for _, level := range []string{"S-1-16-4096", "S-1-16-8192", "S-1-16-12288", "S-1-16-16384", "S-1-16-0"} {
			b.texts(&oracle.Descriptor{SACL: list(entry(oracle.MandatoryLabel, policy, level))}, "S-39")
		}
	}
}

// entryForms adds questions with types of entries, their flags and their GUIDs to the suite.
func (b *builder) entryForms() {
	for flags := range 32 {
		for _, typ := range []byte{oracle.Allow, oracle.Deny, oracle.AllowObject} {
			a := entry(typ, 1, everyone)
			a.Flags = byte(flags)
			b.texts(&oracle.Descriptor{DACL: list(a)}, "S-40")
		}
		for _, outcome := range []byte{0, 0x40, 0x80, 0xC0} {
			a := entry(oracle.Audit, 0x10000, everyone)
			a.Flags = byte(flags) | outcome
			b.texts(&oracle.Descriptor{SACL: list(a)}, "S-40")
		}
	}
	for _, typ := range []byte{oracle.AllowObject, oracle.DenyObject, oracle.AuditObject} {
		for _, x := range []string{"", guidA, "bf967aba-0de6-11d0-a285-00aa003049e2"} {
			for _, y := range []string{"", guidB, "bf967a86-0de6-11d0-a285-00aa003049e2"} {
				for _, mask := range []oracle.Word{1, 0x100, 0x30} {
					a := entry(typ, mask, self)
					if a.Object, a.Class = x, y; typ == oracle.AuditObject {
						a.Flags = 0x40
						b.texts(&oracle.Descriptor{SACL: list(a)}, "S-12", "S-15")
						continue
					}
					b.texts(&oracle.Descriptor{DACL: list(a)}, "S-12", "S-15")
				}
			}
		}
	}
	for _, id := range []string{"S-1-17-1", "S-1-17-1-2-3"} {
		b.texts(&oracle.Descriptor{SACL: list(entry(oracle.ScopedPolicy, 0, id))}, "S-46")
	}
}

// listForms adds questions with missing, NULL, empty and filled lists, and with control bits, to the suite. The SACL is
// never NULL.
func (b *builder) listForms() {
	audit := entry(oracle.Audit, 1, everyone)
	audit.Flags = 0x40
	dacls := []*oracle.ACL{nil, {}, {Null: true}, list(entry(oracle.Allow, 1, everyone))}
	sacls := []*oracle.ACL{nil, {}, list(audit)}
	for _, d := range dacls {
		for _, s := range sacls {
			for bits := range oracle.Word(64) {
				x := &oracle.Descriptor{DACL: d, SACL: s, Control: bits << 8}
				if d == nil && bits&0x15 != 0 || s == nil && bits&0x2A != 0 || bits%4 == 3 {
					continue
				}
				b.texts(x, "S-42", "S-40", "S-24")
			}
		}
	}
}

// conditionTexts adds questions with texts of conditions and resource attributes to the suite.
func (b *builder) conditionTexts() {
	for i, c := range slices.Concat(relations(), memberships(), combined()) {
		if i%2 != 0 || c.Left != nil && c.Right != nil && c.Right.Ref == nil && c.Right.Values[0].Type == "octets" {
			continue
		}
		a := entry(oracle.AllowCallback, 1, everyone)
		a.Cond = c
		b.texts(&oracle.Descriptor{DACL: list(a)}, "S-34", "S-48")
	}
	for _, c := range append(claimed().UserClaims, resources...) {
		b.texts(&oracle.Descriptor{SACL: list(attribute(c))}, "S-30", "S-53")
	}
}

// variations adds questions to the suite with texts that Windows accepts although it would not write them, and with
// long lists.
func (b *builder) variations() {
	d := &oracle.Descriptor{Owner: admins, Group: system, DACL: list(entry(oracle.Allow, 0x120089, everyone))}
	for _, v := range []struct {
		rule  string
		texts []string
	}{{"S-41", []string{"O:BAG:SYD:(A;;FR;;;WD)", "O:baG:syD:(a;;fr;;;wd)", " O:BAG:SYD:(A;;FR;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD) ", "O:BA G:SY D:(A;;FR;;;WD)", "G:SYO:BAD:(A;;FR;;;WD)", "D:(A;;FR;;;WD)O:BAG:SY",
		"O:BAG:SYD:( A; ;FR;;;WD)"}},
		{"S-38", []string{"O:BAG:SYD:(A;;0x120089;;;WD)", "O:BAG:SYD:(A;;1179785;;;WD)",
			"O:BAG:SYD:(A;;04400211;;;S-1-1-0)"}},
		{"S-7", []string{"O:S-1-5-32-544G:S-1-5-18D:(A;;FR;;;WD)", "O:S-1-5-0x20-544G:SYD:(A;;FR;;;WD)"}}} {
		for _, text := range v.texts {
			b.parses(text, d, v.rule)
		}
	}
	many := d
	for n := range 12 {
		many = &oracle.Descriptor{DACL: &oracle.ACL{}}
		for i := range n + 1 {
			many.DACL.Entries = append(many.DACL.Entries, entry(byte(i%2), oracle.Word(i+1), fmt.Sprint(domain, "-",
				1000+i)))
		}
		b.texts(many, "S-46")
	}
}

// malformedTexts adds questions to the suite with texts that are not a descriptor. Their right answer is an error.
func (b *builder) malformedTexts() {
	bad := func(text, rule string) { b.add("parse_sddl", ParseIn{text, domain}, nil, rule) }
	for _, text := range []string{"O", "O:", "X:BA", "O:ZZ", "O:BAO:BA", "G:SYG:SY", "D:D:", "S:S:",
		"D:(A;;FR;;;WD)D:", "O:BA;",
		"BA", "D", "D:A;;FR;;;WD", "D:)", "D:(", "D:()", "D:((A;;FR;;;WD))", "O:BAx", "D:X", "D:PP(", "::", "O::",
		"O:D:"} {
		bad(text, "S-43")
	}
	fields := []string{"A", "OICI", "FR", "", "", "WD"}
	for i := range fields {
		bad("D:("+strings.Join(slices.Delete(slices.Clone(fields), i, i+1), ";")+")", "S-43")
		bad("D:("+strings.Join(fields[:i], ";")+")", "S-43")
		if i == 3 || i == 4 {
			continue
		}
		for _, wrong := range []string{"QQ", "A A", "#", "é", "0y1", "-", "(", "\"", "A;A"} {
			f := slices.Clone(fields)
			f[i] = wrong
			bad("D:("+strings.Join(f, ";")+")", "S-43")
		}
	}
	for _, guid := range []string{"x", "{" + guidA + "}", guidA[:35], guidA + "0", strings.ReplaceAll(guidA, "-", ""),
		"0000000g-0000-0000-0000-00000000000a"} {
		bad("D:(OA;;CR;"+guid+";;WD)", "S-43")
		bad("D:(OA;;CR;;"+guid+";WD)", "S-43")
	}
	for _, s := range []string{"S-1", "S-1-", "S-1-5-", "S-2-5-18", "S-1-5-18-", "S-1--5", "s", "S-1-5-1a", "S",
		"S--5-18",
		"S-1-5" + strings.Repeat("-1", 16), "S-1-281474976710656-1"} {
		bad("O:"+s, "S-7")
		bad("D:(A;;FR;;;"+s+")", "S-7")
	}
	for _, typ := range []string{"AU", "AL", "ML", "RA", "SP", "OU"} { // entries of a SACL
		bad("D:("+typ+";;FR;;;WD)", "S-14")
	}
	for _, typ := range []string{"A", "D", "OA", "OD", "XA", "XD"} { // entries of a DACL
		bad("S:("+typ+";;FR;;;WD)", "S-14")
	}
	for _, c := range []string{"", "(", ")", "()", "(@User.a", "@User.a", "(@User.a ==)", "(== 1)", "(@User.a = 1)",
		"(@User.a == 1) x", "(@Nobody.a == 1)", "(@User.a && )", "(! @User.a)", "(Member_of)", "(Member_of {BA})",
		"(@User. == 1)",
		"(@User.a == \"x)", "(@User.a == {1)", "(@User.a Contains)", "(Exists {1})",
		"(@User.a == 9223372036854775808000)"} {
		bad("D:(XA;;FR;;;WD;"+c+")", "S-36")
	}
}
