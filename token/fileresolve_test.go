package token_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
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
		if _, ok := attributes(t, tok, sid.MustParse(want)); !ok {
			t.Errorf("Parse of %s: no group %s", text, want)
		}
	}
}

// Aliases such as DU belong to the field "domain", or else to the domain of a user S-1-5-21-x-y-z-rid. Without
// either, Parse returns an error.
func TestParseNeedsDomainForAliases(t *testing.T) {
	for _, c := range []struct{ user, domain, want string }{
		{"S-1-5-21-1-2-3-1107", "", "S-1-5-21-1-2-3-513"},
		{"S-1-5-21-1-2-3-1107", "S-1-5-21-7-8-9", "S-1-5-21-7-8-9-513"},
		{"S-1-5-18", "S-1-5-21-7-8-9", "S-1-5-21-7-8-9-513"},
		{"S-1-5-18", "", ""}, {"S-1-5-80-1-2-3-4-5", "", ""}, {"S-1-5-32-544", "", ""}, {"S-1-15-21-1-2-3-1107", "", ""},
		{"BA", "", ""}, {"S-1-5-22-1-2-3-1107", "", ""}, {"LA", "S-1-5-21-7-8-9", "S-1-5-21-7-8-9-513"},
	} {
		domain := ""
		if c.domain != "" {
			domain = fmt.Sprintf(`,"domain":%q`, c.domain)
		}
		tok, err := token.Parse(fmt.Appendf(nil, `{"groups":["DU"],"user":%q%s}`, c.user, domain))
		if c.want == "" {
			if fe := (*token.FileError)(nil); !errors.As(err, &fe) || fe.Path != "groups[0]" || tok != nil {
				t.Errorf("Parse of user %s, domain %s: %v, %v; want an error for groups[0]", c.user, c.domain, tok,
					err)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse of user %s, domain %s: %v, want no error", c.user, c.domain, err)
			continue
		}
		if got := tok.PrimaryGroup(); got != sid.MustParse(c.want) {
			t.Errorf("Parse of user %s, domain %s: group %v, want %s", c.user, c.domain, got, c.want)
		}
	}
}
