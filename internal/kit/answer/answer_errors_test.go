package answer_test

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/answer"
	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// mistake is an implementation that is wrong in one way: before changes the input that the adapter sees, after its
// answer.
type mistake struct {
	suite, name string
	before      func(in map[string]any)
	after       func(a *kit.Answer)
}

// onToken changes the token of an input.
func onToken(change func(t map[string]any)) func(map[string]any) {
	return func(in map[string]any) {
		if t, ok := in["token"].(map[string]any); ok {
			change(t)
		}
	}
}

func without(key string) func(map[string]any) {
	return func(in map[string]any) { delete(in, key) }
}

func set(key string, value any) func(map[string]any) {
	return func(in map[string]any) { in[key] = value }
}

// attributes changes the attributes of each group or privilege of a token.
func attributes(list string, change func(oracle.Word) oracle.Word) func(map[string]any) {
	return onToken(func(t map[string]any) {
		all, _ := t[list].([]any)
		for _, g := range all {
			g := g.(map[string]any)
			var w oracle.Word
			b, _ := json.Marshal(g["attributes"])
			if err := json.Unmarshal(b, &w); err != nil {
				panic(err)
			}
			g["attributes"] = change(w)
		}
	})
}

// descriptor changes the parts of a descriptor in an input.
func descriptor(key string, change func(p *sd.Parts)) func(map[string]any) {
	return func(in map[string]any) {
		text, _ := in[key].(string)
		if text == "" {
			return
		}
		in[key] = changed(text, change)
	}
}

func changed(text string, change func(p *sd.Parts)) string {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	d, err := sd.Decode(b)
	if err != nil {
		return text
	}
	p := sd.Parts{Control: d.Control(), Owner: d.Owner(), Group: d.Group(), DACL: d.DACL(), SACL: d.SACL()}
	change(&p)
	return hex.EncodeToString(sd.New(p).Binary())
}

// dacl changes the entries of the DACL in sdHex.
func dacl(change func([]sd.ACE) []sd.ACE) func(map[string]any) {
	return descriptor("sdHex", func(p *sd.Parts) {
		if p.DACL == nil {
			return
		}
		var list []sd.ACE
		for _, a := range p.DACL.All() {
			list = append(list, a)
		}
		l, err := sd.NewACL(change(list)...)
		if err != nil {
			panic(err)
		}
		p.DACL = l
	})
}

func denies(a sd.ACE) bool { return a.Type() == 1 || a.Type() == 6 || a.Type() == 0x0A }

// retyped returns an entry with another type and flags.
func retyped(a sd.ACE, typ sd.Type, flags uint8) sd.ACE {
	x := sd.ACEExtra{AppData: []byte(a.AppData())}
	n, err := sd.NewACE(typ, flags, a.Mask(), a.SID(), x)
	if err != nil {
		return a
	}
	return n
}

func each(change func(sd.ACE) sd.ACE) func([]sd.ACE) []sd.ACE {
	return func(list []sd.ACE) (out []sd.ACE) {
		for _, a := range list {
			out = append(out, change(a))
		}
		return out
	}
}

func changeOut(change func(o *kit.Out)) func(*kit.Answer) {
	return func(a *kit.Answer) {
		if a.Out != nil {
			change(a.Out)
		}
	}
}

var mistakes = slices.Concat(accessMistakes, otherMistakes)

