package token_test

import (
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/token"
)

// FuzzParse checks that Parse terminates without a panic, that accepted input is valid JSON, and that MarshalJSON and
// Parse return the same token.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		designExample, // the documented example
		`{"user":"SY"}`,
		`{"user":"S-1-5-21-1-2-3-1","groups":["DU",{"sid":"WD","attributes":["UseForDenyOnly"]}]}`,
		`{"user":"SY","userClaims":[{"values":[1,"a",true],"name":"\u0041","type":"int64"}]}`, // values before the type
		`{"user":"SY","restricted":true,"integrityLevel":"None","defaultDacl":"D:NO_ACCESS_CONTROL"}`,
		`{"user":"SY","groups":[{"sid":"S-1-16-4096","attributes":["Integrity"]}]}`, // an integrity entry with odd attributes
		`{"user":"SY","userClaims":[{"name":"a","type":"string","values":["\ud83d\ude00\u0000"]}]}`,
		"{\"user\":\"SY\",\r\n\t\"owner\" : null }",
		`{"user":"SY","sessionId":"0x10","authenticationId":007}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		tok, err := token.Parse(file)
		if err != nil {
			return
		}
		check.RequireThat(t, json.Valid(file), "Parse accepted invalid JSON: %q", file)
		text, err := tok.MarshalJSON()
		check.RequireThat(t, err == nil, "MarshalJSON of a parsed token: %v", err)
		again, err := token.Parse(text)
		check.RequireThat(t, err == nil, "Parse of the output of MarshalJSON, %s: %v", text, err)
		a, b := normal(tok), normal(again)
		check.RequireThat(t, a == b, "after MarshalJSON and Parse: %s\nwant %s", b, a)
	})
}
