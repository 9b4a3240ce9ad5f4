package claims

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// crossing is a kind of operand: its tokens, and the user attribute whose values are all tried.
type crossing struct {
	name string
	code []byte
	attr string // the user attribute, "" for none
}

// crossed returns each kind of operand once.
func crossed() []crossing {
	number := func(v byte) []byte { return []byte{tokInt64, v, 0, 0, 0, 0, 0, 0, 0, signNone, baseDecimal} }
	word := appendToken(nil, tokString, appendUTF16(nil, "a"))
	who := appendToken(nil, tokSID, sid.Everyone.AppendBinary(nil))
	list := func(members ...[]byte) []byte { return appendToken(nil, tokComposite, slices.Concat(members...)) }
	attribute := func(code byte, name string) []byte { return appendToken(nil, code, appendUTF16(nil, name)) }
	return []crossing{
		{"@User.x", attribute(tokUser, "x"), "x"}, {"@User.y", attribute(tokUser, "y"), "y"},
		{"@Resource.level", attribute(tokResource, "level"), ""}, {"@Resource.words", attribute(tokResource, "words"), ""},
		{"@Resource.who", attribute(tokResource, "who"), ""}, {"@Resource.absent", attribute(tokResource, "absent"), ""},
		{"1", number(1), ""}, {`"a"`, word, ""}, {"#01", appendToken(nil, tokOctets, []byte{1}), ""},
		{"SID(WD)", who, ""}, {"{}", list(), ""}, {"{1}", list(number(1)), ""}, {"{1,3}", list(number(1), number(3)), ""},
		{`{"a"}`, list(word), ""}, {`{1,"a"}`, list(number(1), word), ""}, {"{SID(WD)}", list(who), ""},
		{"a result", append(attribute(tokUser, "x"), opExists), "x"},
	}
}

// userValues returns possible values of a user's attribute. The first has no name and means that the attribute is
// absent.
func userValues(name string) []Attribute {
	return []Attribute{{}, {Name: name, Type: Int64, Ints: []int64{3}, Flags: FlagDisabled}, ints(name, 0), ints(name, 1),
		ints(name, 3), ints(name, 5), ints(name, 1, 3), ints(name, 3, 5), bools(name, 0), bools(name, 1), strs(name, "a"),
		strs(name, "b"), strs(name, "", "a"), {Name: name, Type: SID, SIDs: []sid.SID{sid.Everyone}},
		{Name: name, Type: SID, SIDs: []sid.SID{sid.LocalSystem}}, {Name: name, Type: Octets, Octets: [][]byte{{1}}},
		{Name: name, Type: Octets, Octets: [][]byte{{0}}}, {Name: name, Type: Octets, Octets: [][]byte{{2}}}}
}

// The outcomes of each operator for each pair of operand kinds contain the naive evaluator's results for all tokens.
// They are exact if only Unknown is possible or the operands do not depend on the token (A-110, A-112, A-113, A-114,
//
func TestOutcomesContainNaiveResults(t *testing.T) {
	object := map[string]Attribute{"level": ints("level", 3), "words": strs("words", "a", "b"),
		"who": {Name: "who", Type: SID, SIDs: []sid.SID{sid.Everyone}}}
	find := func(name string) (Attribute, bool) { a, ok := object[name]; return a, ok }
	unordered := map[string]bool{"@Resource.words": true, "@Resource.who": true}
	kinds := crossed()
	for code, o := range operators {
		for _, l := range kinds {
			rights := kinds
			switch o.family {
			case famRelation, famSet:
			case famExists, famMember:
				rights = []crossing{{}}
			default:
				continue
			}
			for _, r := range rights {
				program := slices.Concat([]byte(signature), l.code, r.code, []byte{byte(code)})
				e := check.Must(Decode(program))
				want := reached(program[len(signature):], l.attr, r.attr, object)
				got := e.Outcomes(find)
				exact := want == 1<<Unknown || l.attr == "" && r.attr == "" && o.family != famMember ||
					o.family == famExists && l.name == "a result" // which never exists
				if code >= opLess && code <= opGreaterEqual && l.attr+r.attr != "" && (unordered[l.name] || unordered[r.name]) {
					exact = false // Outcomes does not check whether the object's values are ordered
				}
				if got&want != want || exact && got != want {
					t.Errorf("Outcomes of %s %s %s = %03b, the naive evaluator's results are %03b", l.name, o.text, r.name, got, want)
				}
			}
		}
	}
}

// reached returns the results of a program for all values of the user's attributes.
func reached(code []byte, left, right string, object map[string]Attribute) (out Outcomes) {
	tried := func(name string) []Attribute {
		if left != name && right != name {
			return []Attribute{{}}
		}
		return userValues(name)
	}
	ys := tried("y")
	for _, x := range tried("x") {
		for _, y := range ys {
			for _, member := range []bool{false, true} {
				env := &fixedEnv{hasDevice: true, members: map[sid.SID]bool{sid.Everyone: member}}
				env.attributes[User], env.attributes[Resource] = map[string]Attribute{x.Name: x, y.Name: y}, object
				out |= 1 << naiveEval(code, env)
			}
		}
	}
	return out
}
