package ldap

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
)

// TestAttributeTextsBecomeTypedClaims checks the conversion of attribute texts into claims of each type, and texts that
// make no claim (D-12).
func TestAttributeTextsBecomeTypedClaims(t *testing.T) {
	of := []claimOf{{Claim{"n", claims.Int64}, "number"}, {Claim{"b", claims.Boolean}, "flag"},
		{Claim{"s", claims.String}, "text"}}
	for _, c := range []struct {
		name   string
		values []string
		want   string // as a token file lists them
		why    string
	}{
		{"n", []string{"-7", "09"}, `[{"name": "number", "type": "int64", "values": [-7, 9]}]`, ""},
		{"N", []string{"7"}, `[{"name": "number", "type": "int64", "values": [7]}]`, ""},
		{"n", []string{"7x"}, "", "the claim number is not a number"},
		{"n", []string{"9223372036854775808"}, "", "the claim number is not a number"},
		{"b", []string{"TRUE"}, `[{"name": "flag", "type": "boolean", "values": [true]}]`, ""},
		{"b", []string{"FALSE"}, `[{"name": "flag", "type": "boolean", "values": [false]}]`, ""},
		{"b", []string{"true"}, "", "the claim flag is neither TRUE nor FALSE"},
		{"s", []string{"a\"b", ""}, `[{"name": "text", "type": "string", "values": ["a\"b", ""]}]`, ""},
		{"s", nil, "", ""}, {"other", []string{"x"}, "", ""},
		{"s;range=0-1", []string{"x", "y"}, "", "the claim text has more than 1024 values"},
		{"s", []string{"x", "x"}, "", "claims: "},
	} {
		e := &entry{Attributes: []*goldap.EntryAttribute{goldap.NewEntryAttribute(c.name, c.values)}}
		set, err := e.claims(of)
		if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("D-12: %s of %.20q: %v, want %q", c.name, c.values, err, c.why)
		}
		if listed(set) != c.want || (set != nil) != (c.want != "") {
			t.Errorf("D-12: %s of %.20q is %s, want %s", c.name, c.values, listed(set), c.want)
		}
	}
	for text, want := range map[string]Claim{"a": {"a", claims.String}, "a:int64": {"a", claims.Int64},
		"a:boolean": {"a", claims.Boolean}, "a:string": {"a", claims.String}, "": {}, ":int64": {}, "a:": {}, "a:uint64": {},
		"a:int64:x": {}} {
		if c, err := ParseClaim(text); c != want || (err == nil) != (want.Attribute != "") {
			t.Errorf("D-12: ParseClaim(%q) = %+v, %v, want %+v", text, c, err, want)
		}
	}
	for n, ok := range map[int]bool{1024: true, 1025: false} {
		e := &entry{Attributes: []*goldap.EntryAttribute{goldap.NewEntryAttribute("s", make([]string, n))}}
		for i := range n {
			e.Attributes[0].ByteValues[i] = strconv.AppendInt(nil, int64(i), 10)
		}
		_, err := e.claims(of)
		check.Equal(t, err == nil, ok, "D-12: a claim of %d values: %v, read", n, err)
	}
	d := &Directory{claims: of}
	got := d.claimAttributes()
	check.That(t, slices.Equal(got, []string{"n", "b", "s"}), "D-12: claimAttributes = %v, want [n b s]", got)
}

// listed returns claims as a directory file lists them, "" for none.
func listed(set *claims.Set) string {
	text := string(dirfile.Write(&directory.Accounts{Users: []directory.User{{Name: "x", Claims: set}}}))
	_, list, _ := strings.Cut(text, "claims: ")
	list, _, _ = strings.Cut(list, "}\n")
	return list
}
