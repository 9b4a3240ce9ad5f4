package claims

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// A condition that is not true shows the values of its tests. The expected values are those of the environment.
func TestUnmetShowsValues(t *testing.T) {
	guests := sid.MustParse("S-1-5-32-546")
	off := ints("off", 1)
	off.Flags = FlagDisabled
	offEmpty := ints("offEmpty")
	offEmpty.Flags = FlagDisabled
	env := &testEnv{sets: [4]*Set{User: mustSet(ints("clearance", 2), strs("dept", "hr"),
		ints("three", 1, 2, 3), ints("four", 1, 2, 3, 4), ints("many", 1, 2, 3, 4, 5), off, offEmpty, ints("none"),
		Attribute{Name: "octets", Type: Octets, Octets: [][]byte{{1, 2}}},
		Attribute{Name: "big", Type: Uint64, Uints: []uint64{1 << 63}},
		Attribute{Name: "sids", Type: SID, SIDs: []sid.SID{sid.Administrators}}),
		Resource: mustSet(strs("dept", "it")), Device: mustSet(),
		Local: mustSet(ints("flag", 0))}, members: map[sid.SID]bool{guests: true}}
	most := strings.Repeat("ab", mostQuoted)
	for text, want := range map[string]string{
		"(@User.clearance >= 3)":         "@USER.clearance = 2, needed >= 3",
		"(@User.clearance >= 2)":         "",
		"(@User.dept == @Resource.dept)": `@USER.dept = "hr", needed == @RESOURCE.dept = "it"`,
		"(@User.country == \"de\")":      `@USER.country is absent, needed == "de"`,
		"(@User.off == 1)":               "@USER.off is disabled, needed == 1",
		"(@User.offEmpty == 1)":          "@USER.offEmpty is disabled, needed == 1",
		"(@User.three == 5)":             "@USER.three = {1, 2, 3}, needed == 5",
		"(@User.four == 5)":              "@USER.four = {1, 2, 3, … 1 more}, needed == 5",
		"(@User.none == 1)":              "@USER.none has no values, needed == 1",
		"(@Resource.twice == \"a\")": "" +
			`@RESOURCE.twice has a value twice and is ignored, needed == "a"`,
		"(@User.most == 1)":                              "@USER.most = {0, 1, 2, … 4093 more}, needed == 1",
		"(@User.a%0020b == 1)":                           "@USER.a%0020b is absent, needed == 1",
		"(@User.typeless == 1)":                          "@USER.typeless is absent, needed == 1",
		"(@User.tooMany == 1)":                           "@USER.tooMany has too many values, needed == 1",
		"(@User.many Contains {7, 8})":                   "@USER.many = {1, 2, 3, … 2 more}, needed Contains {7, 8}",
		"(@User.clearance Any_of {3, 4, 5, 6, 7})":       "@USER.clearance = 2, needed Any_of {3, 4, 5, … 2 more}",
		"(@User.big == 1)":                               "@USER.big = 9223372036854775808, needed == 1",
		"(@User.sids == SID(BG))":                        "@USER.sids = SID(BA), needed == SID(BG)",
		"(@User.octets == #03)":                          "@USER.octets = #0102, needed == #03",
		"(@User.octets == #" + most + ")":                "@USER.octets = #0102, needed == #" + most,
		"(@User.octets == #" + most + "00)":              "@USER.octets = #0102, needed == #" + most + "…",
		"(!(@User.clearance >= 2))":                      "@USER.clearance = 2, needed not >= 2",
		"(Exists @User.country)":                         "@USER.country is absent, needed Exists",
		"(Member_of {SID(BA)})":                          "Member_of {SID(BA)} is not met",
		"(!(Member_of {SID(BG)}))":                       "Member_of {SID(BG)} is met",
		"(Member_of {SID(S-1-5-21-1-2-3-4)})":            "Member_of {SID(S-1-5-21-1-2-3-4)} is not met",
		"(@User.many Contains 1 == @User.none)":          "(…), needed == @USER.none has no values",
		"(flag)":                                         "flag = 0, needed a value that is true",
		"(@User.clearance >= 2 && @User.dept == \"it\")": `@USER.dept = "hr", needed == "it"`,
		"(@User.clearance >= 2 || @User.dept == \"it\")": "",
		"(@User.clearance >= 3 || @User.dept == \"it\")": "" +
			`@USER.clearance = 2, needed >= 3; @USER.dept = "hr", needed == "it"`,
		"(!(@User.clearance >= 2 || @User.clearance<1))": "@USER.clearance = 2, needed not >= 2",
		"(@User.a == 1 && @User.b == 1 && @User.c == 1 && @User.d == 1 && @User.e == 1 && @User.f == 1)": "@USER.a is " +
			"absent, needed == 1; @USER.b is absent, needed == 1; @USER.c is absent, needed == 1; @USER.d is absent, needed " +
			"== 1; and 2 more",
		"(@User.a && @User.b && @User.c && @User.d && @User.e)": "@USER.a is absent, needed a value that is true; " +
			"@USER.b is absent, needed a value that is true; @USER.c is absent, needed a value that is true; " +
			"@USER.d is absent, needed a value that is true; and 1 more",
		"(@User.a && @User.b && @User.c && @User.d)": "@USER.a is absent, needed a value that is true; " +
			"@USER.b is absent, needed a value that is true; @USER.c is absent, needed a value that is true; " +
			"@USER.d is absent, needed a value that is true",
	} {
		alias := func(s sid.SID) string { return sid.Alias(s, sid.SID{}) }
		got := strings.Join(mustParse(text).Unmet(twice{env}, alias), "; ")
		check.Equal(t, got, want, "%s", text)
	}
	noAliases := strings.Join(mustParse("(Member_of {SID(BA)})").Unmet(env, nil), "; ")
	check.Equal(t, noAliases, "Member_of {SID(S-1-5-32-544)} is not met", "without aliases")
	got := new(Expr).Unmet(env, nil)
	check.That(t, got == nil, "the empty program: %q, want nothing", got)
}

