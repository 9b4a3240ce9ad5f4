package claims

import "github.com/refmon/refmon/sid"

// testEnv is an Env over plain sets.
type testEnv struct {
	sets      [4]*Set // by Scope
	members   map[sid.SID]bool
	devices   map[sid.SID]bool
	hasDevice bool
}

func (e *testEnv) Attribute(scope Scope, name string) (Attribute, bool) {
	return e.sets[scope].Lookup(name)
}

func (e *testEnv) Member(s sid.SID, device bool) bool {
	if device {
		return e.devices[s]
	}
	return e.members[s]
}

func (e *testEnv) HasDevice() bool { return e.hasDevice }

// mustSet is NewSet of valid attributes.
func mustSet(attributes ...Attribute) *Set {
	s, err := NewSet(attributes)
	if err != nil {
		panic(err)
	}
	return s
}

// mustParse is ParseExpr of a whole, valid text.
func mustParse(text string) *Expr {
	e, n, err := ParseExpr(text, ParseOptions{})
	if err != nil || n != len(text) {
		panic("claims: " + text)
	}
	return e
}

func strs(name string, values ...string) Attribute {
	return Attribute{Name: name, Type: String, Strings: values}
}

func ints(name string, values ...int64) Attribute {
	return Attribute{Name: name, Type: Int64, Ints: values}
}

func bools(name string, values ...uint64) Attribute {
	return Attribute{Name: name, Type: Boolean, Uints: values}
}
