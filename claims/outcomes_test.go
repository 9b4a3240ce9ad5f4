package claims

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// The result of a random condition is always among its outcomes, and the outcomes often exclude a result.
func TestOutcomesAreSound(t *testing.T) {
	g := generator{Rand: source(t)}
	narrow := 0
	rounds := randtest.Size(4_000)
	for range rounds {
		g.env = g.newEnv()
		code := g.program([]byte(signature), 3)
		e, err := Decode(code)
		if err != nil {
			continue
		}
		env := g.env
		o := e.Outcomes(func(name string) (Attribute, bool) { return env.Attribute(Resource, name) })
		if o != anyOutcome {
			narrow++
		}
		for range 4 {
			other := g.newEnv()
			if got := e.Eval(&mixed{other, env}); !o.Has(got) {
				text := e.Format(nil)
				t.Fatalf("Eval of %s = %v, which is not among its outcomes %03b", text, got, o)
			}
		}
	}
	check.That(t, narrow >= rounds/40, "%d conditions have fewer than all outcomes, want at least %d", narrow, rounds/40)
}

// mixed returns resource attributes from object and all others from Env.
type mixed struct {
	Env
	object Env
}

func (m *mixed) Attribute(s Scope, name string) (Attribute, bool) {
	if s == Resource {
		return m.object.Attribute(s, name)
	}
	return m.Env.Attribute(s, name)
}

// Outcomes returns the possible results of a condition for an object, whatever the token is.
func TestOutcomesReturnPossibleResults(t *testing.T) {
	object := func(name string) (Attribute, bool) {
		if EqualName(name, "level") {
			return ints("level", 3), true
		}
		return Attribute{}, false
	}
	const u, f, tr = 1 << Unknown, 1 << False, 1 << True
	for _, c := range []struct {
		text string
		want Outcomes
	}{
		{`(@User.x == 1)`, u | f | tr},
		{`(@Resource.level == 3)`, tr},
		{`(@Resource.level > 3)`, f},
		{`(@Resource.absent == 3)`, u},                                  // NULL
		{`(@Resource.absent == 3 && @User.x)`, u | f},                   // never true
		{`(@Resource.level == "a")`, u},                                 // types
		{`(@User.x < {1,2})`, u},                                        // no order on sets
		{`(@User.x == {1,"a"})`, u},
		{`(@User.x Any_of 1)`, u},
		{`(Exists @Resource.level)`, tr},
		{`(Exists @User.x)`, u | f | tr},
		{`(Exists x)`, f | tr},
		{`(Member_of{SID(BA)})`, f | tr},
		{`(!(@Resource.level == 3))`, f},
		{`(@Resource.level == 3 || @User.x)`, tr},
		{`(@User.x >= @Resource.absent || Member_of{SID(BA)})`, u | tr},
	} {
		got := mustParse(c.text).Outcomes(object)
		check.That(t, got == c.want, "Outcomes of %s = %03b, want %03b", c.text, got, c.want)
	}
	check.Equal(t, mustParse(`(Exists @Resource.level)`).Outcomes(nil), f, "outcomes for an object without attributes")
	got := new(Expr).Outcomes(nil)
	check.That(t, got == u, "A-117: Outcomes of the empty program = %03b, want %03b", got, u)
}