var accessMistakes = []mistake{
	{"access", "deny entries are ignored", dacl(func(l []sd.ACE) []sd.ACE { return slices.DeleteFunc(l, denies) }),
		nil},
	{"access", "inherit-only entries apply", dacl(each(func(a sd.ACE) sd.ACE {
		if _, typed := a.ObjectType(); typed {
			return a
		}
		return retyped(a, a.Type(), a.Flags()&^8)
	})), nil},
	{"access", "entries are read backwards", dacl(func(l []sd.ACE) []sd.ACE { slices.Reverse(l); return l }), nil},
	{"access", "deny entries are read first", dacl(func(l []sd.ACE) []sd.ACE {
		return append(slices.DeleteFunc(slices.Clone(l), func(a sd.ACE) bool { return !denies(a) }),
			slices.DeleteFunc(slices.Clone(l), denies)...)
	}), nil},
	{"access", "object types of entries are ignored", dacl(each(func(a sd.ACE) sd.ACE {
		if a.Type() == 5 || a.Type() == 6 {
			return retyped(a, a.Type()-5, a.Flags())
		}
		return a
	})), nil},
	{"access", "deny-only groups allow", attributes("groups", func(w oracle.Word) oracle.Word {
		if w&0x10 != 0 {
			return 7
		}
		return w
	}), nil},
	{"access", "deny-only groups do not deny", attributes("groups",
		func(w oracle.Word) oracle.Word { return w &^ 0x10 }), nil},
	{"access", "disabled groups count", attributes("groups", func(w oracle.Word) oracle.Word {
		if w&0x10 == 0 {
			return w | 4
		}
		return w
	}), nil},
	{"access", "a deny-only user allows", onToken(without("userAttributes")), nil},
	{"access", "restricting SIDs are ignored", onToken(without("restricting")), nil},
	{"access", "a restriction of writing restricts all", onToken(without("writeRestricted")), nil},
	{"access", "labels are ignored", descriptor("sdHex", func(p *sd.Parts) { p.SACL = nil }), nil},
	{"access", "every token obeys labels", onToken(set("mandatoryPolicy", "0x1")), nil},
	{"access", "every token is at Medium", onToken(set("integrity", "0x2000")), nil},
	{"access", "packages are ignored", onToken(without("appContainer")), nil},
	{"access", "capabilities are ignored", onToken(without("capabilities")), nil},
	{"access", "every package is in ALL APPLICATION PACKAGES", onToken(without("lowPrivilege")), nil},
	{"access", "PRINCIPAL SELF is nobody", without("selfSid"), nil},
	{"access", "the list of object types is ignored", func(in map[string]any) {
		if list, ok := in["objectTypes"].([]any); ok {
			in["objectTypes"] = list[:1]
		}
	}, nil},
	{"access", "generic rights mean those of files", set("mapping", map[string]any{"read": "0x120089",
		"write":   "0x120116",
		"execute": "0x1200a0", "all": "0x1f01ff"}), nil},
	{"access", "the owner is SYSTEM", descriptor("sdHex", func(p *sd.Parts) { p.Owner = sid.LocalSystem }), nil},
	{"access", "every privilege is enabled", attributes("privileges", func(oracle.Word) oracle.Word { return 3 }), nil},
	{"access", "one right too many", nil, changeOut(func(o *kit.Out) {
		if o.Granted != nil && *o.Granted != 0 {
			*o.Granted |= 0x100
		}
	})},
	{"access", "all denials are STATUS_ACCESS_DENIED", nil, changeOut(func(o *kit.Out) {
		if o.Status == oracle.PrivilegeNeeded {
			o.Status = oracle.AccessDenied
		}
	})},
	{"access", "used privileges are not reported", nil, changeOut(func(o *kit.Out) {
		if o.Privileges != nil {
			o.Privileges = &[]string{}
		}
	})},
	{"access", "the last result is that of the root", nil, changeOut(func(o *kit.Out) {
		if n := len(o.Results); n > 0 {
			o.Results[n-1] = o.Results[0]
		}
	})},
	{"policy", "claims are ignored", onToken(without("userClaims")), nil},
	{"policy", "device groups are ignored", onToken(without("deviceGroups")), nil},
	{"policy", "central policies are ignored", without("policies"), nil},
	{"policy", "resource attributes are ignored", descriptor("sdHex", func(p *sd.Parts) { p.SACL = nil }), nil},
	{"policy", "Unknown allows", dacl(each(func(a sd.ACE) sd.ACE {
		if a.Type() == 9 {
			return retyped(a, 0, a.Flags())
		}
		return a
	})), nil},
}

func clearControl(bits sd.Control) func(p *sd.Parts) { return func(p *sd.Parts) { p.Control &^= bits } }