// twice is an Env with attributes that no set has: one has a value in two cases, one no type, one too
// many values.
type twice struct{ *testEnv }

func (e twice) Attribute(scope Scope, name string) (Attribute, bool) {
	if name == "twice" {
		return strs("twice", "a", "A"), true
	}
	if name == "typeless" {
		return Attribute{Name: name}, true
	}
	if n := map[string]int{"most": MaxValues, "tooMany": MaxValues + 1}[name]; n > 0 {
		a := Attribute{Name: name, Type: Int64, Ints: make([]int64, n)}
		for i := range a.Ints {
			a.Ints[i] = int64(i)
		}
		return a, true
	}
	return e.testEnv.Attribute(scope, name)
}

// Values come from tokens and descriptors: no control character reaches the text, and it is short.
func TestUnmetQuotesAndCuts(t *testing.T) {
	long := strings.Repeat("é", 1000)
	env := &testEnv{sets: [4]*Set{User: mustSet(strs("name", "a\x1b[31m\u202e\"\n", long), ints("n", math.MinInt64)),
		Resource: mustSet(), Device: mustSet(), Local: mustSet()}}
	got := strings.Join(mustParse(`(@User.name == "`+long+`" || @User.n > 1 || Member_of SID(BA))`).Unmet(env, nil), "; ")
	want := fmt.Sprintf(`@USER.name = {"a\x1b[31m\u202e\"\n", "%s…"}, needed == "%[1]s…"; `, long[:80]) +
		"@USER.n = -9223372036854775808, needed > 1; Member_of SID(S-1-5-32-544) is not met"
	check.Equal(t, got, want, "hostile values")
	got = strings.Join(mustParse("(@User.a%001b"+long+" == 1)").Unmet(env, nil), "; ")
	check.Equal(t, got, "@USER.a%001b"+strings.Repeat("%00e9", 38)+"… is absent, needed == 1", "A-178: a long name")
}
