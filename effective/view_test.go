package effective_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// After each random change of objects and principals, the changes that a View reports lead from its old results to
// those of the access check. Each reported change is a real one.
func TestViewReportsRealChanges(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 2))}
	for range 20 {
		q := effective.Question{Type: winnt.FileObject,
			Rights: []winnt.AccessMask{1, winnt.FILE_ALL_ACCESS, winnt.FILE_READ_EA}}
		v := check.Must(effective.NewView(q, effective.Config{}))
		objects, people := map[string]*sd.Descriptor{}, map[string]*token.Token{}
		answers := map[effective.Change]bool{}
		pool := []*sd.Descriptor{nil, new(sd.Descriptor), w.descriptor(), w.descriptor(), w.descriptor()}
		for step := range 60 {
			var reported []effective.Change
			name := fmt.Sprint("object", w.IntN(8))
			switch w.IntN(4) {
			case 0:
				reported = v.Remove(name)
				delete(objects, name)
			case 1:
				objects[name] = pick(w, pool)
				reported = check.Must(v.Put(name, objects[name]))
			case 2:
				objects[name] = w.descriptor()
				reported = check.Must(v.Put(name, objects[name]))
			default:
				for range 1 + w.IntN(10) {
					who := strings.TrimSuffix(fmt.Sprint("user", w.IntN(100)), "user0") // one has an empty name
					if people[who] = w.token(); w.chance(3) {
						delete(people, who)
					}
				}
				var list []effective.Principal
				for _, who := range slices.Sorted(maps.Keys(people)) {
					list = append(list, effective.Principal{Name: who, Token: people[who]})
				}
				reported = check.Must(v.SetPrincipals(list))
			}
			if !slices.IsSortedFunc(reported, func(a, b effective.Change) int {
				return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Right, b.Right))
			}) {
				t.Fatalf("step %d: changes %+v are not sorted by object, principal and right", step, reported)
			}
			for _, c := range reported {
				k := effective.Change{Object: c.Object, Principal: c.Principal, Right: c.Right}
				check.RequireThat(t, answers[k] != c.Allowed, "step %d: %+v was reported, but changes nothing", step, c)
				answers[k] = c.Allowed
			}
			checkView(t, v, q, objects, people, answers)
		}
	}
}

func checkView(t *testing.T, v *effective.View, q effective.Question, objects map[string]*sd.Descriptor,
	people map[string]*token.Token, answers map[effective.Change]bool) {
	t.Helper()
	allowed := 0
	for object, d := range objects {
		for who, tok := range people {
			for r, desired := range q.Rights {
				want := check.Must(access.Check(tok, d, desired, q.Type)).Allowed()
				if want {
					allowed++
				}
				check.RequireThat(t,
					v.Allowed(object, who, r) == want && answers[effective.Change{Object: object, Principal: who, Right: r}] == want,
					"%s, %s, right %d: the access check allows %t, the View %t, the reported changes %t", object, who, r, want,
					v.Allowed(object, who, r), answers[effective.Change{Object: object, Principal: who, Right: r}])
			}
		}
	}
	for _, is := range answers {
		if is {
			allowed--
		}
	}
	check.RequireThat(t, allowed == 0, "the reported changes leave %d results too few or too many", allowed)
}

