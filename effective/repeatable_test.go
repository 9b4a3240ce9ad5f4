package effective_test

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// equal tokens are one column; a token with attributes of its own never
// shares one, and under a callback, which may look at anything, none does.
// Equal descriptors share an answer unless a condition reads local attributes,
// or an entry is left to a callback.
func TestWhatIsShared(t *testing.T) {
	plain := token.Spec{User: token.Group{SID: worldSIDs[0]}}
	local := plain
	local.LocalAttributes = must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{1}}}))
	callback := func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	one, two := must(token.New(plain)), must(token.New(plain))
	for _, c := range []struct {
		name   string
		tokens []*token.Token
		cfg    effective.Config
		want   int
	}{
		{"equal", []*token.Token{one, two}, effective.Config{}, 1},
		{"own attributes", []*token.Token{must(token.New(local)), must(token.New(local))}, effective.Config{}, 2},
		{"callback", []*token.Token{one, two}, withCallback(callback), 2},
	} {
		if got := effective.Compile(c.tokens, c.cfg).Distinct(); got != c.want {
			t.Errorf("%s: %d columns, want %d", c.name, got, c.want)
		}
	}

	opaque := must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, worldSIDs[0], sd.ACEExtra{AppData: []byte("mine")}))
	left := sd.New(sd.Parts{DACL: must(sd.NewACL(opaque))})
	for _, c := range []struct {
		name string
		d    *sd.Descriptor
		cfg  effective.Config
		want bool
	}{
		{"plain", sddl.MustParse("D:(A;;FA;;;WD)"), effective.Config{}, true},
		{"user claim", sddl.MustParse("D:(XA;;FA;;;WD;(@User.x==1))"), effective.Config{}, true},
		{"local attribute", sddl.MustParse("D:(XA;;FA;;;WD;(x==1))"), effective.Config{}, false},
		{"local attribute of a filter", sddl.MustParse("D:(A;;FA;;;WD)S:(FL;;FR;;;WD;(x==1))"), effective.Config{}, false},
		{"user claim of a filter", sddl.MustParse("D:(A;;FA;;;WD)S:(FL;;FR;;;WD;(@User.x==1))"), effective.Config{}, true},
		{"opaque data, no callback", left, effective.Config{}, true},
		{"opaque data, callback", left, withCallback(callback), false},
	} {
		e := must(effective.NewEvaluator(effective.Compile([]*token.Token{one}, c.cfg),
			effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
		if got := e.Repeatable(c.d); got != c.want {
			t.Errorf("%s: repeatable %v, want %v", c.name, got, c.want)
		}
	}
}

func withCallback(f func(sd.ACE, *token.Token) claims.Truth) (cfg effective.Config) {
	cfg.Options.Callback = f
	return cfg
}
