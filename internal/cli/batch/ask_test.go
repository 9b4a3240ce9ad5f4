package batch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// An explained answer has the complete rule, also of a call that fails before a decision. The error of a line quotes
// the wrong value.
func TestExplainedLinesHaveReasons(t *testing.T) {
	const nt = `,"call":"NtAccessCheck"}`
	const anonymous = `"token":{"user":"BA","type":"Impersonation","impersonationLevel":"Anonymous"}`
	const types = `,"objectTypes":[{"level":0,"guid":"` + x + `"}]`
	const one = `"results":[{"status":"STATUS_SUCCESS","granted":"0x00000001"}],"why":[{"rule":"A-82"`
	for line, want := range map[string]string{
		`"tokenRef":"alice","sd":"O:BAG:SYD:(D;;0x2;;;WD)(A;;FR;;;WD)","desired":3}`: `"why":[{"rule":"A-70","ace":0,` +
			`"bits":"0x00000002","because":"`,
		`"tokenRef":"alice","sd":"O:BAG:SYD:(A;;1;;;WD)","desired":1` + nt: `"why":[{"rule":"A-70","ace":0,` +
			`"bits":"0x00000001","because":"`,
		`"tokenRef":"alice","sd":"O:BAG:SYD:","desired":"GR"` + nt: `"why":[{"rule":"A-12","ace":null,` +
			`"bits":"0x80000000","because":"NtAccessCheck takes no generic rights: the caller maps them"`,
		`"token":{"user":"BA"},"sd":"O:BAG:SYD:","desired":1` + nt: `"why":[{"rule":"A-14","ace":null,` +
			`"bits":"0x00000001","because":"NtAccessCheck takes an impersonation token, and this is a primary one"`,
		anonymous + `,"sd":"O:BAG:SYD:","desired":1` + nt: `"why":[{"rule":"A-15","ace":null,"bits":"0x00000001",` +
			`"because":"the token's level is below SecurityIdentification"`,
		`"tokenRef":"alice","sdHex":"0200048000000000000000000000000000000000","desired":2` + nt: `"why":[{"rule":` +
			`"A-18","ace":null,"bits":"0x00000002","because":"the security descriptor cannot be captured"`,
		`"tokenRef":"alice","sd":"O:BAD:","desired":1` + nt: `"why":[{"rule":"A-19","ace":null,` +
			`"bits":"0x00000001","because":"the security descriptor has no owner or no group"`,
		rest + `,"resultList":true` + nt: `"why":[{"rule":"A-11","ace":null,"bits":"0x00000001",` +
			`"because":"a result list was requested without object types"`,
		rest + strings.Replace(types, "0", "1", 1) + nt: `"why":[{"rule":"A-26","ace":null,"bits":"0x00000001",` +
			`"because":"the object types are not a tree in preorder"`,
		rest + `,"resultList":true` + types + nt:  one,
		rest + `,"resultList":true` + types + `}`: one,
		rest + `,"resultList":false}`: `"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[],` +
			`"why":`,
		rest + `,"call":"Check"}`: `call: want \"SeAccessCheck\" or \"NtAccessCheck\", found \"Check\"`,
		`"tokenRef":"alice","desired":1,"sd":"O:BAG:SY"}`: `"note":"the descriptor has no D: part: no DACL limits ` +
			`access"`,
	} {
		answers, _ := runLines(t, true, `{"id":1,`+line)
		got := strings.ReplaceAll(answers[0], `\u0022`, `\"`)
		check.That(t, strings.Contains(got, want) && json.Valid([]byte(got)), "%s\n got %s\nwant %s", line, got, want)
	}
}