var otherMistakes = []mistake{
	{"inherit", "every object is a file", set("directory", false), nil},
	{"inherit", "automatic inheritance is ignored", set("autoInherit", false), nil},
	{"inherit", "protection is ignored", descriptor("creatorHex", clearControl(sd.DACLProtected)), nil},
	{"inherit", "the parent is ignored", without("parentHex"), nil},
	{"inherit", "the creator's descriptor is ignored", without("creatorHex"), nil},
	{"inherit", "the token's default is ignored", without("defaultDaclHex"), nil},
	{"inherit", "classes are ignored", without("objectType"), nil},
	{"inherit", "the creator's owner is ignored", descriptor("creatorHex",
		func(p *sd.Parts) { p.Owner = sd.Parts{}.Owner }),
		nil},
	{"inherit", "generic rights stay", set("mapping", map[string]any{"read": "0x80000000", "write": "0x40000000",
		"execute": "0x20000000", "all": "0x10000000"}), nil},
	{"token", "EffectiveOnly is ignored", without("effectiveOnly"), nil},
	{"token", "the level of a duplicate is ignored", without("level"), nil},
	{"token", "SIDs to disable are ignored", without("disable"), nil},
	{"token", "privileges to delete are ignored", without("delete"), nil},
	{"token", "restricting again replaces the list", onToken(without("restricting")), nil},
	{"token", "flags of a filter are ignored", set("flags", "0x0"), nil},
	{"token", "a reset changes nothing", without("reset"), nil},
	{"token", "missing groups are not news", nil, changeOut(func(o *kit.Out) {
		if o.Status == oracle.NotAllAssigned {
			o.Status = oracle.Success
		}
	})},
	{"ladder", "every thread may impersonate", nil, changeOut(func(o *kit.Out) {
		if o.Level != nil && *o.Level == 1 {
			*o.Level = 2
		}
	})},
	{"ladder", "the privilege does not count", func(in map[string]any) {
		delete(in["process"].(map[string]any), "privileges")
	}, nil},
	{"ladder", "integrity does not count", func(in map[string]any) {
		in["client"].(map[string]any)["integrity"] = in["process"].(map[string]any)["integrity"]
	}, nil},
	{"ladder", "restriction does not count", func(in map[string]any) {
		delete(in["process"].(map[string]any), "restricting")
	}, nil},
	{"ladder", "the explicit logon does not count", func(in map[string]any) {
		delete(in["client"].(map[string]any), "originatingLogon")
	}, nil},
	{"ladder", "the client's own level is not a limit", func(in map[string]any) {
		in["client"].(map[string]any)["level"] = 3
	}, nil},
	{"audit", "every access is recorded", nil, changeOut(func(o *kit.Out) { o.Recorded = new(bool); *o.Recorded = true })},
	{"audit", "nothing is recorded", descriptor("sdHex", func(p *sd.Parts) { p.SACL = nil }), nil},
	{"audit", "deny-only groups are not recorded", attributes("groups",
		func(w oracle.Word) oracle.Word { return w &^ 0x10 }), nil},
	{"audit", "restricting SIDs are not recorded", onToken(without("restricting")), nil},
	{"sddl", "the domain is ignored", without("domain"), nil},
	{"sddl", "protection is lost", nil, changeOut(func(o *kit.Out) {
		if o.Hex != "" {
			o.Hex = changed(o.Hex, clearControl(sd.DACLProtected))
		}
	})},
	{"sddl", "malformed text is accepted", nil, accept},
	{"bytes", "malformed bytes are accepted", nil, accept},
	{"bytes", "the SACL is lost", nil, changeOut(func(o *kit.Out) {
		o.Hex = changed(o.Hex,
			func(p *sd.Parts) { p.SACL = nil })
	})},
}

// accept turns an error into an empty descriptor.
func accept(a *kit.Answer) {
	if a.Error != "" {
		a.Error, a.Out = "", &kit.Out{Hex: hex.EncodeToString(sd.NoSecurity.Binary())}
	}
}

// TestKitCountsEachWrongAnswer makes refmon's answers wrong in one way at a time. The kit must count a wrong answer.
// Without a
// mistake it counts none, so the way that the test asks does not itself make answers wrong.
func TestKitCountsEachWrongAnswer(t *testing.T) {
	check.RequireThat(t, len(mistakes) >= 30, "got %d mistakes, want at least 30", len(mistakes))
	for _, m := range mistakes {
		questions, err := kit.Questions(m.suite)
		check.NoError(t, err)
		noticed := false
		for _, stride := range []int{41, 5, 1} { // most mistakes show soon
			noticed = noticed || m.detected(t, questions, stride)
		}
		check.That(t, noticed, "%s: %s: got no wrong answer, want one", m.suite, m.name)
		none := mistake{suite: m.suite, before: func(map[string]any) {}, after: func(*kit.Answer) {}}
		check.That(t, !none.detected(t, questions, 211), "%s: got a wrong answer without a mistake, want none", m.suite)
	}
}

// detected reports whether one of the questions is answered wrong because of the mistake. It asks one in stride.
func (m *mistake) detected(t *testing.T, questions []*kit.Question, stride int) bool {
	t.Helper()
	j := kit.NewJudge(questions, 1)
	for i := stride - 1; i < len(questions); i += stride {
		q := questions[i]
		in := q.In
		if m.before != nil {
			var fields map[string]any
			check.NoError(t, json.Unmarshal(q.In, &fields))
			m.before(fields)
			var err error
			if in, err = json.Marshal(fields); err != nil {
				t.Fatal(err)
			}
		}
		a := answer.Answer(q.ID, q.Op, in)
		if m.after != nil {
			m.after(&a)
		}
		b := check.Must(json.Marshal(a))
		check.NoError(t, j.Take(b))
		if j.Total().Wrong > 0 {
			return true
		}
	}
	return false
}