func ExampleView() {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU"]}`, `{"user":"S-1-5-21-1-2-3-1107"}`)
	v, err := effective.NewView(effective.Question{Type: winnt.FileObject,
		Rights: []winnt.AccessMask{winnt.FILE_READ_DATA}}, effective.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tell := func(changes []effective.Change, err error) {
		for _, c := range changes {
			fmt.Println(c.Principal, c.Object, c.Allowed)
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	tell(v.SetPrincipals([]effective.Principal{{Name: "alice", Token: people[0]}}))
	tell(v.Put("/srv/plan", sddl.MustParse("O:SYG:SYD:(A;;FR;;;BU)")))
	tell(v.SetPrincipals([]effective.Principal{{Name: "alice", Token: people[1]}})) // she left Users
	// Output:
	// alice /srv/plan true
	// alice /srv/plan false
}

// A principal that is removed and added again is reported again, as is one whose token changes and changes back. The
// View reuses a released slot.
func TestViewReportsReturningPrincipals(t *testing.T) {
	v := check.Must(effective.NewView(effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}},
		effective.Config{}))
	check.ErrorIs(t, check.Err(effective.NewView(effective.Question{}, effective.Config{})), access.ErrNoMapping,
		"NewView without a type")
	mine := sddl.MustParse("D:(A;;0x1;;;" + worldSIDs[0].String() + ")")
	reported := check.Must(v.Put("o", mine))
	check.That(t, len(reported) == 0, "Put without principals reported %v, want none", reported)
	in := check.Must(token.New(token.Spec{User: token.Group{SID: worldSIDs[0]}}))
	out := check.Must(token.New(token.Spec{User: token.Group{SID: worldSIDs[1]}}))
	other := sddl.MustParse("D:(A;;0x3;;;" + worldSIDs[0].String() + ")") // other results than mine, so evaluated again
	people := func(list ...effective.Principal) []effective.Principal { return list }
	p, q := effective.Principal{Name: "p", Token: in}, effective.Principal{Name: "q", Token: in}
	r := effective.Principal{Name: "r", Token: in}
	gains := func(who string) effective.Change {
		return effective.Change{Object: "o", Principal: who, Right: 0, Allowed: true}
	}
	loses := func(who string) effective.Change { return effective.Change{Object: "o", Principal: who, Right: 0} }
	for i, c := range []struct {
		next []effective.Principal
		want []effective.Change
	}{
		{people(p), []effective.Change{gains("p")}},
		{people(p), nil},
		{nil, []effective.Change{loses("p")}},
		{nil, nil},
		{people(p), []effective.Change{gains("p")}},
		{people(effective.Principal{Name: "p", Token: out}), []effective.Change{loses("p")}},
		{people(p), []effective.Change{gains("p")}},
		{people(q), []effective.Change{loses("p"), gains("q")}},
		{people(p, q), []effective.Change{gains("p")}},
		{people(effective.Principal{Name: "p"}, q), []effective.Change{loses("p")}},
		{people(p, effective.Principal{Name: "q", Token: out}), []effective.Change{gains("p"), loses("q")}},
		{people(q), []effective.Change{loses("p"), gains("q")}},
		{people(q, r), []effective.Change{gains("r")}},
		{people(p, q, r), []effective.Change{gains("p")}},
		{people(effective.Principal{Name: "p", Token: out}, p, q, r), nil}, // the last of two equal names counts
	} {
		check.SlicesEqual(t, check.Must(v.SetPrincipals(c.next)), c.want, "step %d: SetPrincipals reported", i)
		for _, who := range []string{"p", "q", "r"} {
			want := slices.ContainsFunc(c.next, func(n effective.Principal) bool { return n.Name == who && n.Token == in })
			check.Equal(t, v.Allowed("o", who, 0), want, "step %d: Allowed of %s", i, who)
		}
		// A new object is evaluated for the current principals, and their results are reported.
		var want []effective.Change
		for _, n := range c.next {
			if n.Token == in {
				want = append(want, effective.Change{Object: "new", Principal: n.Name, Right: 0, Allowed: true})
			}
		}
		check.SlicesEqual(t, check.Must(v.Put("new", other)), want, "step %d: Put of a new object reported", i)
		check.SlicesEqual(t, check.Must(v.Put("new", other)), nil, "step %d: the same Put again reported", i)
		for k := range want {
			want[k].Allowed = false
		}
		check.SlicesEqual(t, v.Remove("new"), want, "step %d: Remove reported", i)
	}
	check.That(t,
		!v.Allowed("none", "q", 0) && !v.Allowed("o", "none", 0) && !v.Allowed("o", "q", 1) && !v.Allowed("o", "q", -1),
		"Allowed = true for an object, a principal or a right that the View does not have, want false")
}

// Descriptors that differ in one part share no results in a View (A-141). Each pair differs only in the named part,
// and the access check decides them differently. The View gets the second descriptor when it has cached the results
// of the first. An owner has READ_CONTROL and WRITE_DAC without an entry (MS-DTYP 2.5.3.2).
func TestViewSeparatesSimilarDescriptors(t *testing.T) {
	tokens, _ := newUsers(1, 1)
	user := tokens[0].User().SID.String()
	for _, pair := range []struct {
		part, open, closed string
		desired            winnt.AccessMask
	}{
		{"owner", "O:" + user + "G:SYD:(A;;0x1;;;WD)", "O:" + user + "0G:SYD:(A;;0x1;;;WD)", winnt.WRITE_DAC},
		{"owner, no entry", "O:" + user + "G:SYD:", "O:SYG:SYD:", winnt.READ_CONTROL},
		{"DACL", "O:SYG:SYD:(A;;0x1;;;WD)", "O:SYG:SYD:(A;;0x2;;;WD)", 1},
		{"presence of the DACL", "O:SYG:SY", "O:SYG:SYD:", 1},
		{"label", "O:SYG:SYD:(A;;0x2;;;WD)S:(ML;;NW;;;LW)", "O:SYG:SYD:(A;;0x2;;;WD)S:(ML;;NW;;;SI)", 2},
	} {
		for _, openFirst := range []bool{true, false} {
			q := effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{pair.desired}}
			v := check.Must(effective.NewView(q, effective.Config{}))
			check.Must(v.SetPrincipals([]effective.Principal{{Name: "p", Token: tokens[0]}}))
			order := []string{"open", "closed"}
			if !openFirst {
				order = []string{"closed", "open"}
			}
			for _, name := range order {
				d := sddl.MustParse(map[string]string{"open": pair.open, "closed": pair.closed}[name])
				got := check.Must(access.Check(tokens[0], d, pair.desired, q.Type)).Allowed()
				check.RequireThat(t, got == (name == "open"),
					"%s: the access check allows the %s descriptor: %t, want %t", pair.part, name, got, name == "open")
				check.Must(v.Put(name, d))
			}
			check.That(t, v.Allowed("open", "p", 0) && !v.Allowed("closed", "p", 0),
				"%s, %s first: Allowed of the open object = %t, of the closed one = %t; want true, false", pair.part, order[0],
				v.Allowed("open", "p", 0), v.Allowed("closed", "p", 0))
		}
	}
}

// With a callback, a view checks all principals again, also those with equal tokens.
func TestViewAsksCallbackAgain(t *testing.T) {
	answer := claims.False
	var cfg effective.Config
	cfg.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return answer }
	d := sd.New(sd.Parts{DACL: check.Must(sd.NewACL(check.Must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone,
		sd.ACEExtra{AppData: []byte{1, 2, 3, 4}}))))})
	v := check.Must(effective.NewView(effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}, cfg))
	people := []effective.Principal{{Name: "a", Token: check.Must(token.New(token.StandardUser(worldUsers[0])))}}
	check.NoError(t, check.Err(v.SetPrincipals(people)))
	check.NoError(t, check.Err(v.Put("o", d)))
	answer = claims.True
	changes, err := v.SetPrincipals(people)
	check.That(t, err == nil && slices.Equal(changes, []effective.Change{{Object: "o", Principal: "a", Allowed: true}}),
		"changes %+v, %v, want that a has the right", changes, err)
}
