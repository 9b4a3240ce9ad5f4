package claims

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// fewValues returns attributes of every type with few values: each bound, and lists with none, one, two in both
// orders, one in another case, and a repeated one.
func fewValues() (all []Attribute) {
	for _, v := range [][]int64{nil, {-1}, {0}, {1}, {2}, {0, 1}, {1, 0}, {1, 1}} {
		all = append(all, Attribute{Type: Int64, Ints: v})
	}
	for _, v := range [][]uint64{nil, {0}, {1}, {2}, {1 << 63}, {0, 1}, {1, 2}} {
		all = append(all, Attribute{Type: Uint64, Uints: v})
	}
	for _, v := range [][]uint64{nil, {0}, {1}, {0, 1}} {
		all = append(all, Attribute{Type: Boolean, Uints: v})
	}
	for _, v := range [][]string{nil, {""}, {"a"}, {"A"}, {"ab"}, {"B"}, {"a", "B"}, {"a", "A"}} {
		all = append(all, Attribute{Type: String, Strings: v}, Attribute{Type: String, Strings: v, Flags: FlagCaseSensitive})
	}
	for _, v := range [][]sid.SID{nil, {sid.Everyone}, {sid.Users}, {sid.Everyone, sid.Users}} {
		all = append(all, Attribute{Type: SID, SIDs: v})
	}
	for _, v := range [][][]byte{nil, {{}}, {{'a'}}, {{'a', 'b'}}, {{'B'}}, {{'a'}, {'B'}}} {
		all = append(all, Attribute{Type: Octets, Octets: v})
	}
	return all
}

// constant returns the values of an attribute as a literal or, with list, as a list. It returns nil if literals of
// the type do not exist.
func constant(a *Attribute, list bool) []byte {
	var out []byte
	for i := range a.Len() {
		switch a.Type {
		case Int64:
			out = append(out, tokInt64)
			for n, v := 0, uint64(a.Ints[i]); n < 8; n, v = n+1, v>>8 {
				out = append(out, byte(v))
			}
			out = append(out, 3, 2)
		case String:
			out = appendToken(out, tokString, appendUTF16(nil, a.Strings[i]))
		case SID:
			out = appendToken(out, tokSID, a.SIDs[i].AppendBinary(nil))
		case Octets:
			out = appendToken(out, tokOctets, a.Octets[i])
		default:
			return nil
		}
	}
	if list {
		return appendToken(nil, tokComposite, out)
	}
	if a.Len() != 1 {
		return nil
	}
	return out
}

// Each relation and each set operator agrees with the naive evaluator for every pair of small attributes, and for
// each attribute with a literal and a list.
func TestEvalMatchesNaiveForEveryPair(t *testing.T) {
	all := fewValues()
	seen := map[Truth]int{}
	left, right := appendToken(nil, tokUser, appendUTF16(nil, "l")), appendToken(nil, tokDevice, appendUTF16(nil, "r"))
	for i := range all {
		for j := range all {
			env := &fixedEnv{}
			env.attributes[User] = map[string]Attribute{"l": all[i]}
			env.attributes[Device] = map[string]Attribute{"r": all[j]}
			for _, to := range [][]byte{right, constant(&all[j], false), constant(&all[j], true)} {
				if to == nil {
					continue
				}
				for _, op := range []byte{opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual, opContains,
					opAnyOf, opNotContains, opNotAnyOf} {
					code := append(append(append([]byte(signature), left...), to...), op)
					e, err := Decode(code)
					check.RequireThat(t, err == nil, "Decode(%x): %v", code, err)
					got, want := e.Eval(env), naiveEval(code[len(signature):], env)
					if seen[got]++; got != want {
						t.Errorf("%s with l %+v, r %+v: %v, want %v", e.Format(nil), all[i], all[j], got, want)
					}
				}
			}
		}
	}
	if t.Logf("%v", seen); seen[True] < 1000 || seen[False] < 1000 || seen[Unknown] < 1000 {
		t.Errorf("results that occurred: %v, want each at least 1000 times", seen)
	}
}
