package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// Relative aliases such as DU belong to the field "domain", or else to the user's domain.
func TestParseResolvesAliasesInDomain(t *testing.T) {
	for text, want := range map[string]string{
		`{"groups":["DU"],"user":"S-1-5-21-1-2-3-1001"}`:                                 "S-1-5-21-1-2-3-513",
		`{"groups":["DA"],"user":"S-1-5-21-1-2-3-1001","domain":"S-1-5-21-7-8-9"}`:       "S-1-5-21-7-8-9-512",
		`{"domain":"S-1-5-21-7-8-9","user":"LA","groups":["DU"]}`:                        "S-1-5-21-7-8-9-513",
		`{"user":"NS","groups":["S-1-5-32-545"]}`:                                        "S-1-5-32-545",
		`{"user":{"sid":"S-1-5-21-1-2-3-1001"},"groups":[{"attributes":[],"sid":"DG"}]}`: "S-1-5-21-1-2-3-514",
	} {
		tok := parse(t, text)
		_, ok := attributes(t, tok, sid.MustParse(want))
		check.That(t, ok, "Parse of %s: no group %s", text, want)
	}
	list := parse(t, `{"user":"S-1-5-21-1-2-3-1001","defaultDacl":"D:(A;;GA;;;DU)"}`).DefaultDACL()
	check.Equal(t, list.At(0).SID().String(), "S-1-5-21-1-2-3-513", "trustee DU of the default DACL")
}
