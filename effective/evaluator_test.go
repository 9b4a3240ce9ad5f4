package effective_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func ExampleEvaluator_Allowed() {
	people := tokens(
		`{"user":"S-1-5-21-1-2-3-1107","groups":["DU","AU"]}`,
		`{"user":"S-1-5-21-1-2-3-1108","groups":["DU","AU","BG"]}`,
		`{"user":"S-1-5-21-1-2-3-1109","groups":["AU","BA"]}`)
	p := effective.Compile(people, effective.Config{})
	e, err := effective.NewEvaluator(p, effective.Question{Type: winnt.FileObject,
		Rights: []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA}})
	if err != nil {
		fmt.Println(err)
		return
	}
	sets := e.Allowed(sddl.MustParse("O:SYG:SYD:(D;;FW;;;BG)(A;;FR;;;AU)(A;;FA;;;BA)"))
	for who := range sets[0].All() {
		fmt.Println("reads:", who)
	}
	fmt.Println("writers:", sets[1].Count())
	// Output:
	// reads: 0
	// reads: 1
	// reads: 2
	// writers: 1
}

func ExampleEvaluator_Maximum() {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["AU"]}`, `{"user":"S-1-5-21-1-2-3-1108"}`)
	e, err := effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, m := range e.Maximum(sddl.MustParse("O:S-1-5-21-1-2-3-1108G:SYD:(A;;0x3;;;AU)")) {
		fmt.Println(i, winnt.FileObject.Names(m))
	}
	// Output:
	// 0 FILE_READ_DATA|FILE_WRITE_DATA
	// 1 READ_CONTROL|WRITE_DAC
}

func ExampleNewEvaluator_malformed() {
	empty := effective.Compile(nil, effective.Config{})
	_, err := effective.NewEvaluator(empty, effective.Question{Type: winnt.FileObject})
	fmt.Println(errors.Is(err, effective.ErrNoRights))
	_, err = effective.NewEvaluator(empty, effective.Question{
		Type: winnt.FileObject, Rights: make([]winnt.AccessMask, effective.MaxRights+1)})
	fmt.Println(errors.Is(err, effective.ErrRights))
	// Output:
	// true
	// true
}

// Equal tokens share a column, unless a callback or attributes of their own could distinguish them. The results of a
// descriptor can be repeated for an equal one, unless a condition reads local attributes or a callback decides an
// entry (A-141).
func TestEqualDescriptorsShareAnswers(t *testing.T) {
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
			t.Errorf("%s: Distinct = %d, want %d", c.name, got, c.want)
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
			t.Errorf("%s: Repeatable = %v, want %v", c.name, got, c.want)
		}
	}
}

func withCallback(f func(sd.ACE, *token.Token) claims.Truth) (cfg effective.Config) {
	cfg.Options.Callback = f
	return cfg
}
