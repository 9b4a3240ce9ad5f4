package dirfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/dirfile"
)

const someone = "S-1-5-21-1-2-3-4"

// TestClaimsHaveTypeOfTheirColumn checks that a user's claims have the type of their column or of their first value,
// and each form of a directory gives the same ones, sorted by name.
func TestClaimsHaveTypeOfTheirColumn(t *testing.T) {
	csv := func(heads, cells string) string { return "name,sid," + heads + "\na," + someone + "," + cells }
	yaml := func(claims string) string {
		return `{"users":[{"name":"a","sid":"` + someone + `","claims":` + claims + `}]}`
	}
	for _, c := range []struct{ file, want string }{
		{csv("claims.s,claims.t:STRING,claims.n:int64,claims.b:Boolean", "x;y,7,-1; 2,TRUE;false"),
			`b tb [1 0]|n ti [-1 2]|s ts [x y]|t ts [7]`},
		{yaml(`{"s":["x","y"],"t":"7","n":[-1,2],"b":[true,false],"none":[],"none2":[ ]}`),
			`b tb [1 0]|n ti [-1 2]|s ts [x y]|t ts [7]`},
		{csv("claims.n:int64", "010;-3"), "n ti [10 -3]"},
		{yaml(`{"b":false,"n": 9 ,"m":0}`), "b tb [0]|m ti [0]|n ti [9]"},
		{yaml(`[{"name":"u","type":"uint64","values":[3]}]`), "u tu [3]"}, {yaml("null"), ""}, {yaml("{}"), ""},
		{"users:\n- {name: a, sid: " + someone + ", claims: {s: '0x10', n: -3}}\n", "n ti [-3]|s ts [0x10]"},
	} {
		d, err := dirfile.Read([]byte(c.file))
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
		csv("claims.x:int64", "1;z"):              "line 2: column claims.x:int64: \"z\" is not a 64-bit integer",
		csv("claims.x:int64", "0x10"):             `"0x10" is not a 64-bit integer`,
		csv("claims.x:boolean", "true;z"):         `"z" is neither true nor false`,
		csv("claims.x:sid", "BA"):                 `type "sid": want string, int64 or boolean`,
		csv("claims.", "z"):                       "line 2: column claims.: no such column",
		csv("uid", "-1"):                          `line 2: column uid: "-1" is not a number from 0 to 4294967295`,
		csv("gid", "4294967296"):                  `line 2: column gid: "4294967296" is not a number`,
		csv("kind,memberOf", "domain,BA"):         "line 2: a domain has a name and a SID",
		csv("kind,gid", "domain,5"):               "line 2: a domain has a name and a SID",
		csv("kind,uid", "group,5"):                "line 2: a group has a name and a SID",
		csv("kind,primaryGroup", "group,BA"):      "line 2: a group has",
		csv("kind,claims.x", "group,1"):           "line 2: a group has",
		"name,sid,kind\n,BA,domain\n,BU,Domain\n": "line 3: a domain has",
		"name,sid\na,\"b\nc\"\nd":                 "line 4",
	} {
		if d, err := dirfile.Read([]byte(file)); err == nil || !strings.Contains(err.Error(), want) || d != nil {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}
