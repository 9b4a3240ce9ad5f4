package batch

import (
	"strings"
	"testing"
)

// A call that fails before a decision returns the complete rule. The error of a line quotes the wrong value.
func TestLineErrorsQuoteTheWrongValue(t *testing.T) {
	for line, want := range map[string]string{
		`{"id":1,"tokenRef":"alice","sd":"O:BAG:SYD:","desired":"GR","call":"NtAccessCheck"}`: `"rule":"A-12","ace":null,` +
			`"bits":"0x80000000","because":"NtAccessCheck takes no generic rights: the caller maps them"`,
		`{"id":1,"token":{"user":"BA"},"sd":"O:BAG:SYD:","desired":1,"call":"NtAccessCheck"}`: `"rule":"A-14","ace":null,` +
			`"bits":"0x00000001","because":"NtAccessCheck takes an impersonation token, and this is a primary one"`,
		`{"id":1,"token":{"user":"BA","type":"Impersonation","impersonationLevel":"Anonymous"},"sd":"O:BAG:` +
			`SYD:","desired":1,` +
			`"call":"NtAccessCheck"}`: `"because":"the token's level is below SecurityIdentification"`,
		`{"id":1,"tokenRef":"alice","sdHex":"0200048000000000000000000000000000000000","desired":` +
			`2,"call":"NtAccessCheck"}`: `"becau` +
			`se":"the security descriptor cannot be captured"`,
		`{"id":1,"tokenRef":"alice","sd":"O:BAD:","desired":1,"call":"NtAccessCheck"}`: `"because":"the security ` +
			`descriptor has no ` +
			`owner or no group"`,
		`{"id":1,` + rest + `,"resultList":true,"call":"NtAccessCheck"}`: `"rule":"A-11","ace":` +
			`null,"bits":"0x00000001","because":` +
			`"a result list was asked for without object types"`,
		`{"id":1,` + rest + `,"call":"NtAccessCheck","objectTypes":[{"level":1,"guid":"` + x +
			`"}]}`: `"rule":"A-26","ace":null,` +
			`"bits":"0x00000001","because":"the object types are not a tree in preorder"`,
		`{"id":1,` + rest + `,"resultList":true,"call":"NtAccessCheck","objectTypes":[{"level":0,"guid":"` + x +
			`"}]}`: `"results":[` +
			`{"status":"STATUS_SUCCESS","granted":"0x00000001"}],"why":[{"rule":"A-82"`,
		`{"id":1,` + rest + `,"resultList":true,"objectTypes":[{"level":0,"guid":"` + x + `"}]}`: `"results":[` +
			`{"status":"STATUS_SUCCESS","granted":"0x00000001"}],"why":[{"rule":"A-82"`,
		`{"id":1,` + rest + `,"resultList":` +
			`false}`: `"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[],"why":`,
		`{"id":1,` + rest + `,"call":"Check"}`: `call: want \"SeAccessCheck\" or \"NtAccessCheck\", ` +
			`found \"Check\"`,
		`{"id":1,"tokenRef":"alice","desired":1,"sd":"O:BAG:SY"}`: `"note":"the descriptor has no D: part: no DACL limits ` +
			`access"`,
	} {
		if answers, _ := ask(t, true, line); !strings.Contains(answers[0], want) &&
			!strings.Contains(strings.ReplaceAll(answers[0], `\u0022`, `\"`), want) {
			t.Errorf("%s\n got %s\nwant %s", line, answers[0], want)
		}
	}
}
