package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

const someone = "S-1-5-21-1-2-3-4"

// TestClaimsOfEveryType: a user's claims have the type of their column or of their first value, and each form of a
// directory gives the same ones.
func TestClaimsOfEveryType(t *testing.T) {
	csv := func(heads, cells string) string { return "name,sid," + heads + "\na," + someone + "," + cells }
	yaml := func(claims string) string {
		return `{"users":[{"name":"a","sid":"` + someone + `","claims":` + claims + `}]}`
	}
	for _, c := range []struct{ file, want string }{
		{csv("claims.s,claims.t:STRING,claims.n:int64,claims.b:Boolean", "x;y,7,-1; 2,TRUE;false"),
			`b tb [1 0]|n ti [-1 2]|s ts [x y]|t ts [7]`},
		{yaml(`{"s":["x","y"],"t":"7","n":[-1,2],"b":[true,false],"none":[],"none2":[ ]}`),
			`b tb [1 0]|n ti [-1 2]|s ts [x y]|t ts [7]`},
		{yaml(`{"b":false,"n": 9 ,"m":0}`), "b tb [0]|m ti [0]|n ti [9]"},
		{yaml(`[{"name":"u","type":"uint64","values":[3]}]`), "u tu [3]"}, {yaml("null"), ""}, {yaml("{}"), ""},
		{"users:\n- {name: a, sid: " + someone + ", claims: {s: '0x10', n: -3}}\n", "n ti [-3]|s ts [0x10]"},
	} {
		d, err := people.Read([]byte(c.file))
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		var got []string
		for _, a := range d.Principals[0].Token.UserClaims().All() {
			values := fmt.Sprint(a.Strings)
			if a.Ints != nil {
				values = fmt.Sprint(a.Ints)
			} else if a.Uints != nil {
				values = fmt.Sprint(a.Uints)
			}
			got = append(got, fmt.Sprintf("%s %s %s", a.Name, strings.ToLower(a.Type.String()), values))
		}
		slices.Sort(got)
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.file, text, c.want)
		}
	}
	for file, want := range map[string]string{
		yaml(`{"x":null}`):                        "users[0].claims.x: want a string, a whole number, true or false",
		yaml(`{"x":[{"y":1}]}`):                   "want a string, a whole number, true or false",
		yaml(`{"x":[1,"y"]}`):                     `users[0] "a"`,
		yaml(`"x"`):                               "users[0].claims: want an object",
		yaml(`{"x":[1,}`):                         "users[0].claims.x",
		csv("claims.x:int64", "1;z"):              "line 2: column claims.x:int64: \"z\" is no whole number of 64 bits",
		csv("claims.x:boolean", "true;z"):         `"z" is neither true nor false`,
		csv("claims.x:sid", "BA"):                 `type "sid": want string, int64 or boolean`,
		csv("claims.", "z"):                       "line 2: column claims.: no such column",
		csv("uid", "-1"):                          `line 2: column uid: "-1" is not a number from 0 to 4294967295`,
		csv("gid", "4294967296"):                  `line 2: column gid: "4294967296" is not a number`,
		csv("kind,memberOf", "domain,BA"):         "line 2: a domain has a name and a SID",
		csv("kind,uid", "group,5"):                "line 2: a group has a name and a SID",
		csv("kind,primaryGroup", "group,BA"):      "line 2: a group has",
		csv("kind,claims.x", "group,1"):           "line 2: a group has",
		"name,sid,kind\n,BA,domain\n,BU,Domain\n": "line 3: a domain has",
		"name,sid\na,\"b\nc\"\nd":                 "line 4",
	} {
		if d, err := people.Read([]byte(file)); err == nil || !strings.Contains(err.Error(), want) || d != nil {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}

// TestUnixIDsOfAFile: the first and the last number of 32 bits are ids, of users as of groups, also of disabled ones.
func TestUnixIDsOfAFile(t *testing.T) {
	d := must(people.Read([]byte("name,sid,kind,uid,gid,disabled\na," + someone + ",,0,7,\nb,S-1-5-21-1-2-3-5,,4294967295,,true\n" +
		"g,S-1-5-21-1-2-3-6,group,,0,\nh,S-1-5-21-1-2-3-7,GROUP,,4294967295,\n")))
	var got []string
	for _, id := range d.IDs() {
		got = append(got, fmt.Sprint(id.ID, id.Group, id.SID))
	}
	slices.Sort(got)
	want := []string{"0 false " + someone, "0 true S-1-5-21-1-2-3-6", "4294967295 false S-1-5-21-1-2-3-5",
		"4294967295 true S-1-5-21-1-2-3-7"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if d.Disabled != 1 || d.Account("B") == nil || d.Account("c") != nil || d.Account("A").SID() != sid.MustParse(someone) {
		t.Errorf("%d disabled, %v", d.Disabled, d.Account("B"))
	}
	if g := d.Group("G"); len(g) != 2 || g[0] != sid.MustParse("S-1-5-21-1-2-3-6") || g[1] != sid.MustParse("S-1-22-2-0") {
		t.Errorf("the group: %v", g)
	}
	for _, twice := range []string{"g,S-1-5-21-1-2-3-6,group,,0\nh,S-1-5-21-1-2-3-7,group,,0\n",
		"g,S-1-5-21-1-2-3-6,group,,\ng,S-1-5-21-1-2-3-7,group,,\n", "g,S-1-5-21-1-2-3-6,group,,\nG,S-1-5-21-1-2-3-7,group,,\n",
		"g,S-1-5-21-1-2-3-6,group,,\nh,S-1-5-21-1-2-3-6,group,,\n", ",S-1-5-21-1-2-3-6,group,,\n",
		"g,S-1-22-2-5,group,,\nh,S-1-5-21-1-2-3-6,group,,5\n"} {
		if _, err := people.Read([]byte("name,sid,kind,uid,gid\n" + twice)); err == nil {
			t.Errorf("%q is taken", twice)
		}
	}
}

// TestUnlistedGroups: a user of many groups that the file does not list is in each of them once, and in no more than a
// token holds.
func TestUnlistedGroups(t *testing.T) {
	file := func(n int) []byte {
		var of []string
		for i := range n {
			of = append(of, fmt.Sprintf(`"S-1-5-21-9-9-9-%d"`, 1000+i), fmt.Sprintf(`"S-1-5-21-9-9-9-%d"`, 1000+i/2))
		}
		return []byte(`{"users":[{"name":"a","sid":"` + someone + `","memberOf":[` + strings.Join(of, ",") + `]}]}`)
	}
	for _, n := range []int{1, 31, 32, 33, 34, 100} {
		seen := map[sid.SID]int{}
		for _, g := range must(people.Read(file(n))).Principals[0].Token.Groups() {
			seen[g.SID]++
		}
		for i := range n {
			if s := sid.MustParse("S-1-5-21-9-9-9").WithRID(uint32(1000 + i)); seen[s] != 1 {
				t.Errorf("%d groups: %v is there %d times", n, s, seen[s])
			}
		}
	}
	most := fmt.Sprintf("member of more than %d groups", token.MaxGroups)
	if _, err := people.Read(file(token.MaxGroups + 1)); err == nil || !strings.Contains(err.Error(), most) {
		t.Errorf("one group more than a token holds: %v", err)
	}
}

// TestPrimaryOfOthers: who is of no domain, or of another, has no primary group.
func TestPrimaryOfOthers(t *testing.T) {
	d := must(people.Read([]byte(`{"domain":"S-1-5-21-1-2-3","users":[{"name":"a","sid":"S-1-5-21-1-2-3-4"},
		{"name":"b","sid":"S-1-5-21-7-7-7-4"}]}`)))
	none := must(people.Read([]byte(`{"users":[{"name":"a","sid":"S-1-5-21-1-2-3-4"}]}`)))
	for _, c := range []struct {
		d    *people.Directory
		i    int
		want string
	}{{d, 0, "S-1-5-21-1-2-3-513"}, {d, 1, ""}, {none, 0, ""}} {
		got := c.d.Primary(c.d.Principals[c.i].Token)
		if got.IsZero() != (c.want == "") || !got.IsZero() && got.String() != c.want {
			t.Errorf("%s: %v, want %q", c.d.Principals[c.i].Name, got, c.want)
		}
	}
}
